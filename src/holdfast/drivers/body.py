"""A body: one reading of a source, counted, hashed and cut into blocks on the way.

A chunk is hashed as soon as it was read, by the thread that read it and before chunks are joined: then it still lies in
the cache of that core. Hashing in another thread, beside the transfer, was slower.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.drivers import threads
from holdfast.drivers.closing import aclose
from holdfast.sources import BytesSource, Source

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from holdfast.checksums import Hash

_INLINE = 64 * 1024  # hashing this much takes 50 µs, about what handing it to a thread costs


class UploadCancelledError(Exception):
    """Raised inside a thread that writes, when the task that waits for it was cancelled."""


class Body:
    """One reading of a source.

    Attributes:
        size: Bytes handed out so far; the object's size once the driver has read to the end.
        expected_size: The size where it is known before reading.
        error: What the source itself raised while it was read, so that it is not taken for the storage's error.
    """

    def __init__(self, source: Source, algorithm: str | None, new_hash: Callable[[], Hash] | None) -> None:
        self.source = source
        self.expected_size = source.size
        self.size = 0
        self.error: BaseException | None = None
        self._algorithm = algorithm
        self._new_hash = new_hash
        self._hash = new_hash() if new_hash else None
        self._cancelled = False

    @property
    def is_async(self) -> bool:
        """Whether the source has to be awaited."""
        return self.source.is_async

    @property
    def is_at_hand(self) -> bool:
        """Whether it is so few bytes in memory that reading them needs neither a thread nor an await."""
        return isinstance(self.source, BytesSource) and self.source.data.nbytes <= _INLINE

    @property
    def checksum(self) -> str | None:
        """``"<algorithm>:<hex>"`` of the blocks handed out."""
        return f"{self._algorithm}:{self._hash.hexdigest()}" if self._hash else None

    def begin_again(self) -> None:
        """Forget what was read, before the next attempt reads the source from its beginning."""
        self.size, self.error, self._cancelled = 0, None, False
        self._hash = self._new_hash() if self._new_hash else None

    def cancel(self) -> None:
        """Make the next block raise, in the thread that reads it."""
        self._cancelled = True

    def blocks(self, size: int) -> Iterator[memoryview]:
        """Yield blocks of exactly `size` bytes, the last one shorter; none for an empty source."""
        # Bytes at hand are cut without the copy that joining needs.
        is_whole = isinstance(self.source, BytesSource)
        for block in self._chunks(size) if is_whole else resize(self._chunks(), size):
            if self._cancelled:
                raise UploadCancelledError
            yield block

    async def blocks_async(self, size: int) -> AsyncIterator[memoryview]:
        """Yield the same blocks without ever blocking the event loop."""
        if self.source.is_async:
            async for block in resize_async(self._chunks_async(), size):
                yield block
            return
        blocks = self.blocks(size)
        if self.is_at_hand:
            for block in blocks:
                yield block
            return
        # To its end even when cancelled: a source must not be read by two threads at once.
        while (read := await threads.run_to_end(threads.blocking.submit(_next, blocks))) is not None:
            yield read

    def _chunks(self, longest: int | None = None) -> Iterator[memoryview]:
        try:
            for chunk in self.source.chunks():
                for part in (chunk,) if longest is None else cut(chunk, longest):
                    self.size += part.nbytes
                    if self._hash is not None:
                        self._hash.update(part)
                    yield part
        except GeneratorExit:  # the driver gave up; the content did not fail
            raise
        except BaseException as error:
            self.error = error
            raise

    async def _chunks_async(self) -> AsyncIterator[memoryview]:
        chunks = self.source.chunks_async()
        try:
            async for chunk in chunks:
                self.size += chunk.nbytes
                if self._hash is not None and chunk.nbytes <= _INLINE:
                    self._hash.update(chunk)
                elif self._hash is not None:
                    await threads.run_to_end(threads.hashing.submit(self._hash.update, chunk))
                yield chunk
        except Exception as error:
            self.error = error
            raise
        finally:
            await aclose(chunks)


def _next(blocks: Iterator[memoryview]) -> memoryview | None:
    return next(blocks, None)


class _Cutter:
    """Cuts and joins chunks into blocks of one size, copying only what must be joined."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._rest = bytearray()

    def feed(self, chunk: memoryview) -> Iterator[memoryview]:
        offset = 0
        if self._rest:
            offset = self._size - len(self._rest)
            self._rest += chunk[:offset]
            if len(self._rest) < self._size:
                return
            yield self.rest()
        whole = offset + (chunk.nbytes - offset) // self._size * self._size
        for start in range(offset, whole, self._size):
            yield chunk[start : start + self._size]
        self._rest += chunk[whole:]

    def rest(self) -> memoryview:
        block, self._rest = self._rest, bytearray()
        return memoryview(block)


def cut(data: memoryview, size: int) -> Iterator[memoryview]:
    """Yield blocks of exactly `size` bytes, the last one shorter."""
    for start in range(0, data.nbytes, size):
        yield data[start : start + size]


def resize(chunks: Iterator[memoryview], size: int) -> Iterator[memoryview]:
    """Yield the bytes of `chunks` in blocks of exactly `size`, the last one shorter."""
    cutter = _Cutter(size)
    for chunk in chunks:
        yield from cutter.feed(chunk)
    if rest := cutter.rest():
        yield rest


async def resize_async(chunks: AsyncIterator[memoryview], size: int) -> AsyncIterator[memoryview]:
    """Like `resize`."""
    cutter = _Cutter(size)
    async for chunk in chunks:
        for block in cutter.feed(chunk):
            yield block
    if rest := cutter.rest():
        yield rest
