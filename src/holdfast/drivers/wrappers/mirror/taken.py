"""Puts of keys that must be free: whether another replica holds one, and whether what is in the way is our own."""

from __future__ import annotations

import asyncio
from concurrent.futures import wait
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from holdfast.checksums import algorithm_of, hash_factory
from holdfast.drivers.body import Body
from holdfast.drivers.freshness import uncached
from holdfast.drivers.protocol import MIB
from holdfast.drivers.sameness import same, same_async
from holdfast.drivers.threads import in_new_thread
from holdfast.drivers.wrappers.mirror.copies import ended, hanging
from holdfast.drivers.wrappers.mirror.replica import ReplicaError
from holdfast.errors import AlreadyExistsError, UnavailableError
from holdfast.sources import AsyncIterableSource, IterableSource

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from holdfast.drivers.protocol import AsyncDriver
    from holdfast.drivers.wrappers.mirror.replica import Replica
    from holdfast.drivers.wrappers.mirror.tee import Tee
    from holdfast.sources import Source

Answers: TypeAlias = "list[tuple[Replica, ReplicaError]]"


def unanswered(replicas: Sequence[Replica], key: str, longest: float | None) -> Answers:
    """Return those replicas that cannot say whether they hold a key, and why: it is not to be written there.

    What the first has lost may lie there for the last time.

    Raises:
        ReplicaError: One holds it.
    """
    futures = _asked(replicas, key)
    wait(futures, longest)
    return _answers(replicas, futures)


async def unanswered_async(replicas: Sequence[Replica], key: str, longest: float | None) -> Answers:
    """Like `unanswered`."""
    futures = _asked(replicas, key)
    with suppress(TimeoutError):
        async with asyncio.timeout(longest):
            for future in futures:
                await ended(future)
    return _answers(replicas, futures)


def _asked(replicas: Sequence[Replica], key: str) -> list[Future[ReplicaError | None]]:
    return [in_new_thread(partial(_ask, replica, key), "holdfast-mirror") for replica in replicas]


def _ask(replica: Replica, key: str) -> ReplicaError | None:
    """Return why a key cannot be written there: it is taken, or there is no telling; None if it can."""
    try:
        replica.driver.stat(key)
    except Exception as error:  # noqa: BLE001  # its meaning counts
        try:
            failure = replica.failure(error)
        except Exception as same:  # noqa: BLE001
            return ReplicaError(replica.name, UnavailableError, same)
        return None if failure.is_missing else failure
    return ReplicaError(replica.name, AlreadyExistsError, FileExistsError("the key is taken"))


def _answers(replicas: Sequence[Replica], futures: Sequence[Future[ReplicaError | None]]) -> Answers:
    silent = []
    for replica, future in zip(replicas, futures, strict=True):
        failure = future.result() if future.done() else hanging(replica)
        if failure is not None and failure.kind is AlreadyExistsError:
            raise failure
        if failure is not None:
            silent.append((replica, failure))
    return silent


def is_ours(driver: AsyncDriver, key: str, body: Body, tee: Tee) -> bool:
    """Return whether a key holds the content of a body, which then went through the tee to its end.

    Content that comes only once is compared by its checksum, if it was read to its end before it was refused.
    """
    with uncached():
        stored = driver.read(key, 0, None, MIB)
        if tee.replayable:
            body.source = tee
            body.begin_again()
            return same(body.blocks(MIB), stored)
        if not (tee.is_through and body.checksum):
            return False
        found = _hashed(body.checksum, IterableSource(stored))
        for _ in found.blocks(MIB):
            pass
        return found.checksum == body.checksum


async def is_ours_async(driver: AsyncDriver, key: str, body: Body, tee: Tee) -> bool:
    """Like `is_ours`."""
    with uncached():
        stored = driver.read_async(key, 0, None, MIB)
        if tee.replayable:
            body.source = tee
            body.begin_again()
            return await same_async(body.blocks_async(MIB), stored)
        if not (tee.is_through and body.checksum):
            return False
        found = _hashed(body.checksum, AsyncIterableSource(stored))
        async for _ in found.blocks_async(MIB):
            pass
        return found.checksum == body.checksum


def _hashed(checksum: str, source: Source) -> Body:
    algorithm = algorithm_of(checksum)
    return Body(source, algorithm, hash_factory(algorithm))
