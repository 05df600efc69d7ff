"""Files on a local disk.

A write goes to a temporary file, is synced, and gets its final name in one step, so a name never holds half a file.
Every path is walked below a descriptor of the root with ``O_NOFOLLOW``: a symbolic link is never followed out of
the root, also when it is swapped in between two calls (CWE-59, CWE-367).
"""

from __future__ import annotations

import errno
import heapq
import os
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast import errors
from holdfast.drivers.protocol import MIB, Put, PutOptions
from holdfast.errors import InvalidKeyError, StorageError
from holdfast.keys import new_id
from holdfast.objects import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from holdfast.drivers.body import Body

TEMPORARY = ".holdfast-tmp"
"""Folder below the root for files that are being written; what lies here after a crash is garbage."""

_BLOCK = MIB
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LIST_BATCH = 50_000  # names of one folder held in memory at a time while listing

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

    def __init__(self, root: Path, *, durable: bool = True, mode: int = 0o600) -> None:
        self._root = root
        self._durable = durable
        self._mode = mode
        self._folder_mode = mode | (mode & 0o444) >> 2

    @property
    def native(self) -> Path:
        """The root folder."""
        return self._root

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write one file."""
        outcome = self.put_many([Put(key, body, options)])[0]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def put_many(self, puts: Sequence[Put]) -> list[ObjectInfo | Exception]:
        """Write files: all contents first, then one round of syncs, then the names, then the folders."""
        outcomes: list[ObjectInfo | Exception] = []
        with _Folders(self._root, self._folder_mode) as folders:
            files: list[_Temporary | Exception] = []
            try:
                for put in puts:
                    files.append(_caught(lambda put=put: self._write(folders, put)))  # type: ignore[misc]
                if self._durable:
                    for file in files:
                        if isinstance(file, _Temporary):
                            os.fsync(file.descriptor)
                outcomes += [file if isinstance(file, Exception) else _caught(file.publish) for file in files]
                if self._durable:
                    folders.sync()
            finally:
                for file in files:
                    if isinstance(file, _Temporary):
                        file.discard()
        return outcomes

    def _write(self, folders: _Folders, put: Put) -> _Temporary:
        file = _Temporary(folders, put, self._mode)
        try:
            for block in put.body.blocks(_BLOCK):
                file.write(block)
        except BaseException:
            file.discard()
            raise
        return file

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Read a file, or a part of it."""
        descriptor = self._open(key)
        with open(descriptor, "rb", buffering=0) as file:
            size = os.fstat(descriptor).st_size
            rest = max(0, (size if end is None else min(size, end)) - start)
            file.seek(start)
            step = rest if chunk_size is None else chunk_size
            while rest and (chunk := file.read(min(step, rest))):
                rest -= len(chunk)
                yield chunk

    def stat(self, key: str) -> ObjectInfo:
        """Describe a file."""
        descriptor = self._open(key)
        try:
            return _info(key, os.fstat(descriptor))
        finally:
            os.close(descriptor)

    def delete(self, keys: Sequence[str]) -> None:
        """Unlink files."""
        with suppress(FileNotFoundError), _Folders(self._root, self._folder_mode, create=False) as folders:
            for key in keys:
                with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
                    folder, name = folders.of(key)
                    os.unlink(name, dir_fd=folder)

    def copy(self, source: str, target: str) -> None:
        """Copy a file, in the kernel where it can."""
        descriptor = self._open(source)
        try:
            with _Folders(self._root, self._folder_mode) as folders:
                put = Put(target, None, PutOptions())  # type: ignore[arg-type]
                file = _Temporary(folders, put, self._mode)
                try:
                    _copy_bytes(descriptor, file.descriptor)
                    if self._durable:
                        os.fsync(file.descriptor)
                    file.rename()
                    if self._durable:
                        folders.sync()
                finally:
                    file.discard()
        finally:
            os.close(descriptor)

    def list(self, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
        """Walk the folders in the order of the keys."""
        try:
            with _Folders(self._root, self._folder_mode, create=False) as folders:
                folder = folders.open(prefix.split("/") if prefix else [])
                folder = os.dup(folder)
        except (FileNotFoundError, NotADirectoryError):
            return
        yield from _walk(folder, f"{prefix}/" if prefix else "", after.encode() if after else b"")

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Read the errno."""
        if not isinstance(error, OSError):
            return None
        return _CLASSES.get(error.errno or 0, StorageError)

    def _open(self, key: str) -> int:
        with _Folders(self._root, self._folder_mode, create=False) as folders:
            folder, name = folders.of(key)
            # O_NONBLOCK: opening a FIFO that somebody put there must not hang.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(name, flags, dir_fd=folder)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise FileNotFoundError(errno.ENOENT, "not a regular file", key)
        return descriptor


class _Folders:
    """Descriptors of the folders that one operation walks through, each opened once, closed together."""

    def __init__(self, root: Path, mode: int, *, create: bool = True) -> None:
        self._mode, self._create = mode, create
        self._open: dict[tuple[str, ...], int] = {}
        self._changed: set[tuple[str, ...]] = set()
        if create:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The root itself may be a link: it is the operator's choice, not a client's.
        self._open[()] = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> _Folders:
        return self

    def __exit__(self, *exc: object) -> None:
        for descriptor in self._open.values():
            os.close(descriptor)

    def of(self, key: str) -> tuple[int, str]:
        """Return the descriptor of the folder that holds `key`, and the name in it."""
        *segments, name = key.split("/")
        if (segments or [name])[0] == TEMPORARY:
            message = f"{key!r} cannot be a key: {TEMPORARY} holds the files that are being written"
            raise InvalidKeyError(message)
        return self.open(segments), name

    def open(self, segments: Sequence[str]) -> int:
        """Return the descriptor of a folder, made on the way where that was asked for."""
        path = tuple(segments)
        if path not in self._open:
            parent = self.open(path[:-1])
            try:
                descriptor = os.open(path[-1], _FOLDER, dir_fd=parent)
            except FileNotFoundError:
                if not self._create:
                    raise
                with suppress(FileExistsError):
                    os.mkdir(path[-1], mode=self._mode, dir_fd=parent)
                self._changed.add(path[:-1])
                descriptor = os.open(path[-1], _FOLDER, dir_fd=parent)
            self._open[path] = descriptor
        return self._open[path]

    def changed(self, key: str) -> None:
        """Note that a name in the folder of `key` was made."""
        self._changed.add(tuple(key.split("/")[:-1]))

    def sync(self) -> None:
        """Make the names durable: a file's own sync does not cover the entry in its folder (fsync(2))."""
        for path in sorted(self._changed, key=len, reverse=True):
            os.fsync(self._open[path])
        self._changed.clear()


class _Temporary:
    """A file that has no final name yet."""

    def __init__(self, folders: _Folders, put: Put, mode: int) -> None:
        self._folders, self._put = folders, put
        folders.of(put.key)  # refuses the key, or makes its folder, before anything is written
        self._folder = folders.open([TEMPORARY])
        self._name = new_id()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self.descriptor = os.open(self._name, flags, mode, dir_fd=self._folder)
        self._open = True

    def write(self, block: memoryview) -> None:
        while block:
            block = block[os.write(self.descriptor, block) :]

    def publish(self) -> ObjectInfo:
        """Give the file its name."""
        if self._put.options.if_absent:
            self._link()
        else:
            self.rename()
        return _info(self._put.key, os.fstat(self.descriptor))

    def rename(self) -> None:
        folder, name = self._folders.of(self._put.key)
        os.replace(self._name, name, src_dir_fd=self._folder, dst_dir_fd=folder)
        self._folders.changed(self._put.key)

    def _link(self) -> None:
        folder, name = self._folders.of(self._put.key)
        try:
            # link(2) fails when the name exists; rename(2) would replace it.
            os.link(self._name, name, src_dir_fd=self._folder, dst_dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            if error.errno not in {errno.EPERM, errno.ENOTSUP, errno.EMLINK}:
                raise
            # A file system without hard links: take the name first, then put the content in its place.
            os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder))
            self.rename()
        self._folders.changed(self._put.key)

    def discard(self) -> None:
        """Close the file and remove its temporary name, if it still has one."""
        if self._open:
            self._open = False
            os.close(self.descriptor)
            with suppress(FileNotFoundError):
                os.unlink(self._name, dir_fd=self._folder)


