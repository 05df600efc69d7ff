"""Errors of drivers become errors of Holdfast here, once."""

from __future__ import annotations

import asyncio
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from holdfast import errors
from holdfast.errors import AlreadyExistsError, HoldfastError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.drivers.body import Body
    from holdfast.drivers.protocol import Driver

_LONGEST = 300
_SECRET = re.compile(
    r"(?i)\b([\w-]*(?:sig|signature|token|credential|secret|password|accountkey|access_key)[\w-]*)=[^&;\s\"']+"
)
_HINTS: dict[type[StorageError], str] = {
    errors.NotFoundError: "Check the key, and that the bucket or folder exists.",
    errors.BucketNotFoundError: "Check the bucket's name, and create it if it is new.",
    errors.AuthenticationError: "Check the credentials: the storage does not know them, or they have expired.",
    errors.AccessDeniedError: "Check what the credentials allow.",
    errors.PreconditionFailedError: "Somebody else has changed the object meanwhile: look at it again.",
    errors.ThrottledError: "Send fewer requests at once (max_concurrency), or try again later.",
    errors.UnavailableError: "Check the endpoint, the network and the service's status; trying again is safe.",
    errors.StorageTimeoutError: "It may have taken effect; trying again is safe.",
}


class Wrapping:
    """Turns what a driver raises into one tree of errors that say what, where and what to do.

    Args:
        storage: Key of the storage.
        driver: Driver that knows its library's exceptions.
    """

    def __init__(self, storage: str, driver: Driver) -> None:
        self._storage, self._driver = storage, driver

    @contextmanager
    def __call__(self, operation: str, path: str | None, body: Body | None = None) -> Iterator[None]:
        """Wrap what is raised inside the block."""
        try:
            yield
        except BaseException as error:
            wrapped = self.wrapped(error, operation, path, body)
            if wrapped is error:
                raise
            # A traceback prints the cause, with its own text.
            raise wrapped from (None if _SECRET.search(str(error)) else error)

    def wrapped(
        self, error: BaseException, operation: str, path: str | None, body: Body | None = None
    ) -> BaseException:
        """Return the error to raise: the source's own if it was the source that failed, else a `StorageError`."""
        if isinstance(error, asyncio.CancelledError):
            return error
        if body is not None and body.error is not None:
            return body.error
        if isinstance(error, HoldfastError):
            return error
        # A Rust panic derives from BaseException and would slip through `except Exception`.
        panicked = type(error).__name__ == "PanicException"
        kind = StorageError if panicked else self._driver.classify(error)
        if kind is None:
            return error
        if kind is AlreadyExistsError and path is not None:
            return self.taken(operation, path)
        what = f"{operation} of {path!r}" if path else operation
        parts = [f"{what} in storage {self._storage!r} failed: {summary(error)}", _HINTS.get(kind, "")]
        return kind(" ".join(filter(None, parts)), operation=operation, storage=self._storage, path=path)

    def outcome(self, error: Exception, operation: str, path: str, body: Body) -> Exception:
        """Return the error that stands for one object's failure in a batch."""
        wrapped = self.wrapped(error, operation, path, body)
        return wrapped if isinstance(wrapped, Exception) else error

    def taken(self, operation: str, path: str) -> AlreadyExistsError:
        """Return the error for a key that is in use."""
        message = f"{operation} of {path!r} in storage {self._storage!r} refused: the key is taken and is not replaced"
        return AlreadyExistsError(message, operation=operation, storage=self._storage, path=path)


def summary(error: BaseException) -> str:
    """Return the first line of an exception's text, without values that look like secrets."""
    lines = str(error).strip().splitlines()
    text = _SECRET.sub(r"\1=…", lines[0]) if lines else type(error).__name__
    text = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    return text if text.endswith((".", "…", "!")) else text + "."
