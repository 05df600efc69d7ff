"""One listing of two storages, in which no object is missing that goes from one to the other meanwhile.

A page of the old storage is fetched first, and only then what the new one has in the same range: an object that has
left the old one by then is in the new one.
"""

from __future__ import annotations

from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any

from holdfast.drivers.closing import aclose

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from holdfast.drivers.wrappers.gradual.pair import Pair
    from holdfast.drivers.wrappers.mirror.replica import Replica
    from holdfast.objects import ObjectInfo

_FIRST, _LARGEST = 1000, 16_000  # objects of a page: the new storage's listing begins anew with each


def listed(pair: Pair, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
    """Yield the objects of both; of two with one key, the new one."""
    coming: Any = _told(pair.old, prefix, after)
    with closing(coming):
        size, position, is_more = _FIRST, after, True
        while is_more:
            page = [info for _, info in zip(range(size), coming, strict=False)]
            is_more = len(page) == size
            merging = _Merging(page)
            theirs: Any = _told(pair.new, prefix, position)
            with closing(theirs):
                for info in theirs:
                    if is_more and info.key > page[-1].key:
                        break
                    yield from merging.before(info.key)
                    yield info
            yield from merging.rest()
            size = min(2 * size, _LARGEST)
            position = page[-1].key if page else position


async def listed_async(pair: Pair, prefix: str, after: str | None) -> AsyncIterator[ObjectInfo]:
    """Like `listed`."""
    coming: Any = _told_async(pair.old, prefix, after)
    async with aclosing(coming):
        size, position, is_more = _FIRST, after, True
        while is_more:
            page: list[ObjectInfo] = []
            while len(page) < size and (found := await anext(coming, None)) is not None:
                page.append(found)
            is_more = len(page) == size
            merging = _Merging(page)
            theirs: Any = _told_async(pair.new, prefix, position)
            async with aclosing(theirs):
                async for info in theirs:
                    if is_more and info.key > page[-1].key:
                        break
                    for each in merging.before(info.key):
                        yield each
                    yield info
            for each in merging.rest():
                yield each
            size = min(2 * size, _LARGEST)
            position = page[-1].key if page else position


class _Merging:
    """A page of the old storage, of which what comes before a key is taken, and the key itself dropped."""

    def __init__(self, page: Sequence[ObjectInfo]) -> None:
        self._page, self._next = page, 0

    def before(self, key: str) -> Iterator[ObjectInfo]:
        """Yield what comes before a key."""
        page = self._page
        while self._next < len(page) and page[self._next].key < key:
            self._next += 1
            yield page[self._next - 1]
        if self._next < len(page) and page[self._next].key == key:
            self._next += 1

    def rest(self) -> Iterator[ObjectInfo]:
        """Yield what is left."""
        yield from self._page[self._next :]


def _told(replica: Replica, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
    """Yield what one storage lists; its failures have their meaning."""
    try:
        yield from replica.driver.list(prefix, after)
    except Exception as error:
        raise replica.failure(error) from error


async def _told_async(replica: Replica, prefix: str, after: str | None) -> AsyncIterator[ObjectInfo]:
    """Like `_told`."""
    found = None
    try:
        found = replica.driver.list_async(prefix, after)
        async for info in found:
            yield info
    except Exception as error:
        raise replica.failure(error) from error
    finally:
        await aclose(found)
