"""Files on a local disk.

A write goes to a temporary file, is synced, and gets its final name in one step, so a name never holds half a file.
Every path is walked below a descriptor of the root with ``O_NOFOLLOW``: a symbolic link is never followed out of
the root, also when it is swapped in between two calls (CWE-59, CWE-367).
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from holdfast import errors
from holdfast.drivers.abilities import FILES
from holdfast.drivers.local.files import TemporaryFile, clear_temporary, describe
from holdfast.drivers.local.folders import Folders
from holdfast.drivers.local.listing import walk
from holdfast.drivers.local.reading import FileChunks
from holdfast.drivers.optional import OpenedFile, PlainFiles
from holdfast.drivers.places import Place, on_disk
from holdfast.drivers.protocol import MIB, Put, PutOptions
from holdfast.errors import StorageError
from holdfast.object_settings import NO_SETTINGS, ObjectSettings
from holdfast.sources import READ_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from holdfast.drivers.body import Body
    from holdfast.drivers.local.cached import CachedFolder
    from holdfast.drivers.protocol import Driver
    from holdfast.objects import ObjectInfo

T = TypeVar("T")

_BLOCK = MIB

_CLASSES: dict[int, type[StorageError]] = {
    errno.ENOENT: errors.NotFoundError,
    errno.ENOTDIR: errors.NotFoundError,
    errno.ELOOP: errors.AccessDeniedError,  # a symbolic link where a folder or file should be
    errno.EEXIST: errors.AlreadyExistsError,
    errno.EACCES: errors.AccessDeniedError,
    errno.EPERM: errors.AccessDeniedError,
    errno.EROFS: errors.AccessDeniedError,
    errno.ETIMEDOUT: errors.StorageTimeoutError,
}


class LocalDriver:
    """Plain files below a root folder, which is created at the first write.

    Args:
        root: Absolute path of the folder.
        durable: Sync files and folders to the disk before a put returns; a batch is synced together at its end.
        mode: Permission bits of files; folders also get the search bit wherever files get the read bit.
    """

    abilities = FILES

    def __init__(self, root: Path, *, durable: bool = True, mode: int = 0o600) -> None:
        self._root = root
        self._durable = durable
        self._mode = mode
        self._folder_mode = mode | (mode & 0o444) >> 2
        self._cached: CachedFolder | None = None

    def _folders(self, *, create: bool = True) -> Folders:
        return Folders(self._root, self._folder_mode, create=create)

    @property
    def native(self) -> Path:
        """The root folder."""
        return self._root

    def place(self) -> Place:
        """Return the folder, behind symbolic links."""
        return on_disk(self._root)

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write one file."""
        outcome = self.put_many([Put(key, body, options)])[0]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def put_many(self, puts: Sequence[Put]) -> list[ObjectInfo | Exception]:
        """Write files: all contents first, then one round of syncs, then the names, then the folders."""
        with self._folders() as folders:
            files: list[TemporaryFile | Exception] = []
            try:
                files += (_caught(partial(self._write, folders, put)) for put in puts)
                if self._durable:
                    for file in files:
                        if isinstance(file, TemporaryFile):
                            os.fsync(file.descriptor)
                outcomes = [
                    file
                    if isinstance(file, Exception)
                    else _caught(partial(file.publish, if_absent=put.options.if_absent and not put.options.fresh))
                    for put, file in zip(puts, files, strict=True)
                ]
                if self._durable:
                    folders.sync()
            finally:
                for file in files:
                    if isinstance(file, TemporaryFile):
                        file.discard()
        return outcomes

    def _write(self, folders: Folders, put: Put) -> TemporaryFile:
        file = TemporaryFile(folders, put.key, self._mode)
        try:
            for block in put.body.blocks(READ_SIZE):
                file.write(block)
        except BaseException:
            file.discard()
            raise
        return file

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Read a file, or a part of it."""
        return FileChunks(partial(self.open_file, key), start, end, chunk_size)

    def stat(self, key: str) -> ObjectInfo:
        """Describe a file."""
        descriptor, _ = self.open_file(key)
        try:
            return describe(key, os.fstat(descriptor))
        finally:
            os.close(descriptor)

    def delete(self, keys: Sequence[str]) -> None:
        """Unlink files."""
        failures: list[OSError] = []
        with suppress(FileNotFoundError), self._folders(create=False) as folders:
            for key in keys:
                try:
                    folder, name = folders.of(key)
                    os.unlink(name, dir_fd=folder)
                except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                    continue
                except OSError as error:  # the others still have their turn
                    failures.append(error)
        if failures:
            raise failures[0]

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:  # noqa: ARG002  # it has none
        """Copy a file, in the kernel where it can."""
        self._copy_file(self.open_file(source), target, if_absent=False)

    def can_copy_from(self, origin: Driver) -> bool:
        """Copy any file of this machine."""
        return isinstance(origin, PlainFiles)

    def copy_from(self, origin: PlainFiles, source: ObjectInfo, target: str, options: PutOptions) -> None:
        """Copy a file of another folder, in the kernel where it can."""
        self._copy_file(origin.open_file(source.key), target, if_absent=options.if_absent)

    def _copy_file(self, source: OpenedFile, target: str, *, if_absent: bool) -> None:
        try:
            with self._folders() as folders:
                file = TemporaryFile(folders, target, self._mode)
                try:
                    _copy_bytes(source.descriptor, file.descriptor)
                    if self._durable:
                        os.fsync(file.descriptor)
                    file.publish(if_absent=if_absent)
                    if self._durable:
                        folders.sync()
                finally:
                    file.discard()
        finally:
            os.close(source.descriptor)

    def clear_partial_uploads(self, older_than: float, *, delete: bool) -> list[str]:
        """Unlink temporary files that a crash left."""
        try:
            with self._folders(create=False) as folders:
                return clear_temporary(folders, older_than, delete=delete)
        except FileNotFoundError:  # nothing was ever written
            return []

    def list(self, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
        """Walk the folders in the order of the keys."""
        try:
            with self._folders(create=False) as folders:
                folder = folders.open(prefix.split("/") if prefix else [])
                folder = os.dup(folder)
        except (FileNotFoundError, NotADirectoryError):
            return
        yield from walk(folder, f"{prefix}/" if prefix else "", after or "")

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Read the errno."""
        if not isinstance(error, OSError):
            return None
        return _CLASSES.get(error.errno or 0, StorageError)

    def open_file(self, key: str) -> OpenedFile:
        """Walk to a file and open it."""
        if self._cached is not None:
            self._cached.renew()
        with self._folders(create=False) as folders:
            folder, name = folders.of(key)
            # O_NONBLOCK: opening a FIFO that somebody put there must not hang.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(name, flags, dir_fd=folder)
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            raise FileNotFoundError(errno.ENOENT, "not a regular file", key)
        return OpenedFile(descriptor, found.st_size)

    def open_cached(self, key: str) -> OpenedFile | None:
        """Open a file whose name the kernel has in memory; the first call only prepares for the next ones."""
        if self._cached is None:
            from holdfast.drivers.local.cached import CachedFolder  # noqa: PLC0415  # ctypes: 2 ms to import

            self._cached = CachedFolder(self._root)
        return self._cached.open(key)

    def read_cached(self, key: str, start: int, end: int, size: int) -> bytes | None:
        """Read a part of such a file, once `open_cached` has prepared for it."""
        return None if self._cached is None else self._cached.read(key, start, end, size)

    def relative_path(self, key: str) -> str:
        """Return the key: it is the path below the root."""
        return key


def _caught(call: Callable[[], T]) -> T | Exception:
    try:
        return call()
    except Exception as error:  # noqa: BLE001  # one file's failure is that file's outcome
        return error


def _copy_bytes(source: int, target: int) -> None:
    try:
        while os.copy_file_range(source, target, 1 << 30):
            pass
    except (AttributeError, OSError):  # another system, or two file systems
        os.lseek(source, 0, os.SEEK_SET)
        os.lseek(target, 0, os.SEEK_SET)
        os.ftruncate(target, 0)
        with open(target, "wb", closefd=False) as file:  # a descriptor has no Path
            while chunk := os.read(source, _BLOCK):
                file.write(chunk)
