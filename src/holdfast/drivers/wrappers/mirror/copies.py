"""The other copies of one put, each written by a thread of its own."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import wait
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from holdfast.drivers.body import Body
from holdfast.drivers.threads import in_new_thread
from holdfast.drivers.wrappers.mirror.replica import ReplicaError
from holdfast.drivers.wrappers.mirror.tee import AsyncTee, Channel, CopyAbortedError, Tee
from holdfast.errors import StorageTimeoutError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from holdfast.drivers.protocol import PutOptions
    from holdfast.drivers.wrappers.mirror.replica import Replica

logger = logging.getLogger("holdfast")

_GRACE = 5.0  # seconds for a writer to clean up; one that hangs never learns that the content has an end


class Copies:
    """Writes copies while the first one is written, and completes them after it.

    Args:
        replicas: Where to.
        key: The key.
        body: What the first replica writes; its source is replaced for as long as that takes.
        options: How; whether the key may be taken is for the first replica to say.
        timeout: Seconds after which a copy that makes no progress is given up; None for never.
    """

    def __init__(
        self, replicas: Sequence[Replica], key: str, body: Body, options: PutOptions, timeout: float | None
    ) -> None:
        self._replicas, self._key, self._body, self._source = replicas, key, body, body.source
        self._channels = [Channel(body.expected_size, timeout) for _ in replicas]
        self.tee = body.source = (AsyncTee if body.is_async else Tee)(body.source, self._channels)
        options = options._replace(if_absent=False)
        self._futures: list[Future[BaseException | None]] = [
            in_new_thread(partial(_write, replica, channel, key, replica.options(options)), "holdfast-mirror")
            for replica, channel in zip(replicas, self._channels, strict=True)
        ]

    def complete(self) -> list[ReplicaError]:
        """Let the copies be completed, now that the first is there; log and return why some could not be."""
        self._end()
        self._wait()
        return self._failures()

    async def complete_async(self) -> list[ReplicaError]:
        """Like `complete`; when cancelled, what is not there soon is given up."""
        self._end()
        cancelled = await self._wait_async()
        failures = self._failures()
        if cancelled is not None:
            raise cancelled
        return failures

    def abort(self) -> None:
        """Let the copies fail, and wait until they have."""
        self._drop()
        self._wait()

    async def abort_async(self) -> None:
        """Like `abort`."""
        self._drop()
        cancelled = await self._wait_async()
        if cancelled is not None:
            raise cancelled

    def _end(self) -> None:
        self._body.source = self._source
        for channel in self._channels:
            channel.end()

    def _drop(self) -> None:
        self._body.source = self._source
        for channel in self._channels:
            channel.leave()
            channel.hurry(_GRACE)

    def _wait(self) -> None:
        for channel, future in zip(self._channels, self._futures, strict=True):
            while not future.done():
                if (patience := channel.patience()) == 0:
                    channel.give_up()
                    break
                wait([future], patience)

    async def _wait_async(self) -> asyncio.CancelledError | None:
        cancelled = None
        for channel, future in zip(self._channels, self._futures, strict=True):
            while not future.done():
                if (patience := channel.patience()) == 0:
                    channel.give_up()
                    break
                try:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(patience):
                            await ended(future)
                except asyncio.CancelledError as error:
                    cancelled = error
                    for each in self._channels:
                        each.hurry(_GRACE)
        return cancelled

    def _failures(self) -> list[ReplicaError]:
        failures = []
        for replica, channel, future in zip(self._replicas, self._channels, self._futures, strict=True):
            error = future.result() if future.done() else CopyAbortedError()
            if error is not None:
                failures.append(not_written(replica, self._key, hanging(replica) if channel.hangs else error))
        return failures


async def ended(future: Future[Any]) -> None:
    """Wait for a thread, without taking its result from it when cancelled."""
    loop, end = asyncio.get_running_loop(), asyncio.Event()

    def tell(_: Future[Any]) -> None:
        with suppress(RuntimeError):  # nobody waits any more, the loop is closed
            loop.call_soon_threadsafe(end.set)

    future.add_done_callback(tell)
    await end.wait()


def hanging(replica: Replica) -> ReplicaError:
    """Return the failure of a replica that does not answer."""
    return ReplicaError(replica.name, StorageTimeoutError, TimeoutError("it does not answer"))


def not_written(replica: Replica, key: str, error: BaseException) -> ReplicaError:
    """Log that a copy was not made, and return why: what is not there is what is to be made up for."""
    try:
        failure = replica.failure(error)
    except BaseException as same:  # noqa: BLE001  # whatever it is, such as a Rust panic: the first has the object
        failure = ReplicaError(replica.name, UnavailableError, same)
    name = failure.kind.__name__  # not the text, which may hold a credential
    logger.error("%r was not written to storage %r (%s): `holdfast mirror` makes up for it", key, replica.name, name)
    return failure


def _write(replica: Replica, channel: Channel, key: str, options: PutOptions) -> BaseException | None:
    try:
        replica.driver.put(key, Body(channel, None, None), options)
    except BaseException as error:  # noqa: BLE001  # told by `not_written`
        return error
    else:
        return None
    finally:
        channel.leave()
