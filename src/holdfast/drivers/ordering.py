"""Listings in the order of the keys' UTF-8 bytes, from services that go by UTF-16.

The two orders differ in one thing: characters beyond U+FFFF come before U+E000 … U+FFFF in UTF-16, where they are
surrogates, and after them in UTF-8.
"""

from __future__ import annotations

import heapq
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from holdfast.objects import ObjectInfo

_BEYOND = re.compile("[\U00010000-\U0010ffff]")


def utf8_ordered(found: Iterable[ObjectInfo]) -> Iterator[ObjectInfo]:
    r"""Yield a listing that comes in the order of UTF-16, or of UTF-8, in that of UTF-8.

    Only keys with characters beyond U+FFFF are held back, until no other key can come before them.

    Example:
        >>> from holdfast.objects import ObjectInfo
        >>> [info.key for info in utf8_ordered(ObjectInfo(key, 0) for key in ["a", "🎉", "\ufffd"])]
        ['a', '\ufffd', '🎉']
    """
    held: list[tuple[str, str, ObjectInfo]] = []  # the key, what comes before its first such character
    for info in found:
        while held and not info.key.startswith(held[0][1]):
            yield heapq.heappop(held)[2]
        if beyond := _BEYOND.search(info.key):
            heapq.heappush(held, (info.key, info.key[: beyond.start()], info))
        else:
            yield info
    while held:
        yield heapq.heappop(held)[2]
