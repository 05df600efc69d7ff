"""What happens in storages, told to those who want to know: logs, OpenTelemetry, and observers of your own.

Every operation of every storage becomes one `Observation`. It goes to the logger ``holdfast.storage``, to OpenTelemetry
if the program has set that up, and to each `Observer` that was added to `observers`.
"""

from __future__ import annotations

import logging
import sys
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from holdfast.backends.log import failed_observer, write
from holdfast.drivers.attempts import Attempts, counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextvars import Token

Outcome: TypeAlias = Literal["ok", "failed", "cancelled"]

# As the documentation of `logging` asks of libraries: without a handler, warnings would go to standard error.
logging.getLogger("holdfast").addHandler(logging.NullHandler())


class Observation:
    """One operation of a storage.

    Attributes:
        operation: ``put``, ``put_many``, ``read``, ``stat``, ``list``, ``copy``, ``delete``, ``sign`` or
            ``clear_partial_uploads``. A `read` that is streamed lasts until the last chunk was taken.
        storage: Key of the storage.
        key: Key of the object, or folder of a listing; None where there are many, or none.
        streamed: Whether the caller's own code runs in between, as it does between the chunks of a read.
        objects: Objects that were written together, deleted together, or listed.
        bytes_read: Bytes that came from the storage, as content of objects.
        bytes_written: Bytes that were handed to the storage, as content of objects.
        retries: Requests that were sent again, as far as the service's library tells.
        seconds: How long it took; 0 until it has ended.
        outcome: How it ended. A missing object that was only asked for counts as ``ok``, and so does a read that
            the caller ended early.
        error: What was raised: a `holdfast.errors.StorageError` where the storage failed. It holds no credential.
        failures: Of objects that were written together, the keys and errors of those that failed.
    """

    __slots__ = (
        "_attempts",
        "_begun",
        "_start",
        "_token",
        "bytes_read",
        "bytes_written",
        "error",
        "failures",
        "key",
        "objects",
        "operation",
        "outcome",
        "retries",
        "seconds",
        "storage",
        "streamed",
    )

    def __init__(self, operation: str, storage: str, key: str | None, *, streamed: bool = False) -> None:
        self.operation, self.storage, self.key, self.streamed = operation, storage, key, streamed
        self.objects = self.bytes_read = self.bytes_written = self.retries = 0
        self.seconds = 0.0
        self.outcome: Outcome = "ok"
        self.error: BaseException | None = None
        self.failures: Sequence[tuple[str, Exception]] = ()
        self._begun: list[tuple[Observer, Any]] = []
        self._token: Token[Attempts | None] | None = None
        self._attempts = Attempts()

    def begin(self) -> None:
        """Tell the observers."""
        if not self.streamed:  # a generator would leave it behind in its caller's context
            self._token = counted.set(self._attempts)
        for observer in observers.all():
            try:
                self._begun.append((observer, observer.begin(self)))
            except Exception as error:  # noqa: BLE001  # whoever watches must not be in the way
                failed_observer(observer, error)
        self._start = perf_counter()

    def end(self, error: BaseException | None, retries: int = 0) -> None:
        """Tell the log and the observers.

        Args:
            error: What is raised.
            retries: How many retries the error speaks of.
        """
        self.seconds = perf_counter() - self._start
        if self._token is not None:
            counted.reset(self._token)
        self.retries = max(self._attempts.again, retries)
        if error is None and self.failures:
            error = self.failures[0][1]
        if error is not None:
            self.error = error
            self.outcome = "failed" if isinstance(error, Exception) else "cancelled"
        write(self)
        for observer, begun in reversed(self._begun):
            try:
                observer.end(self, begun)
            except Exception as raised:  # noqa: BLE001
                failed_observer(observer, raised)


class Observer:
    """Is told of each operation of each storage, in the thread or task that runs it; both methods must be quick.

    What it raises is logged and goes no further.
    """

    def begin(self, observation: Observation) -> Any:
        """Note that an operation begins; what is returned is given to `end`."""

    def end(self, observation: Observation, begun: Any) -> None:
        """Note that it has ended."""

    def read_from_old(self, storage: str) -> None:
        """Note that an object of a `GradualBackend` of this name was found in its old storage."""


class Observers:
    """Those who are told, in the order in which they were added."""

    def __init__(self) -> None:
        self._added: tuple[Observer, ...] = ()
        self._telemetry: Observer | None = None

    def add(self, observer: Observer) -> Observer:
        """Tell `observer` from now on; return it."""
        self._added = (*self._added, observer)
        return observer

    def remove(self, observer: Observer) -> None:
        """Tell `observer` no more."""
        self._added = tuple(each for each in self._added if each is not observer)

    def all(self) -> tuple[Observer, ...]:
        """Return all of them. OpenTelemetry is one as soon as the program has imported it."""
        if self._telemetry is None:
            if "opentelemetry.trace" not in sys.modules:  # a program that wants it sets it up, and so imports it
                return self._added
            from holdfast.backends.opentelemetry import OpenTelemetry  # noqa: PLC0415  # optional

            self._telemetry = OpenTelemetry()
        return (self._telemetry, *self._added)

    def read_from_old(self, storage: str) -> None:
        """Tell all of them, see `Observer.read_from_old`."""
        for observer in self.all():
            try:
                observer.read_from_old(storage)
            except Exception as error:  # noqa: BLE001  # whoever watches must not be in the way
                failed_observer(observer, error)


observers = Observers()
"""Those of the whole process."""
