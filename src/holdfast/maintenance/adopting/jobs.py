"""One file of one row: it is asked for, compared with what the row says, and copied if another row gets the object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.errors import ColumnValueError, FileStateError, NotFoundError, StorageError, UnknownStorageError
from holdfast.maintenance.rewriting.engine import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.file import FileObject
    from holdfast.maintenance.adopting.reading import OldRow
    from holdfast.objects import ObjectInfo
    from holdfast.orm.column import StoredObject

_SAYS_NOTHING = {"application/octet-stream", "binary/octet-stream"}


class Job(NamedTuple):
    """A file that a row is to get.

    Attributes:
        row: The row.
        file: The file, as the mapping made it.
        storage: Name of its storage.
        key: Its key.
        is_shared: Whether another row gets the object, so that this one needs a copy.
    """

    row: OldRow
    file: FileObject
    storage: str
    key: str
    is_shared: bool


class Work:
    """What is done for each file; several threads or tasks call it at once.

    Args:
        check: Ask the storage for each file.
        dry_run: Copy nothing.
    """

    def __init__(self, *, check: bool, dry_run: bool) -> None:
        self._check, self._dry_run = check, dry_run

    def do(self, job: Job) -> FileObject:
        """Return the file for the row.

        Raises:
            Refusal: It is not there, or not as the row says.
            StorageError: The storage failed.
        """
        storage = job.file.backend
        if self._check:
            _compare(job, storage.stat(job.key))
        return job.file.copy_to(storage) if job.is_shared and not self._dry_run else job.file

    async def do_async(self, job: Job) -> FileObject:
        """Like `do`."""
        storage = job.file.backend
        if self._check:
            _compare(job, await storage.stat_async(job.key))
        return await job.file.copy_to_async(storage) if job.is_shared and not self._dry_run else job.file


def check_files(files: Sequence[FileObject], kind: StoredObject) -> None:
    """Refuse files that a column cannot hold; those that name no storage get the column's.

    Raises:
        FileStateError: One names no object.
        ColumnValueError: There are too many, or the column is strict about its storage.
    """
    if len(files) > 1 and not kind.multiple:
        message = f"{len(files)} files for a column of one"
        raise ColumnValueError(message)
    for file in files:
        file._default_backend(kind.backend)
        if file.backend_key is None or file.path is None:
            message = f"the mapping made {file!r}, which names no object: FileObject(backend=…, to_filename=…)"
            raise FileStateError(message)
        if kind.strict and file.backend_key != kind.backend:
            message = f"the column keeps its files in {kind.backend!r} only, not in {file.backend_key!r}"
            raise ColumnValueError(message)


def refusal(error: Exception) -> Refusal:
    """Return an outcome that is no file in the words of a finding."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, NotFoundError):
        return Refusal("missing", "there is no such object")
    if isinstance(error, UnknownStorageError):
        return Refusal("unregistered", str(error))
    return Refusal("unreadable" if isinstance(error, StorageError) else "failed", str(error))


def _compare(job: Job, info: ObjectInfo) -> None:
    """Put what the storage knows into the file, if it is the one that the row means.

    Raises:
        Refusal: It is not.
    """
    file: Any = job.file
    if file.size not in {None, info.size}:
        kind = "truncated" if info.size < file.size else "corrupt"
        message = f"it has {info.size} bytes, the row says {file.size}"
        raise Refusal(kind, message)
    checksum, content_type = file.checksum, file._content_type
    file._refreshed(info)
    file.checksum = checksum  # the row's own, of these very bytes
    if content_type is None and file.content_type in _SAYS_NOTHING:
        file.content_type = None  # the name tells more
