"""Work in both worlds: long computations leave the event loop free, and requests go side by side up to a limit."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from holdfast.drivers import threads
from holdfast.orm import bridge

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

T = TypeVar("T")
R = TypeVar("R")

PAGE = 1000
"""Records that are worked on at a time."""


def compute(call: Callable[[], T]) -> T:
    """Run what takes a while without I/O on the network; under an AsyncSession in a thread, to its end."""
    return bridge.do(call, lambda: threads.run_to_end(threads.blocking.submit(call)))


def pages(source: Iterator[T], size: int = PAGE) -> Iterator[list[T]]:
    """Yield lists of what an iterator computes."""
    while page := compute(lambda: list(islice(source, size))):
        yield page


def each(
    items: Sequence[T], call: Callable[[T], R], call_async: Callable[[T], Awaitable[R]], concurrency: int
) -> list[R | Exception]:
    """Return the outcome of a request for each item, in order; `concurrency` are under way at once."""
    if not items:
        return []
    return bridge.do(lambda: _each(items, call, concurrency), lambda: _each_async(items, call_async, concurrency))


def _each(items: Sequence[T], call: Callable[[T], R], concurrency: int) -> list[R | Exception]:
    def outcome(item: T) -> R | Exception:
        try:
            return call(item)
        except Exception as error:  # noqa: BLE001  # one item's failure is that item's outcome
            return error

    if concurrency == 1 or len(items) == 1:
        return [outcome(item) for item in items]
    pool = ThreadPoolExecutor(min(concurrency, len(items)), thread_name_prefix="holdfast-maintenance")
    try:
        return list(pool.map(outcome, items))
    finally:
        pool.shutdown(cancel_futures=True)  # after an interrupt nothing goes on behind the caller's back


async def _each_async(items: Sequence[T], call: Callable[[T], Awaitable[R]], concurrency: int) -> list[R | Exception]:
    slots = asyncio.Semaphore(concurrency)

    async def outcome(item: T) -> R | Exception:
        async with slots:
            try:
                return await call(item)
            except Exception as error:  # noqa: BLE001  # as above
                return error

    async with asyncio.TaskGroup() as group:  # when cancelled, it waits until all tasks have stopped
        tasks = [group.create_task(outcome(item)) for item in items]
    return [task.result() for task in tasks]
