"""Whether two streams have the same bytes, told at the first block that differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.drivers.body import resize, resize_async
from holdfast.drivers.closing import aclose, close
from holdfast.drivers.protocol import MIB

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


def same(blocks: Iterator[memoryview], stored: Iterator[bytes]) -> bool:
    """Return whether blocks of one MiB and what a driver reads have the same bytes."""
    theirs = resize(map(memoryview, stored), MIB)
    try:
        return all(block == next(theirs, None) for block in blocks) and next(theirs, None) is None
    finally:
        close(theirs)
        close(stored)
        close(blocks)


async def same_async(blocks: AsyncIterator[memoryview], stored: AsyncIterator[bytes]) -> bool:
    """Like `same`."""
    theirs = resize_async(_views(stored), MIB)
    try:
        async for block in blocks:
            if block != await anext(theirs, None):
                return False
        return await anext(theirs, None) is None
    finally:
        await aclose(theirs)
        await aclose(stored)
        await aclose(blocks)


async def _views(chunks: AsyncIterator[bytes]) -> AsyncIterator[memoryview]:
    async for chunk in chunks:
        yield memoryview(chunk)
