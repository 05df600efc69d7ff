"""Errors of drivers become errors of Holdfast here, once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from holdfast import errors
from holdfast.backends.observing import Observation
from holdfast.backends.secret_texts import has_secret
from holdfast.backends.texts import summary
from holdfast.errors import AlreadyExistsError, HoldfastError, StorageError
from holdfast.late_patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from holdfast.drivers.body import Body
    from holdfast.drivers.protocol import Driver

_RETRIES = late_pattern(r"after (\d+) retries")
ADVICE: dict[type[StorageError], str] = {
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

    def __call__(
        self,
        operation: str,
        path: str | None,
        body: Body | None = None,
        *,
        streamed: bool = False,
        expected: tuple[type[StorageError], ...] = (),
    ) -> Block:
        """Return a block that wraps what is raised inside it, and is observed.

        Args:
            operation: What is done.
            path: Key of the object.
            body: What is written.
            streamed: Whether the block yields in the middle, so that it must not touch its caller's context.
            expected: Errors that are an answer, no failure.
        """
        return Block(self, Observation(operation, self._storage, path, streamed=streamed), body, expected)

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
        parts = [f"{what} in storage {self._storage!r} failed: {summary(error)}", ADVICE.get(kind, "")]
        return kind(" ".join(filter(None, parts)), operation=operation, storage=self._storage, path=path)

    def outcome(self, error: Exception, operation: str, path: str, body: Body) -> Exception:
        """Return the error that stands for one object's failure in a batch."""
        wrapped = self.wrapped(error, operation, path, body)
        return wrapped if isinstance(wrapped, Exception) else error

    def taken(self, operation: str, path: str) -> AlreadyExistsError:
        """Return the error for a key that is in use."""
        message = f"{operation} of {path!r} in storage {self._storage!r} refused: the key is taken and is not replaced"
        return AlreadyExistsError(message, operation=operation, storage=self._storage, path=path)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it came from, as a traceback prints them."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        yield each
        seen.add(id(each))
        each = each.__cause__ or each.__context__


class Block:
    """One operation of a storage, from ``with`` to its end."""

    __slots__ = ("_body", "_expected", "_observation", "_wrapping")

    def __init__(
        self, wrapping: Wrapping, observation: Observation, body: Body | None, expected: tuple[type[StorageError], ...]
    ) -> None:
        self._wrapping, self._observation, self._body, self._expected = wrapping, observation, body, expected

    def __enter__(self) -> Observation:
        self._observation.begin()
        return self._observation

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        seen, body = self._observation, self._body
        if body is not None:
            seen.objects, seen.bytes_written = 1, body.size
        if error is None or isinstance(error, GeneratorExit):  # a reader may stop in the middle
            seen.end(None)
            return
        wrapped = self._wrapping.wrapped(error, seen.operation, seen.key, body)
        retries = _RETRIES.search(str(error))
        seen.end(None if isinstance(wrapped, self._expected) else wrapped, int(retries[1]) if retries else 0)
        if wrapped is error:
            return
        # A traceback prints the cause with its own text, and loggers of errors print the context even if it is
        # suppressed.
        hidden = any(has_secret(str(each)) for each in _chain(error))
        try:
            raise wrapped from (None if hidden else error)
        finally:
            if hidden:
                wrapped.__context__ = None
