"""A driver that fails on cue, for tests of what must survive a failing storage."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from holdfast.drivers.protocol import is_async_driver
from holdfast.drivers.threaded import ThreadedDriver
from holdfast.object_settings import NO_SETTINGS, ObjectSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from holdfast.drivers.abilities import Abilities
    from holdfast.drivers.body import Body
    from holdfast.drivers.protocol import AsyncDriver, Driver, PutOptions
    from holdfast.errors import StorageError
    from holdfast.objects import ObjectInfo

T = TypeVar("T")

Operation = Literal["put", "read", "stat", "delete", "copy", "list"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure to come.

    Attributes:
        operation: The operation that fails.
        when: ``"before"`` it has an effect, or ``"after"``: it took effect, and the answer is lost.
        error: What is raised.
        skip: Calls of the operation that succeed first, from now on.
    """

    operation: Operation
    when: Literal["before", "after"] = "before"
    error: BaseException = field(default_factory=lambda: ConnectionResetError("the connection was reset"))
    skip: int = 0


class FaultyDriver:
    """Wraps a driver and fails where it was told to, each fault once.

    Args:
        driver: The driver that does the work.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import mkdtemp
        >>> from holdfast import StorageBackend
        >>> from holdfast.drivers.local import LocalDriver
        >>> driver = FaultyDriver(LocalDriver(Path(mkdtemp())))
        >>> driver.fail(Fault("put"))
        >>> StorageBackend("docs", driver).put("a.txt", b"a")
        Traceback (most recent call last):
        holdfast.errors.StorageError: put of 'a.txt' in storage 'docs' failed: the connection was reset.
    """

    def __init__(self, driver: Driver) -> None:
        self.driver: AsyncDriver = driver if is_async_driver(driver) else ThreadedDriver(driver)
        self.calls: list[str] = []
        self._faults: list[tuple[int, Fault]] = []  # each with the number of the call that is to fail
        self._lock = threading.Lock()

    @property
    def native(self) -> Any:
        """The wrapped driver's own object."""
        return self.driver.native

    @property
    def abilities(self) -> Abilities:
        """Those of the wrapped driver."""
        return self.driver.abilities

    def fail(self, fault: Fault) -> None:
        """Add a failure to come."""
        with self._lock:
            self._faults.append((self.calls.count(fault.operation) + fault.skip, fault))

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Ask the wrapped driver."""
        return self.driver.classify(error)

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write, or fail."""
        return self._call("put", lambda: self.driver.put(key, body, options))

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Read, or fail."""
        return self._call("read", lambda: self.driver.read(key, start, end, chunk_size))

    def stat(self, key: str) -> ObjectInfo:
        """Describe, or fail."""
        return self._call("stat", lambda: self.driver.stat(key))

    def delete(self, keys: Sequence[str]) -> None:
        """Delete, or fail."""
        self._call("delete", lambda: self.driver.delete(keys))

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Copy, or fail."""
        self._call("copy", lambda: self.driver.copy(source, target, settings))

    def list(self, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
        """List, or fail."""
        return self._call("list", lambda: self.driver.list(prefix, after))

    async def put_async(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write, or fail."""
        after = self._begin("put")
        info = await self.driver.put_async(key, body, options)
        _raise(after)
        return info

    def read_async(self, key: str, start: int, end: int | None, chunk_size: int | None) -> AsyncIterator[bytes]:
        """Read, or fail."""
        return self._call("read", lambda: self.driver.read_async(key, start, end, chunk_size))

    async def stat_async(self, key: str) -> ObjectInfo:
        """Describe, or fail."""
        after = self._begin("stat")
        info = await self.driver.stat_async(key)
        _raise(after)
        return info

    async def delete_async(self, keys: Sequence[str]) -> None:
        """Delete, or fail."""
        after = self._begin("delete")
        await self.driver.delete_async(keys)
        _raise(after)

    async def copy_async(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Copy, or fail."""
        after = self._begin("copy")
        await self.driver.copy_async(source, target, settings)
        _raise(after)

    def list_async(self, prefix: str, after: str | None) -> AsyncIterator[ObjectInfo]:
        """List, or fail."""
        return self._call("list", lambda: self.driver.list_async(prefix, after))

    def _call(self, operation: Operation, call: Callable[[], T]) -> T:
        after = self._begin(operation)
        result = call()
        _raise(after)
        return result

    def _begin(self, operation: Operation) -> Fault | None:
        """Raise a fault that comes before the effect; return one that comes after it."""
        with self._lock:
            seen = self.calls.count(operation)
            self.calls.append(operation)
            due = next((item for item in self._faults if item[1].operation == operation and item[0] <= seen), None)
            if due is None:
                return None
            self._faults.remove(due)
        fault = due[1]
        if fault.when == "before":
            raise fault.error
        return fault


def _raise(fault: Fault | None) -> None:
    if fault is not None:
        raise fault.error
