"""File systems over a connection: it is opened again when it was lost, and in a forked child."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from holdfast.drivers.fsspec.filesystem import FileSystem
from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable


class Reopening(FileSystem):
    """Base of the drivers whose file system connects when it is made.

    Args:
        fs: The file system, or what makes one. One that is given can be made again from its own arguments.
        *more: What the other base takes.
    """

    def __init__(self, fs: Any, *more: Any) -> None:
        super().__init__(fs, *more)
        self._make = partial(_connected, self._make or self._anew(fs))

    def _anew(self, fs: Any) -> Callable[[], Any]:
        kind: Callable[..., Any] = self._anew_class(fs)
        return partial(kind, *fs.storage_args, **{**fs.storage_options, "skip_instance_cache": True})

    def _anew_class(self, fs: Any) -> Any:
        """Return what makes a file system that was given again."""
        return type(fs)

    def _reopen(self, lost: Any) -> Any:
        """Return a file system that is not the one whose connection was lost."""
        with self._lock:
            if self._fs is lost and self._process == os.getpid():
                self._fs = None
        return self.native


def _connected(make: Callable[[], Any]) -> Any:
    """Make a file system; what is missing then is no object that is missing."""
    try:
        return make()
    except FileNotFoundError as error:
        message = f"the file system cannot be opened: {error}"
        raise ConfigurationError(message) from error
    except OSError as error:
        if isinstance(error, (PermissionError, TimeoutError, ConnectionError)):
            raise
        raise ConnectionError(str(error)) from error  # name look-ups and routes fail as a plain OSError
