"""Reads of objects that may go from the old storage to the new one meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.drivers.closing import aclose, close
from holdfast.drivers.protocol import MIB
from holdfast.drivers.wrappers.mirror.reading import HandedOut

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from holdfast.drivers.wrappers.gradual.pair import Pair
    from holdfast.drivers.wrappers.mirror.replica import Replica, ReplicaError


def read(pair: Pair, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
    """Yield the bytes of a span from the storage that has the object."""
    seen, missing = _Seen(pair, start), None
    for replica in pair.order:
        chunks = None
        try:
            while True:
                try:
                    if chunks is None:
                        if not seen.starts_alike(replica, key):
                            break
                        chunks = replica.driver.read(key, seen.position, end, chunk_size)
                    chunk = next(chunks, None)
                except Exception as error:  # noqa: BLE001  # its meaning counts
                    missing = seen.failed(replica, error)
                    break
                seen.took(replica, chunk)
                if chunk is None:
                    return
                yield chunk
        finally:
            close(chunks)
    assert missing is not None  # noqa: S101  # nothing ends without it
    raise missing


async def read_async(pair: Pair, key: str, start: int, end: int | None, chunk_size: int | None) -> AsyncIterator[bytes]:
    """Like `read`."""
    seen, missing = _Seen(pair, start), None
    for replica in pair.order:
        chunks = None
        try:
            while True:
                try:
                    if chunks is None:
                        if not await seen.starts_alike_async(replica, key):
                            break
                        chunks = replica.driver.read_async(key, seen.position, end, chunk_size)
                    chunk = await anext(chunks, None)
                except Exception as error:  # noqa: BLE001  # its meaning counts
                    missing = seen.failed(replica, error)
                    break
                seen.took(replica, chunk)
                if chunk is None:
                    return
                yield chunk
        finally:
            await aclose(chunks)
    assert missing is not None  # noqa: S101  # nothing ends without it
    raise missing


class _Seen:
    """What was handed out of one object, and by whom.

    Args:
        pair: The storages.
        start: First byte.
    """

    def __init__(self, pair: Pair, start: int) -> None:
        self._pair, self._start = pair, start
        self._handed_out = HandedOut(start)
        self._answered = False

    @property
    def position(self) -> int:
        """The next byte."""
        return self._handed_out.position

    def took(self, replica: Replica, chunk: bytes | None) -> None:
        """Note a chunk, or the end; what the new storage has stays there, so that nobody needs to go on for it."""
        if not self._answered:
            self._pair.count(replica)
            self._answered = True
        if chunk is not None and replica is self._pair.old:
            self._handed_out.took(chunk)

    def failed(self, replica: Replica, error: Exception) -> ReplicaError:
        """Return why the next one is to be asked.

        Raises:
            ReplicaError: It is not to be asked.
        """
        failure = self._pair.missing(replica, error)
        if self._answered and replica is self._pair.new:
            raise failure from error
        return failure

    def starts_alike(self, replica: Replica, key: str) -> bool:
        """Return whether an object begins with what was handed out."""
        if self.position == self._start:
            return True
        return self._handed_out.same(replica.driver.read(key, self._start, self.position, MIB))

    async def starts_alike_async(self, replica: Replica, key: str) -> bool:
        """Like `starts_alike`."""
        if self.position == self._start:
            return True
        return await self._handed_out.same_async(replica.driver.read_async(key, self._start, self.position, MIB))
