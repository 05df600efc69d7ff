"""Connections that end in the event loop where they were made."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine


def close_in(loop: asyncio.AbstractEventLoop | None, close: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    """Close connections in their own event loop, from any thread, without waiting.

    The file systems of fsspec do so in whichever loop runs in the thread where the garbage collector finds them, and
    asyncio reports "got Future attached to a different loop" there.
    """
    if loop is not None and loop.is_running():
        with suppress(RuntimeError):  # it has just been closed
            loop.call_soon_threadsafe(lambda: loop.create_task(close()))
