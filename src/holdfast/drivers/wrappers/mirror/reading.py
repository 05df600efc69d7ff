"""Reads and listings that go on with the next replica."""

from __future__ import annotations

import hashlib
import logging
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, TypeVar

from holdfast.drivers.closing import aclose, close
from holdfast.drivers.protocol import MIB

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence

    from holdfast.drivers.protocol import AsyncDriver
    from holdfast.drivers.wrappers.mirror.replica import Replica, ReplicaError
    from holdfast.objects import ObjectInfo

logger = logging.getLogger("holdfast")

T = TypeVar("T")


class HandedOut:
    """What a read has yielded so far.

    Args:
        start: First byte.
    """

    def __init__(self, start: int) -> None:
        self.start = self.position = start
        self._hash = hashlib.sha256()

    def took(self, chunk: bytes) -> None:
        """Count a chunk."""
        self.position += len(chunk)
        self._hash.update(chunk)

    def same(self, chunks: Iterator[bytes]) -> bool:
        """Return whether another replica has the same in its place: then the rest may come from there."""
        other = hashlib.sha256()
        for chunk in chunks:
            other.update(chunk)
        return other.digest() == self._hash.digest()

    async def same_async(self, chunks: AsyncIterator[bytes]) -> bool:
        """Like `same`."""
        other = hashlib.sha256()
        async for chunk in chunks:
            other.update(chunk)
        return other.digest() == self._hash.digest()


def read(replicas: Sequence[Replica], key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
    """Yield the bytes of a span from the first replica that has it."""
    seen = HandedOut(start)

    def opened(driver: AsyncDriver) -> Iterator[bytes] | None:
        if seen.position > start and not seen.same(driver.read(key, start, seen.position, MIB)):
            return None
        return driver.read(key, seen.position, end, chunk_size)

    with closing(_first(replicas, opened, f"read of {key!r}")) as chunks:
        for chunk in chunks:
            seen.took(chunk)
            yield chunk


async def read_async(
    replicas: Sequence[Replica], key: str, start: int, end: int | None, chunk_size: int | None
) -> AsyncIterator[bytes]:
    """Like `read`."""
    seen = HandedOut(start)

    async def opened(driver: AsyncDriver) -> AsyncIterator[bytes] | None:
        if seen.position > start and not await seen.same_async(driver.read_async(key, start, seen.position, MIB)):
            return None
        return driver.read_async(key, seen.position, end, chunk_size)

    async with aclosing(_first_async(replicas, opened, f"read of {key!r}")) as chunks:
        async for chunk in chunks:
            seen.took(chunk)
            yield chunk


def listed(replicas: Sequence[Replica], prefix: str, after: str | None) -> Iterator[ObjectInfo]:
    """Yield the objects of the first replica that can be asked."""
    last = after
    with closing(_first(replicas, lambda driver: driver.list(prefix, last), "list")) as found:
        for info in found:
            last = info.key
            yield info


async def listed_async(replicas: Sequence[Replica], prefix: str, after: str | None) -> AsyncIterator[ObjectInfo]:
    """Like `listed`."""
    last = after

    async def opened(driver: AsyncDriver) -> AsyncIterator[ObjectInfo]:
        return driver.list_async(prefix, last)

    async with aclosing(_first_async(replicas, opened, "list")) as found:
        async for info in found:
            last = info.key
            yield info


def _first(
    replicas: Sequence[Replica], opened: Callable[[AsyncDriver], Iterator[T] | None], what: str
) -> Generator[T, None, None]:
    """Yield the items of the first replica that gives them; where one breaks off, the next one is opened.

    Args:
        replicas: Whom to ask, one after the other.
        opened: Goes on after what was yielded before; None if a replica cannot.
        what: What it is, for the log.
    """
    failures = []
    for replica in replicas:
        items = None
        try:
            while True:
                try:
                    if items is None and (items := opened(replica.driver)) is None:
                        break
                    item = next(items, None)
                except Exception as error:  # noqa: BLE001  # the next replica has its turn
                    failures.append(failed(replica, error, what))
                    break
                if item is None:
                    return
                yield item
        finally:
            close(items)
    raise failures[0]


async def _first_async(
    replicas: Sequence[Replica], opened: Callable[[AsyncDriver], Awaitable[AsyncIterator[T] | None]], what: str
) -> AsyncGenerator[T, None]:
    """Like `_first`."""
    failures = []
    for replica in replicas:
        items = None
        try:
            while True:
                try:
                    if items is None and (items := await opened(replica.driver)) is None:
                        break
                    item = await anext(items, None)
                except Exception as error:  # noqa: BLE001  # the next replica has its turn
                    failures.append(failed(replica, error, what))
                    break
                if item is None:
                    return
                yield item
        finally:
            await aclose(items)
    raise failures[0]


def failed(replica: Replica, error: Exception, what: str) -> ReplicaError:
    """Return a failure with its meaning, and log one that is more than a missing object."""
    failure = replica.failure(error)
    if not failure.is_missing:  # without the text, which may hold a credential
        logger.warning(
            "%s in storage %r failed with %s: the next one is asked", what, replica.name, failure.kind.__name__
        )
    return failure
