"""Reads and listings that go on with the next replica."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING, Any

from holdfast.drivers.protocol import MIB

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from holdfast.drivers.wrappers.mirror.replica import Replica, ReplicaError
    from holdfast.objects import ObjectInfo

logger = logging.getLogger("holdfast")


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
    seen, failures = HandedOut(start), []
    for replica in replicas:
        driver, chunks = replica.driver, None
        try:
            while True:
                try:
                    if chunks is None:
                        if seen.position > start and not seen.same(driver.read(key, start, seen.position, MIB)):
                            break
                        chunks = driver.read(key, seen.position, end, chunk_size)
                    chunk = next(chunks, None)
                except Exception as error:  # noqa: BLE001  # the next replica has its turn
                    failures.append(failed(replica, error, f"read of {key!r}"))
                    break
                if chunk is None:
                    return
                seen.took(chunk)
                yield chunk
        finally:
            _close(chunks)
    raise failures[0]


async def read_async(
    replicas: Sequence[Replica], key: str, start: int, end: int | None, chunk_size: int | None
) -> AsyncIterator[bytes]:
    """Like `read`."""
    seen, failures = HandedOut(start), []
    for replica in replicas:
        driver, chunks = replica.driver, None
        try:
            while True:
                try:
                    if chunks is None:
                        if seen.position > start and not await seen.same_async(
                            driver.read_async(key, start, seen.position, MIB)
                        ):
                            break
                        chunks = driver.read_async(key, seen.position, end, chunk_size)
                    chunk = await anext(chunks, None)
                except Exception as error:  # noqa: BLE001  # the next replica has its turn
                    failures.append(failed(replica, error, f"read of {key!r}"))
                    break
                if chunk is None:
                    return
                seen.took(chunk)
                yield chunk
        finally:
            await _aclose(chunks)
    raise failures[0]


def listed(replicas: Sequence[Replica], prefix: str, after: str | None) -> Iterator[ObjectInfo]:
    """Yield the objects of the first replica that can be asked."""
    failures = []
    for replica in replicas:
        found = None
        try:
            while True:
                try:
                    found = replica.driver.list(prefix, after) if found is None else found
                    info = next(found, None)
                except Exception as error:  # noqa: BLE001  # the next replica has its turn
                    failures.append(failed(replica, error, "list"))
                    break
                if info is None:
                    return
                after = info.key
                yield info
        finally:
            _close(found)
    raise failures[0]


async def listed_async(replicas: Sequence[Replica], prefix: str, after: str | None) -> AsyncIterator[ObjectInfo]:
    """Like `listed`."""
    failures = []
    for replica in replicas:
        found = None
        try:
            while True:
                try:
                    found = replica.driver.list_async(prefix, after) if found is None else found
                    info = await anext(found, None)
                except Exception as error:  # noqa: BLE001  # the next replica has its turn
                    failures.append(failed(replica, error, "list"))
                    break
                if info is None:
                    return
                after = info.key
                yield info
        finally:
            await _aclose(found)
    raise failures[0]


def failed(replica: Replica, error: Exception, what: str) -> ReplicaError:
    """Return a failure with its meaning, and log one that is more than a missing object."""
    failure = replica.failure(error)
    if not failure.is_missing:  # without the text, which may hold a credential
        logger.warning(
            "%s in storage %r failed with %s: the next one is asked", what, replica.name, failure.kind.__name__
        )
    return failure


def _close(iterator: Any) -> None:
    close = getattr(iterator, "close", None)
    if close is not None:
        close()


async def _aclose(iterator: Any) -> None:
    close = getattr(iterator, "aclose", None)
    if close is not None:
        await close()
