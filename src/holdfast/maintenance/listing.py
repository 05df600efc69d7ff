"""Listing a storage page by page, in either world."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from holdfast.maintenance.pacing import PAGE
from holdfast.orm import bridge

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from holdfast.backends.base import StorageBackend
    from holdfast.objects import ObjectInfo


@contextmanager
def listing(storage: StorageBackend, after: str | None) -> Iterator[Iterator[list[ObjectInfo]]]:
    """Lend pages of a storage's objects with keys greater than `after`."""
    if not bridge.in_async_session():
        found: Any = storage.list(after=after)
        try:
            yield iter(lambda: list(islice(found, PAGE)), [])
        finally:
            found.close()
        return
    coming: Any = storage.list_async(after=after)
    try:
        yield iter(lambda: bridge.do(list, lambda: _take(coming)), [])
    finally:
        bridge.do(bool, coming.aclose)


async def _take(found: AsyncIterator[ObjectInfo]) -> list[ObjectInfo]:
    page: list[ObjectInfo] = []
    async for info in found:
        page.append(info)
        if len(page) == PAGE:
            break
    return page
