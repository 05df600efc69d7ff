"""Files that get their names when they are complete, and what a storage knows of them."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from holdfast.drivers.local.folders import TEMPORARY
from holdfast.objects import ObjectInfo

if TYPE_CHECKING:
    from holdfast.drivers.local.folders import Folders


class TemporaryFile:
    """A file that has no final name yet."""

    def __init__(self, folders: Folders, key: str, mode: int) -> None:
        self._folders, self._key = folders, key
        folders.of(key)  # refuses the key, or makes its folder, before anything is written
        self._folder = folders.open([TEMPORARY])
        self._name = os.urandom(16).hex()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self.descriptor = os.open(self._name, flags, mode, dir_fd=self._folder)
        with suppress(OSError):  # a file system without locks
            fcntl.flock(self.descriptor, fcntl.LOCK_EX)  # says that it is in use, as long as this process lives
        self._open = self._is_named = True

    def write(self, block: memoryview) -> None:
        """Append a whole block."""
        while block:
            block = block[os.write(self.descriptor, block) :]

    def publish(self, *, if_absent: bool) -> ObjectInfo:
        """Give the file its name; where nothing can lie there, in one step, in which a file system does less."""
        if if_absent:
            self._link()
        else:
            self._rename()
        return describe(self._key, os.fstat(self.descriptor))

    def _rename(self) -> None:
        folder, name = self._folders.of(self._key)
        os.replace(self._name, name, src_dir_fd=self._folder, dst_dir_fd=folder)
        self._is_named = False
        self._folders.changed(self._key)

    def _link(self) -> None:
        folder, name = self._folders.of(self._key)
        try:
            # link(2) fails when the name exists; rename(2) would replace it.
            os.link(self._name, name, src_dir_fd=self._folder, dst_dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            if error.errno not in {errno.EPERM, errno.ENOTSUP, errno.EMLINK}:
                raise
            # A file system without hard links: take the name first, then put the content in its place.
            os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder))
            self._rename()
        self._folders.changed(self._key)

    def discard(self) -> None:
        """Close the file and remove its temporary name, if it still has one."""
        if self._open:
            self._open = False
            os.close(self.descriptor)
            if self._is_named:
                with suppress(FileNotFoundError):
                    os.unlink(self._name, dir_fd=self._folder)


def clear_temporary(folders: Folders, older_than: float, *, delete: bool) -> list[str]:
    """Return the temporary files last written before `older_than` that nobody writes any more; delete them.

    A slow source may leave a file untouched for long: whether it is in use is told by its lock.
    """
    folder = folders.open([TEMPORARY])
    names = sorted(os.listdir(folder))  # noqa: PTH208  # a descriptor has no Path
    return [f"{TEMPORARY}/{name}" for name in names if _clear(folder, name, older_than, delete=delete)]


def _clear(folder: int, name: str, older_than: float, *, delete: bool) -> bool:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ELOOP, errno.ENXIO}:  # published meanwhile; a link; a socket
            return False
        raise
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_mtime >= older_than or _in_use(descriptor):
            return False
        if delete:
            os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return False
    finally:
        os.close(descriptor)
    return True


def _in_use(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks: the time has to do
        return False
    return False


def describe(key: str, found: os.stat_result) -> ObjectInfo:
    """Return what a storage knows of a file."""
    return ObjectInfo(key, found.st_size, found.st_mtime_ns / 1e9, etag=f"{found.st_mtime_ns}-{found.st_size}")
