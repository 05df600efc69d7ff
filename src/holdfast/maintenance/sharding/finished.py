"""Waiting for futures, in either world."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from holdfast.orm import bridge

if TYPE_CHECKING:
    from concurrent.futures import Future


class Finished:
    """Futures that are done.

    Args:
        patience: Seconds to wait at a time.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._queue: SimpleQueue[Future[Any]] = SimpleQueue()
        self._loop = asyncio.get_running_loop() if bridge.in_async_session() else None
        self._news = asyncio.Event()

    def expect(self, future: Future[Any]) -> Future[Any]:
        """Wait for this one, too."""
        future.add_done_callback(self._add)
        return future

    def wait(self) -> list[Future[Any]]:
        """Return those that are done by now; none if it took too long."""
        return bridge.do(self._wait, self._wait_async)

    def _add(self, future: Future[Any]) -> None:
        self._queue.put(future)
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop was closed after an interrupt
                self._loop.call_soon_threadsafe(self._news.set)

    def _wait(self) -> list[Future[Any]]:
        with suppress(Empty):
            return [self._queue.get(timeout=self._patience), *self._rest()]
        return []

    async def _wait_async(self) -> list[Future[Any]]:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                while self._queue.empty():
                    await self._news.wait()
                    self._news.clear()
        return self._rest()

    def _rest(self) -> list[Future[Any]]:
        return [self._queue.get() for _ in range(self._queue.qsize())]
