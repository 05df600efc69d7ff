"""Opening files whose names the kernel has in memory, without waiting for a disk: openat2(2) of Linux 5.12 and later.

One system call walks the whole path below the root, follows no symbolic link, and fails at once where it would have
to read. That is quick enough for an event loop, where a thread would cost ten times as much.
"""

from __future__ import annotations

import ctypes
import os
import stat
import sys
from time import monotonic
from typing import TYPE_CHECKING, Any

from holdfast.drivers.local.folders import TEMPORARY
from holdfast.drivers.optional import OpenedFile
from holdfast.drivers.resident import resident

if TYPE_CHECKING:
    from pathlib import Path

_NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH, _CACHED = 0x02, 0x04, 0x08, 0x20  # linux/openat2.h
_REFUSED = f"{TEMPORARY}/"
_TRUSTED = 1.0  # seconds for which the root is taken to be the folder that it was


class _How(ctypes.Structure):
    """struct open_how."""

    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


# Arguments that need no conversion: with `argtypes` a call takes half as long again.
_NUMBER = ctypes.c_long(437)  # of openat2, on every architecture
_HOW = _How(
    # O_NONBLOCK: opening a FIFO that somebody put there must not hang.
    os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC,
    0,
    _BENEATH | _NO_SYMLINKS | _NO_MAGICLINKS | _CACHED,
)
_HOW_REFERENCE, _HOW_SIZE = ctypes.byref(_HOW), ctypes.c_size_t(ctypes.sizeof(_HOW))

_syscall: Any = None
if sys.platform == "linux":
    # PyDLL keeps the interpreter's lock: giving it away costs more than the call, which never waits.
    _syscall = ctypes.PyDLL(None).syscall
    _syscall.restype = ctypes.c_long


class CachedFolder:
    """A root folder that is kept open for a short while, so that another one in its place is soon seen.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder: _Folder | None = None
        self._until = 0.0

    def open(self, key: str) -> OpenedFile | None:
        """Open a file, or return None where that is to be done in the usual way: it may wait, or will fail."""
        descriptor = self._descriptor(key)
        if descriptor < 0:
            return None
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            return None
        return OpenedFile(descriptor, found.st_size)

    def read(self, key: str, start: int, end: int, size: int) -> bytes | None:
        """Return a part of a file of that size, if the kernel has it in memory; None in all other cases."""
        if start >= end or (descriptor := self._descriptor(key)) < 0:
            return None
        try:
            # In place of fstat(2), whose result takes Python 6 % of an answer's time to make. What is no regular file
            # is found out all the same: a FIFO has no end, a folder has no bytes.
            return resident(descriptor, start, end) if os.lseek(descriptor, 0, os.SEEK_END) == size else None
        except OSError:
            return None
        finally:
            os.close(descriptor)

    def renew(self) -> None:
        """Open the folder anew if its time is over. To be called where waiting is no harm."""
        if monotonic() <= self._until:
            return
        folder = _Folder(os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        if folder.can_be_used():
            self._folder, self._until = folder, monotonic() + _TRUSTED
        else:
            self._until = float("inf")

    def _descriptor(self, key: str) -> int:
        folder = self._folder  # kept alive by this name while another thread puts a newer one in its place
        if folder is None or monotonic() > self._until or key.startswith(_REFUSED):
            return -1
        return _openat2(folder.descriptor, key.encode())


class _Folder:
    """A descriptor that is closed when nobody uses it any more."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def can_be_used(self) -> bool:
        """Return whether there is the call at all: not so on older kernels, other systems, and in some sandboxes."""
        if _syscall is None or (descriptor := _openat2(self.descriptor, b".")) < 0:
            return False
        os.close(descriptor)
        return True

    def __del__(self) -> None:
        os.close(self.descriptor)


def _openat2(folder: int, path: bytes) -> int:
    descriptor: int = _syscall(_NUMBER, folder, path, _HOW_REFERENCE, _HOW_SIZE)
    return descriptor
