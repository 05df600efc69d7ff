"""Doing something again until it works, or is not worth another attempt."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from holdfast.drivers.attempts import repeated
from holdfast.drivers.threads import OwnThread
from holdfast.drivers.wrappers.limits.slots import Slots
from holdfast.drivers.wrappers.limits.watch import NoProgressError, Watch
from holdfast.errors import StorageTimeoutError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator

    from holdfast.drivers.protocol import AsyncDriver
    from holdfast.drivers.wrappers.limits.policy import Policy
    from holdfast.errors import StorageError

logger = logging.getLogger("holdfast")

T = TypeVar("T")


class CutShortError(Exception):
    """A read ended before the object did."""


class Limits:
    """The limits of one storage.

    Args:
        driver: The driver; it knows what errors mean.
        policy: How operations are repeated.
        max_concurrency: Requests under way at once, over all threads and event loops; None for no limit.
        share: Returns a random number from 0 to 1.
        sleep: Waits some seconds in a thread.
        sleep_async: Waits some seconds in an event loop.
    """

    def __init__(
        self,
        driver: AsyncDriver,
        policy: Policy,
        max_concurrency: int | None,
        *,
        share: Callable[[], float] = random.random,
        sleep: Callable[[float], object] = time.sleep,
        sleep_async: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.driver, self.policy = driver, policy
        self.slots = Slots(max_concurrency)
        self.sleep, self.sleep_async = sleep, sleep_async
        self._share = share

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Know our own errors, and those of the driver."""
        if isinstance(error, NoProgressError):
            return StorageTimeoutError
        return UnavailableError if isinstance(error, CutShortError) else self.driver.classify(error)

    def pause(self, failures: int, error: Exception) -> float | None:
        """Return how long to wait before the next attempt; None if the error is to be raised."""
        delay = self.policy.delay(failures, self.classify(error), self._share())
        if delay is not None:
            repeated()
            logger.debug("attempt %d failed (%s): another one in %.2f seconds", failures, type(error).__name__, delay)
        return delay

    @contextmanager
    def thread(self) -> Iterator[OwnThread]:
        """Make the thread of one attempt; if that hangs, the thread is left to it."""
        thread = OwnThread("holdfast-watched")
        try:
            yield thread
        finally:
            thread.close()

    def watched(self, call: Callable[[Watch], T]) -> T:
        """Make one attempt: in a slot, and under the clock."""
        with self.thread() as thread:
            return self.step(thread, call)

    def step(self, thread: OwnThread, call: Callable[[Watch], T]) -> T:
        """Make a step of an attempt that has several, like `watched`."""
        with self.slots.one():
            watch = Watch(self.policy.timeout, thread)
            return watch.run(lambda: call(watch))

    async def watched_async(self, call: Callable[[Watch], Coroutine[None, None, T]]) -> T:
        """Like `watched`."""
        async with self.slots.one_async():
            watch = Watch(self.policy.timeout)
            return await watch.run_async(lambda: call(watch))

    def repeat(self, call: Callable[[Watch], T]) -> T:
        """Make attempts at what may safely take effect twice."""
        failures = 0
        while True:
            try:
                return self.watched(call)
            except Exception as error:
                failures += 1
                if (delay := self.pause(failures, error)) is None:
                    raise
            self.sleep(delay)

    async def repeat_async(self, call: Callable[[Watch], Coroutine[None, None, T]]) -> T:
        """Like `repeat`."""
        failures = 0
        while True:
            try:
                return await self.watched_async(call)
            except Exception as error:
                failures += 1
                if (delay := self.pause(failures, error)) is None:
                    raise
            await self.sleep_async(delay)
