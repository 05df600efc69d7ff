"""What one row does not say of its file, and what was seen of the object: no I/O, it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.checksums import hash_factory
from holdfast.drivers.body import Body
from holdfast.errors import BucketNotFoundError
from holdfast.inspection import HEAD_SIZE, sniff
from holdfast.inspection.extensions import guessed_type
from holdfast.inspection.media_types import UNKNOWN, may_run, normal
from holdfast.maintenance.rewriting.engine import Refusal
from holdfast.registry import storages

if TYPE_CHECKING:
    from holdfast.backends.base import StorageBackend
    from holdfast.errors import NotFoundError
    from holdfast.maintenance.rewriting.engine import Job
    from holdfast.objects import ObjectInfo
    from holdfast.sources import Source


class Look:
    """A look at one object.

    Args:
        job: The file.
        algorithm: Of the checksum that is wanted.
        wanted: What is to be filled in.
        overwrite: What the row says counts for nothing.
        refine: A content type that says nothing may become one that the bytes show, if they are read anyway.
    """

    def __init__(
        self, job: Job, algorithm: str | None, wanted: frozenset[str], *, overwrite: bool, refine: bool
    ) -> None:
        self._job, self._algorithm, self._wanted = job, algorithm, wanted
        self._overwrite, self._refine = overwrite, refine
        self._info: ObjectInfo
        self._body: Body | None = None
        self._head = b""

    @property
    def key(self) -> str:
        """The object's key."""
        return str(self._job.fields["to_filename"])

    @property
    def read(self) -> int:
        """How many bytes were read."""
        return self._body.size if self._body is not None else len(self._head)

    @property
    def needs_bytes(self) -> bool:
        """Whether the object is to be read in full."""
        return "checksum" in self._wanted

    @property
    def needs_head(self) -> bool:
        """Whether nothing but its first bytes tells what it is."""
        return "content_type" in self._wanted and self._told_type() is None

    def at(self, info: ObjectInfo) -> None:
        """Take what the storage says of the object.

        Raises:
            Refusal: It is not the one that the row means.
        """
        if not self._overwrite:
            refuse_size(self._job, info)
        self._info = info

    def body(self, source: Source) -> Body:
        """Return the object's bytes as they are read."""
        self._body = Body(source, self._algorithm, hash_factory(self._algorithm))
        return self._body

    def take(self, block: bytes | memoryview) -> None:
        """Take the next of its bytes."""
        if len(self._head) < HEAD_SIZE:
            self._head += bytes(block[: HEAD_SIZE - len(self._head)])

    def filled(self) -> dict[str, Any]:
        """Return the row's item with what was wanted.

        Raises:
            Refusal: The object was replaced while it was read.
        """
        info, item = self._info, dict(self._job.item)
        if self._body is not None and self._body.size != info.size:
            detail = f"it had {info.size} bytes, and {self._body.size} when it was read: it was replaced meanwhile"
            raise Refusal("busy", detail)
        found = {"size": info.size, "etag": info.etag, "last_modified": info.last_modified}
        found["checksum"] = None if self._body is None else self._body.checksum
        item |= {name: found[name] for name in self._wanted & found.keys() if found[name] is not None}
        if "etag" in self._wanted and info.version_id is not None:
            item["version_id"] = info.version_id
        return item | self._content_type()

    def _content_type(self) -> dict[str, str]:
        if "content_type" in self._wanted:
            return {"content_type": self._told_type() or self._shown_type() or UNKNOWN}
        says_nothing = normal(self._job.fields["content_type"]) is None
        if self._refine and says_nothing and self._body is not None and (better := self._shown_type()):
            return {"content_type": better}
        return {}

    def _told_type(self) -> str | None:
        """Return what the storage says that it is, else what the name says."""
        kind = self._info.content_type
        if kind is not None and normal(kind) is not None:
            return kind
        guessed = guessed_type(self._job.fields["filename"])
        return None if normal(guessed) is None else guessed

    def _shown_type(self) -> str | None:
        """Return what its first bytes show; never what a browser would run, because nobody said it was that."""
        kind = sniff(self._head)
        return None if kind is None or may_run(kind) else kind


def registered(job: Job) -> StorageBackend:
    """Return the storage of a file.

    Raises:
        Refusal: There is none of that name.
    """
    name = job.fields["backend"]
    if name not in storages:
        raise Refusal("unregistered", f"no storage is registered under {name!r}")
    return storages.get(name)


def missing(error: NotFoundError) -> Exception:
    """Return what becomes of a file without an object: a finding, unless it is the bucket that is not there."""
    return error if isinstance(error, BucketNotFoundError) else Refusal("missing", str(error))


def refuse_size(job: Job, info: ObjectInfo) -> None:
    """Refuse a file whose object has another size than its row says.

    Raises:
        Refusal: It has.
    """
    size = job.fields["size"]
    if size not in {None, info.size}:
        kind = "truncated" if info.size < size else "corrupt"
        raise Refusal(kind, f"it has {info.size} bytes, the row says {size}")
