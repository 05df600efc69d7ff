"""What archives have in common: an index of their files, made once.

Entries whose names climb (``../x``), are absolute or are no keys for another reason do not exist here, and links are
not followed.

They are read-only, although fsspec can write a zip: its directory comes to the disk when the archive is closed, so
nothing in it is stored before.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.drivers.abilities import FILES
from holdfast.drivers.fsspec.read_only import ReadOnly
from holdfast.errors import ConfigurationError, InvalidKeyError
from holdfast.keys import validate_key
from holdfast.objects import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

_LARGEST = 2**63 - 1  # bytes
_TOO_SHORT = "the archive says that the file is longer than it is"


class Member(NamedTuple):
    """A file in an archive.

    Attributes:
        name: Its name there.
        handle: What the archive knows it by.
        size: Bytes.
        modified: Seconds since the epoch; archives of zip tell no time zone, and this machine's is assumed.
        etag: Its checksum, where the archive has one.
    """

    name: str
    handle: Any
    size: int
    modified: float | None
    etag: str | None


class Index(NamedTuple):
    """The files of an archive: by key, and the keys in order."""

    members: dict[str, Member]
    order: list[bytes]


class ArchiveDriver(ReadOnly):
    """Files in an archive, or in a folder of it.

    Args:
        fs: The file system, or what makes one.
        root: The folder.

    Raises:
        ConfigurationError: The archive was opened for writing.
    """

    abilities = FILES._replace(writable=False, atomic_create=False)
    refusal = "an archive is read-only here: what is written to one is not stored before the archive is closed"

    def __init__(self, fs: Any, root: str) -> None:
        mode = getattr(fs, "keywords", {}).get("mode", getattr(fs, "mode", "r"))
        if mode != "r":
            message = f'mode={mode!r}: {self.refusal}; leave it out, or write mode="r"'
            raise ConfigurationError(message)
        super().__init__(fs)
        self._root = f"{root.strip('/')}/" if root.strip("/") else ""
        self._found: tuple[Any, Index] | None = None
        self._reading = threading.Lock()

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Unpack a file, or a part of it; the file is unpacked from its beginning."""
        member = self._member(key)
        end = member.size if end is None else min(end, member.size)
        if start >= end:
            return
        with self._open(member) as file:
            self._locked(self._skip, file, start)
            step = end - start if chunk_size is None else chunk_size
            for position in range(start, end, step):
                size = min(step, end - position)
                chunk = self._locked(file.read, size)
                if len(chunk) < size:
                    raise EOFError(_TOO_SHORT)
                yield chunk

    def stat(self, key: str) -> ObjectInfo:
        """Describe a file."""
        return _info(key, self._member(key))

    def list(self, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
        """Go through the index."""
        index, folder = self._index(), f"{prefix}/" if prefix else ""
        first = max(bisect_right(index.order, (after or "").encode()), bisect_right(index.order, folder.encode()))
        for encoded in index.order[first:]:
            key = encoded.decode()
            if not key.startswith(folder):
                return
            yield _info(key, index.members[key])

    def _member(self, key: str) -> Member:
        try:
            member = self._index().members[key]
        except KeyError:
            raise FileNotFoundError(key) from None
        if member.size > _LARGEST:
            message = f"{member.size} bytes are said to be in it, which no file has"
            raise EOFError(message)
        return member

    def _index(self) -> Index:
        fs = self.native
        with self._reading:
            if self._found is None or self._found[0] is not fs:
                members = {member.name.removeprefix(self._root): member for member in self._below(self._members(fs))}
                self._found = fs, Index(members, sorted(map(str.encode, members)))
            return self._found[1]

    def _below(self, members: Iterable[Member]) -> Iterator[Member]:
        for member in members:
            if member.name.startswith(self._root):
                with suppress(InvalidKeyError):
                    validate_key(member.name)
                    yield member

    def _locked(self, call: Any, *arguments: Any) -> Any:
        with self._reading:  # all files of an archive share its position
            return call(*arguments)

    def _skip(self, file: BinaryIO, size: int) -> None:
        file.seek(size)

    def _members(self, fs: Any) -> Iterable[Member]:
        raise NotImplementedError

    def _open(self, member: Member) -> BinaryIO:
        raise NotImplementedError


def _info(key: str, member: Member) -> ObjectInfo:
    return ObjectInfo(key, member.size, member.modified, member.etag)
