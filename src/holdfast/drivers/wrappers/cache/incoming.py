"""A file of the cache that is being written."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Incoming:
    """A file that is being written.

    Args:
        path: Its temporary name.
        target: Its name when it is complete.
        size: How large it will be.
    """

    def __init__(self, path: Path, target: Path, size: int) -> None:
        self._path, self._target, self.size = path, target, size
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # says that it is in use, as long as this process lives
        os.truncate(descriptor, size)  # others see at once what room it takes
        self._written = 0

    def write(self, chunk: bytes) -> None:
        """Append bytes."""
        rest = memoryview(chunk)
        while rest:
            rest = rest[self._file.write(rest) or 0 :]
        self._written += len(chunk)

    def is_whole(self) -> bool:
        """Return whether all bytes came."""
        return self._written == self.size

    def sync(self) -> None:
        """Bring the bytes to the disk: else a power cut could leave a name with zeros behind it."""
        os.fsync(self._file.fileno())

    def publish(self) -> None:
        """Give the file its name."""
        self._target.parent.mkdir(mode=0o700, exist_ok=True)
        self._path.replace(self._target)
        self._file.close()

    def discard(self) -> None:
        """Remove the file."""
        self._path.unlink(missing_ok=True)
        self._file.close()


def in_use(path: Path) -> bool:
    """Return whether a process still writes a file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
