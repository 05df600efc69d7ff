"""Content that is waited for on its own account: neither the clock runs meanwhile, nor is a slot held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.drivers import threads
from holdfast.drivers.closing import aclose
from holdfast.drivers.protocol import MIB
from holdfast.sources import Source

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from holdfast.drivers.wrappers.limits.slots import Slots
    from holdfast.drivers.wrappers.limits.watch import Watch

_PIECE = MIB  # what is handed out between two looks at the clock


class WatchedSource(Source):
    """A source, read for one attempt of a put.

    It may come from a client that is slow, or from another object of the very storage: a put that kept its slot
    while it waits for that would wait forever.

    Args:
        source: The source.
        watch: The clock of the attempt.
        slots: Where the attempt holds a slot.
    """

    def __init__(self, source: Source, watch: Watch, slots: Slots) -> None:
        self._source, self._watch, self._slots = source, watch, slots
        self.size, self.replayable = source.size, source.replayable

    @property
    def spent(self) -> bool:
        """Whether the content was read and cannot be read again."""
        return self._source.spent

    def chunks(self) -> Iterator[memoryview]:
        """Yield the bytes."""
        chunks = self._source.chunks()
        while True:
            with self._watch.paused():
                self._slots.release()
                try:
                    chunk = next(chunks, None)
                finally:
                    self._slots.acquire()
            if chunk is None:
                return
            yield from self._pieces(chunk)

    def _pieces(self, chunk: memoryview) -> Iterator[memoryview]:
        for start in range(0, chunk.nbytes, _PIECE):
            self._watch.progress()
            yield chunk[start : start + _PIECE]


class AsyncWatchedSource(WatchedSource):
    """The same for the async half; also of sources that are not awaited, which are read in threads.

    A thread of the pool must not wait for a slot: whoever holds one may need a thread of the pool to go on.
    """

    is_async = True

    def chunks(self) -> Iterator[memoryview]:
        """Refuse: it is read asynchronously."""
        return Source.chunks(self)

    async def chunks_async(self) -> AsyncIterator[memoryview]:
        """Yield the bytes."""
        chunks = self._source.chunks_async() if self._source.is_async else _in_threads(self._source)
        try:
            while True:
                with self._watch.paused():
                    self._slots.release()
                    try:
                        chunk = await anext(chunks, None)
                    finally:
                        await self._slots.acquire_async()
                if chunk is None:
                    return
                for piece in self._pieces(chunk):
                    yield piece
        finally:
            await aclose(chunks)


async def _in_threads(source: Source) -> AsyncIterator[memoryview]:
    """Yield the bytes of a source that is not awaited, without blocking the event loop."""
    chunks = source.chunks()
    # To its end even when cancelled: a source must not be read by two threads at once.
    while (chunk := await threads.run_to_end(threads.blocking.submit(_next, chunks))) is not None:
        yield chunk


def _next(chunks: Iterator[memoryview]) -> memoryview | None:
    return next(chunks, None)
