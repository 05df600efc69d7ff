"""The one place that knows about greenlets: session events do I/O in whichever world the session lives in.

SQLAlchemy runs the events of an `AsyncSession` inside a greenlet, from which a coroutine can be awaited.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy.util import concurrency

from holdfast.drivers import threads

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")

_await = getattr(concurrency, "await_", None) or concurrency.await_only  # 2.1 and 2.0


def in_async_session() -> bool:
    """Return whether this code runs under an AsyncSession."""
    try:
        return concurrency.in_greenlet()
    except ImportError:  # without greenlet there are no async sessions
        return False


def do(sync: Callable[[], T], asynchronous: Callable[[], Coroutine[None, None, T]]) -> T:
    """Run one of the twins; a cancellation reaches the awaited one."""
    return _await(asynchronous()) if in_async_session() else sync()


def do_shielded(call: Callable[[], T], seconds: float) -> T:
    """Run a call that does I/O in either world to its end.

    A cancellation waits for it, but no longer than `seconds`: hence a task, and a greenlet, of its own.
    """
    if not in_async_session():
        return call()

    async def shielded() -> T:
        spawned = concurrency.greenlet_spawn(call)
        return await threads.finish(asyncio.ensure_future(asyncio.wait_for(spawned, seconds)))

    return _await(shielded())
