"""Threads for blocking calls made from an event loop, and for hashing."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import ThreadPoolExecutor
    from queue import SimpleQueue

P = ParamSpec("P")
T = TypeVar("T")

_WORKERS = 32


class Pool:
    """A thread pool that starts on first use and starts anew in a forked child."""

    def __init__(self, name: str, workers: int) -> None:
        self._name, self._workers = name, workers
        self._executor: ThreadPoolExecutor | None = None
        self._process: int | None = None

    def submit(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run `call` in a thread, with the caller's context variables."""
        if self._executor is None or self._process != os.getpid():  # threads do not come along in a fork
            from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  # 2 ms that `import holdfast` saves

            self._executor = ThreadPoolExecutor(self._workers, thread_name_prefix=self._name)
            self._process = os.getpid()
        context = contextvars.copy_context()
        return self._executor.submit(context.run, partial(call, *args, **kwargs))


blocking = Pool("holdfast-io", _WORKERS)
"""For calls that wait on a disk or a network."""

hashing = Pool("holdfast-hash", os.cpu_count() or 1)
"""For checksums only: a call that runs in `blocking` may wait for one here, never the other way round."""


class OwnThread:
    """A thread for calls that may take very long, one after the other: no pool misses it, the program need not wait.

    It starts with the first call and ends after `close`, once it is through.

    Args:
        name: Name of the thread.
    """

    def __init__(self, name: str) -> None:
        from queue import SimpleQueue  # noqa: PLC0415  # half a millisecond that `import holdfast` saves

        self._name = name
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._started = False

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Run `call` after those before it, with the caller's context variables."""
        future: Future[T] = Future()
        self._calls.put(partial(contextvars.copy_context().run, _fulfil, future, call))
        if not self._started:
            self._started = True
            threading.Thread(target=_work, args=[self._calls], name=self._name, daemon=True).start()
        return future

    def close(self) -> None:
        """Let the thread end."""
        self._calls.put(None)


def in_new_thread(call: Callable[[], T], name: str) -> Future[T]:
    """Run one call in a thread of its own, see `OwnThread`."""
    thread = OwnThread(name)
    future = thread.submit(call)
    thread.close()
    return future


def _work(calls: SimpleQueue[Callable[[], None] | None]) -> None:
    while (call := calls.get()) is not None:
        call()
        del call  # it holds its result, and the next one may be long in coming


def _fulfil(future: Future[T], call: Callable[[], T]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001  # handed to whoever waits
        future.set_exception(error)


async def run(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Await a blocking call that only reads: when cancelled, its result is dropped."""
    return await asyncio.wrap_future(blocking.submit(call, *args, **kwargs))


async def run_to_end(future: Future[T], on_cancel: Callable[[], Any] | None = None) -> T:
    """Await a call that writes: when cancelled, tell it by `on_cancel`, wait until it has stopped, then re-raise.

    So nothing is still being written when the caller cleans up. Without the task and the two futures of `finish`, a
    small write takes a tenth less.
    """
    try:
        await _ended(future)
    except asyncio.CancelledError:
        if on_cancel is not None:
            on_cancel()
        while not future.done():
            with suppress(asyncio.CancelledError):
                await _ended(future)
        if not future.cancelled():
            future.exception()  # as `finish`
        raise
    return future.result()


def _ended(future: Future[Any]) -> asyncio.Future[None]:
    """Return what is done when a call in a thread is; to cancel it leaves the call alone."""
    loop = asyncio.get_running_loop()
    waiter = loop.create_future()

    def wake(_: Future[Any]) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(_fulfil_waiter, waiter)

    future.add_done_callback(wake)
    return waiter


def _fulfil_waiter(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


async def finish(future: asyncio.Future[T], on_cancel: Callable[[], Any] | None = None) -> T:
    """Await a future to its end even when cancelled meanwhile; then re-raise the cancellation."""
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        if on_cancel is not None:
            on_cancel()
        while not future.done():
            try:
                await asyncio.wait([future])
            except asyncio.CancelledError:
                continue
        if not future.cancelled():
            future.exception()  # looked at, so that asyncio does not report it as forgotten
        raise
