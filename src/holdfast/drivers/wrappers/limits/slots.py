"""A limit that counts over all threads and event loops at once."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class Slots:
    """A number of slots, given in the order in which they were asked for.

    Args:
        limit: How many there are; None for no limit.
    """

    def __init__(self, limit: int | None) -> None:
        self._limited = limit is not None
        self._free = limit or 0
        self._waiting: deque[Future[None]] = deque()
        self._lock = threading.Lock()

    def acquire(self, longest: float | None = None) -> None:
        """Take a slot, waiting in this thread.

        Raises:
            TimeoutError: There was none in `longest` seconds.
        """
        turn = self._turn()
        if turn is not None:
            try:
                turn.result(longest)
            except BaseException:
                self._give_up(turn)
                raise

    async def acquire_async(self, longest: float | None = None) -> None:
        """Like `acquire`, without holding up the event loop."""
        turn = self._turn()
        if turn is not None:
            try:
                async with asyncio.timeout(longest):
                    await asyncio.wrap_future(turn)
            except BaseException:
                self._give_up(turn)
                raise

    def release(self) -> None:
        """Give a slot back, to whoever waits longest."""
        if not self._limited:
            return
        with self._lock:
            while self._waiting:
                turn = self._waiting.popleft()
                if turn.set_running_or_notify_cancel():
                    turn.set_result(None)
                    return
            self._free += 1

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a slot."""
        self.acquire()
        try:
            yield
        finally:
            self.release()

    @asynccontextmanager
    async def one_async(self) -> AsyncIterator[None]:
        """Like `one`."""
        await self.acquire_async()
        try:
            yield
        finally:
            self.release()

    def _turn(self) -> Future[None] | None:
        """Take a slot that is free, else return what comes true when there is one."""
        if not self._limited:
            return None
        with self._lock:
            if self._free:
                self._free -= 1
                return None
            turn: Future[None] = Future()
            self._waiting.append(turn)
            return turn

    def _give_up(self, turn: Future[None]) -> None:
        # The slot may have been given in the very moment in which the wait was cancelled.
        if not turn.cancel() and not turn.cancelled():
            self.release()
