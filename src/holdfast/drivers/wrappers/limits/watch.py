"""Giving up on calls that make no progress."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from concurrent.futures import Future

    from holdfast.drivers.threads import OwnThread

logger = logging.getLogger("holdfast")

T = TypeVar("T")


class NoProgressError(Exception):
    """Nothing has happened for too long.

    Attributes:
        running: Whether the call still runs, behind the caller's back.
    """

    def __init__(self, seconds: float, *, running: bool) -> None:
        super().__init__(f"no progress for {seconds:g} seconds")
        self.running = running


class Watch:
    """The clock of one attempt.

    Args:
        seconds: How long it may go without progress; None for as long as it likes.
        thread: Where `run` calls; None if nobody else is to wait.

    Attributes:
        stop: Called when time is up, to tell an attempt in a thread.
    """

    def __init__(self, seconds: float | None, thread: OwnThread | None = None) -> None:
        self.seconds = seconds
        self._thread = thread
        self.stop: Callable[[], None] | None = None
        self._since = time.monotonic()
        self._paused = 0
        self._lock = threading.Lock()

    def progress(self) -> None:
        """Start the clock anew."""
        self._since = time.monotonic()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the clock while somebody else is waited for."""
        with self._lock:
            self._paused += 1
        try:
            yield
        finally:
            self.progress()
            with self._lock:
                self._paused -= 1

    def left(self) -> float:
        """Return the seconds that are left; not above 0 when time is up."""
        assert self.seconds is not None  # noqa: S101  # asked by `run` and `run_async` only
        return self.seconds if self._paused else self.seconds - (time.monotonic() - self._since)

    def run(self, call: Callable[[], T]) -> T:
        """Call in a thread; when time is up, raise.

        A thread cannot be ended from outside. A call that hangs is left alone with its thread and its connection; what
        it has sent may still take effect.
        """
        if self.seconds is None or self._thread is None:
            return call()
        future = self._thread.submit(call)
        self.progress()
        try:
            while not future.done() and (left := self.left()) > 0:
                _wait(future, left)
        except BaseException:  # an interrupt: nothing is to go on behind the caller's back, if that can be had
            self._stop()
            _wait(future, self.seconds)
            raise
        if future.done():
            return future.result()
        self._stop()
        raise NoProgressError(self.seconds, running=True)

    async def run_async(self, call: Callable[[], Coroutine[None, None, T]]) -> T:
        """Like `run`; what makes no progress is cancelled."""
        if self.seconds is None:
            return await call()
        task = asyncio.ensure_future(call())
        self.progress()
        try:
            while not task.done() and (left := self.left()) > 0:
                await asyncio.wait([task], timeout=left)
        except asyncio.CancelledError:
            await self._ended(task)
            raise
        if task.done():
            return task.result()
        raise NoProgressError(self.seconds, running=not await self._ended(task))

    def _stop(self) -> None:
        if self.stop is not None:
            self.stop()

    async def _ended(self, task: asyncio.Task[T]) -> bool:
        """Cancel, and return whether that was heard; a cancelled write first cleans up."""
        task.cancel()
        deadline = time.monotonic() + (self.seconds or 0.0)
        cancelled = False
        while not task.done() and (left := deadline - time.monotonic()) > 0:
            try:
                await asyncio.wait([task], timeout=left)
            except asyncio.CancelledError:
                cancelled = True
        if not task.done():
            logger.warning("a call that makes no progress does not stop either: it is left alone")
        elif not task.cancelled():
            task.exception()  # looked at, so that asyncio does not report it as forgotten
        if cancelled:
            raise asyncio.CancelledError
        return task.done()


def _wait(future: Future[T], seconds: float) -> None:
    with suppress(TimeoutError):  # only `result` raises what the call itself has raised
        future.exception(seconds)
