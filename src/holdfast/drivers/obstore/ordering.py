"""The order of listings. Keys are promised in the order of their UTF-8 bytes; Azure sorts them by UTF-16, or may.

The two differ where characters beyond U+FFFF meet those from U+E000 to U+FFFF: UTF-16 writes the former as surrogates,
which come first. So keys with such characters wait until what must precede them has passed.
"""

from __future__ import annotations

import re
from heapq import heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from holdfast.objects import ObjectInfo

_BEYOND = re.compile("[\U00010000-\U0010ffff]")
_LATE = re.compile("[\ue000-\uffff]")


def start_before(after: str | None) -> str | None:
    r"""Return where a listing by UTF-16 may start to hold all keys greater than `after` by UTF-8.

    Example:
        >>> start_before("a/b\uff5e"), start_before("a/b")
        ('a/b', 'a/b')
    """
    found = _LATE.search(after) if after else None
    return after[: found.start()] if after and found else after


class Sorter:
    """Puts the objects of a listing by UTF-16, or by UTF-8, into the order of UTF-8."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, int, ObjectInfo]] = []
        self._count = 0

    def take(self, info: ObjectInfo) -> Iterator[ObjectInfo]:
        """Take the next object and yield those whose turn it is."""
        if not info.key.isascii() and _BEYOND.search(info.key):
            self._count += 1
            heappush(self._waiting, (info.key, self._count, info))
            return
        while self._waiting and self._waiting[0][0] < info.key:
            yield heappop(self._waiting)[2]
        yield info

    def rest(self) -> Iterator[ObjectInfo]:
        """Yield what is left at the end."""
        while self._waiting:
            yield heappop(self._waiting)[2]


def by_utf8(infos: Iterator[ObjectInfo]) -> Iterator[ObjectInfo]:
    """Yield objects in the order of their keys' UTF-8 bytes."""
    sorter = Sorter()
    for info in infos:
        yield from sorter.take(info)
    yield from sorter.rest()


async def by_utf8_async(infos: AsyncIterator[ObjectInfo]) -> AsyncIterator[ObjectInfo]:
    """Like `by_utf8`."""
    sorter = Sorter()
    async for info in infos:
        for ready in sorter.take(info):
            yield ready
    for ready in sorter.rest():
        yield ready
