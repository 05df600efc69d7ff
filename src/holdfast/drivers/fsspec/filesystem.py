"""An fsspec file system, made on first use, and what its errors and its answers mean."""

from __future__ import annotations

import os
import socket
import threading
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from fsspec import AbstractFileSystem

from holdfast import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from holdfast.errors import StorageError

_CLASSES: tuple[tuple[type[BaseException], type[StorageError]], ...] = (
    (FileNotFoundError, errors.NotFoundError),
    (NotADirectoryError, errors.NotFoundError),
    (FileExistsError, errors.AlreadyExistsError),
    (PermissionError, errors.AccessDeniedError),
    (TimeoutError, errors.StorageTimeoutError),
    (ConnectionError, errors.UnavailableError),
    (socket.gaierror, errors.UnavailableError),
    (NotImplementedError, errors.UnsupportedError),
)
_LIBRARIES: dict[str, type[StorageError]] = {
    "aiohttp.client_exceptions.ClientConnectionError": errors.UnavailableError,
    "aiohttp.client_exceptions.ClientPayloadError": errors.UnavailableError,  # cut in the middle of a body
    "requests.exceptions.Timeout": errors.StorageTimeoutError,
    "requests.exceptions.ConnectionError": errors.UnavailableError,
}
_TIMES = ("LastModified", "last_modified", "updated", "mtime", "modified")
_TAGS = ("ETag", "etag")
_OF_NO_PLACE = {"skip_instance_cache", "use_listings_cache"}


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
                    self._fs, self._process = self._prepared(self._made()), os.getpid()
        return self._fs

    def _made(self) -> Any:
        make: Any = self._make
        try:
            return make()
        except ValueError as error:
            # What comes after a question mark may be a signature.
            told = (str(error).splitlines() or [type(error).__name__])[0].partition("?")[0]
            message = f"the file system cannot be made from its options: {told}"
            raise errors.ConfigurationError(message) from None

    def _prepared(self, fs: Any) -> Any:
        """Return a file system as this driver needs it."""
        return fs

    def recipe(self) -> tuple[str, Sequence[Any], Mapping[str, Any]]:
        """Return how the file system is made, or will be: class, arguments, and the options that say where it is."""
        make: Any = self._make
        while make is not None and make.args and isinstance(make.args[0], partial):
            make = make.args[0]  # one partial in another opens a connection again
        if make is None:
            kind, arguments, options = type(self._fs), self._fs.storage_args, self._fs.storage_options
        else:
            kind, arguments, options = make.func, make.args, make.keywords
        return kind.__name__, arguments, {name: each for name, each in options.items() if name not in _OF_NO_PLACE}

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Go by the built-in class; exceptions of libraries are failures of the storage, other built-ins are bugs."""
        for kind, meaning in _CLASSES:
            if isinstance(error, kind):
                return meaning
        if found := by_name(error, _LIBRARIES):
            return found
        if isinstance(error, OSError):
            return errors.StorageError
        if isinstance(error, RuntimeError) and "fork-safe" in str(error):
            return errors.ForkError
        if isinstance(error, Exception) and type(error).__module__ != "builtins":
            return errors.StorageTimeoutError if "Timeout" in type(error).__name__ else errors.StorageError
        return None


def by_name(error: BaseException, meanings: Mapping[str, type[StorageError]]) -> type[StorageError] | None:
    """Return what the class of an exception, or one that it derives from, stands for, without importing it."""
    names = (f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__)
    return next((meanings[name] for name in names if name in meanings), None)


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