def _caught(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:  # noqa: BLE001  # one file's failure is that file's outcome
        return error


def _info(key: str, found: os.stat_result) -> ObjectInfo:
    return ObjectInfo(
        key, found.st_size, found.st_mtime_ns / 1e9, etag=f"{found.st_mtime_ns}-{found.st_size}"
    )


def _copy_bytes(source: int, target: int) -> None:
    try:
        while os.copy_file_range(source, target, 1 << 30):
            pass
    except (AttributeError, OSError):  # another system, or two file systems
        os.lseek(source, 0, os.SEEK_SET)
        os.lseek(target, 0, os.SEEK_SET)
        os.ftruncate(target, 0)
        while chunk := os.read(source, _BLOCK):
            os.write(target, chunk)


def _walk(folder: int, base: str, after: bytes) -> Iterator[ObjectInfo]:
    """Yield the files below an open folder, which is closed at the end."""
    try:
        for name, is_folder in _sorted_names(folder, base, after):
            if not is_folder:
                with suppress(FileNotFoundError):
                    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                    if stat.S_ISREG(found.st_mode):
                        yield _info(base + name, found)
                continue
            try:
                inner = os.open(name, _FOLDER, dir_fd=folder)
            except (FileNotFoundError, NotADirectoryError, OSError):
                continue  # removed, or swapped for a link, since it was seen
            yield from _walk(inner, f"{base}{name}/", after)
    finally:
        os.close(folder)


def _sorted_names(folder: int, base: str, after: bytes) -> Iterator[tuple[str, bool]]:
    """Yield a folder's entries in the order of their keys, in bounded memory however many there are."""
    last = b""
    while True:
        with _scan(folder) as entries:
            batch = heapq.nsmallest(_LIST_BATCH, _ahead(entries, base.encode(), after, last))
        for name, is_folder in batch:
            yield name.removesuffix(b"/").decode(), is_folder
        if len(batch) < _LIST_BATCH:
            return
        last = batch[-1][0]


def _ahead(entries: Iterator[Any], base: bytes, after: bytes, last: bytes) -> Iterator[tuple[bytes, bool]]:
    for entry in entries:
        name = os.fsencode(entry.name)
        is_folder = entry.is_dir(follow_symlinks=False)
        if not base and entry.name == TEMPORARY:
            continue
        with suppress(UnicodeDecodeError):
            name.decode()  # a name that is not UTF-8 is none of ours
            # A folder sorts as "name/", so that the walk has the order of whole keys.
            key = name + b"/" if is_folder else name
            full = base + key
            if key > last and (full > after or (is_folder and after.startswith(full))):
                yield key, is_folder


@contextmanager
def _scan(folder: int) -> Iterator[Iterator[Any]]:
    with os.scandir(folder) as entries:  # works on a copy of the descriptor, but shares its position
        os.lseek(folder, 0, os.SEEK_SET)
        yield entries
