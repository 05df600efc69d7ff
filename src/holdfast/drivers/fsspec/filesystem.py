"""An fsspec file system, made on first use, and what its errors and its answers mean."""

from __future__ import annotations

import os
import threading
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fsspec import AbstractFileSystem

from holdfast import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from holdfast.errors import StorageError

_CLASSES: tuple[tuple[type[BaseException], type[StorageError]], ...] = (
    (FileNotFoundError, errors.NotFoundError),
    (NotADirectoryError, errors.NotFoundError),
    (FileExistsError, errors.AlreadyExistsError),
    (PermissionError, errors.AccessDeniedError),
    (TimeoutError, errors.StorageTimeoutError),
    (NotImplementedError, errors.UnsupportedError),
    (OSError, errors.StorageError),
)
_TIMES = ("LastModified", "last_modified", "updated", "mtime", "modified")
_TAGS = ("ETag", "etag")


class FileSystem:
    """Base of the drivers over fsspec.

    Args:
        fs: The file system, or what makes one.
    """

    def __init__(self, fs: AbstractFileSystem | Callable[[], AbstractFileSystem]) -> None:
        given = isinstance(fs, AbstractFileSystem)
        self._fs: Any = self._prepared(fs) if given else None
        self._make: Callable[[], AbstractFileSystem] | None = None if given else fs
        self._process = os.getpid()
        self._lock = threading.Lock()

    @property
    def native(self) -> Any:
        """The fsspec file system."""
        if self._make is not None and (self._fs is None or self._process != os.getpid()):
            with self._lock:
                if self._fs is None or self._process != os.getpid():  # its event loop does not survive a fork
                    self._fs, self._process = self._prepared(self._make()), os.getpid()
        return self._fs

    def _prepared(self, fs: Any) -> Any:
        """Return a file system as this driver needs it."""
        return fs

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Go by the built-in class; exceptions of libraries are failures of the storage, other built-ins are bugs."""
        for kind, meaning in _CLASSES:
            if isinstance(error, kind):
                return meaning
        if isinstance(error, RuntimeError) and "fork-safe" in str(error):
            return errors.ForkError
        if isinstance(error, Exception) and type(error).__module__ != "builtins":
            return errors.StorageTimeoutError if "Timeout" in type(error).__name__ else errors.StorageError
        return None


def modified(info: Mapping[str, Any]) -> float | None:
    """Return when a file was written, in seconds since the epoch, by whichever name the file system calls it."""
    for name in _TIMES:
        value = info.get(name)
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if isinstance(value, datetime):
            return value.timestamp()
        if isinstance(value, (int, float)):
            return float(value)
    return None


def etag(info: Mapping[str, Any]) -> str | None:
    """Return the entity tag without its quotes, where the file system has one."""
    for name in _TAGS:
        value = info.get(name)
        if isinstance(value, str) and value:
            return value.strip('"')
    return None
