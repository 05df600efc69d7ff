"""The other copies of one put, each written by a thread of its own."""

from __future__ import annotations

import asyncio
from concurrent.futures import wait
from functools import partial
from typing import TYPE_CHECKING

from holdfast.drivers import threads
from holdfast.drivers.body import Body
from holdfast.drivers.wrappers.mirror.tee import AsyncTee, Channel, CopyAbortedError, Tee
from holdfast.drivers.wrappers.thread import in_new_thread

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from holdfast.drivers.protocol import PutOptions
    from holdfast.drivers.wrappers.mirror.replica import Replica
    from holdfast.objects import ObjectInfo


class Copies:
    """Writes copies while the first one is written, and completes them after it.

    Args:
        replicas: Where to.
        key: The key.
        body: What the first replica writes; its source is replaced for as long as that takes.
        options: How; whether the key may be taken is for the first replica to say.
    """

    def __init__(self, replicas: Sequence[Replica], key: str, body: Body, options: PutOptions) -> None:
        self._replicas, self._body, self._source = replicas, body, body.source
        self._channels = [Channel(body.expected_size) for _ in replicas]
        body.source = (AsyncTee if body.is_async else Tee)(body.source, self._channels)
        options = options._replace(if_absent=False)
        self._futures: list[Future[ObjectInfo]] = [
            in_new_thread(partial(_write, replica, channel, key, replica.options(options)), "holdfast-mirror")
            for replica, channel in zip(replicas, self._channels, strict=True)
        ]

    def complete(self) -> list[tuple[Replica, Exception]]:
        """Let the copies be completed, now that the first is there; return which could not be, and why."""
        self._end(None)
        wait(self._futures)
        return self._failures()

    async def complete_async(self) -> list[tuple[Replica, Exception]]:
        """Like `complete`; to the end, even when cancelled."""
        self._end(None)
        await self._all_ended()
        return self._failures()

    def abort(self) -> None:
        """Let the copies fail, and wait until they have."""
        self._end(CopyAbortedError())
        wait(self._futures)

    async def abort_async(self) -> None:
        """Like `abort`."""
        self._end(CopyAbortedError())
        await self._all_ended()

    def _end(self, error: Exception | None) -> None:
        self._body.source = self._source
        for channel in self._channels:
            channel.end(error)

    async def _all_ended(self) -> None:
        ends = asyncio.gather(*map(asyncio.wrap_future, self._futures), return_exceptions=True)
        await threads.finish(ends)

    def _failures(self) -> list[tuple[Replica, Exception]]:
        failures = []
        for replica, future in zip(self._replicas, self._futures, strict=True):
            error = future.exception()
            if isinstance(error, Exception):
                failures.append((replica, error))
            elif error is not None:
                failures.append((replica, RuntimeError(str(error))))  # such as a Rust panic
        return failures


def _write(replica: Replica, channel: Channel, key: str, options: PutOptions) -> ObjectInfo:
    try:
        return replica.driver.put(key, Body(channel, None, None), options)
    finally:
        channel.leave()
