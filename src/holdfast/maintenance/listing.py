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
def listing(
    storage: StorageBackend, after: str | None, until: str | None = None
) -> Iterator[Iterator[list[ObjectInfo]]]:
    """Lend pages of a storage's objects with keys greater than `after`, up to and with `until`."""
    if not bridge.in_async_session():
        found: Any = storage.list(after=after)
        try:
            yield _ended(iter(lambda: list(islice(found, PAGE)), []), until)
        finally:
            found.close()
        return
    coming: Any = storage.list_async(after=after)
    try:
        yield _ended(iter(lambda: bridge.do(list, lambda: _take(coming)), []), until)
    finally:
        bridge.do(bool, coming.aclose)


def _ended(found: Iterator[list[ObjectInfo]], until: str | None) -> Iterator[list[ObjectInfo]]:
    for page in found:
        if until is None or page[-1].key <= until:
            yield page
            continue
        if rest := [info for info in page if info.key <= until]:
            yield rest
        return


async def _take(found: AsyncIterator[ObjectInfo]) -> list[ObjectInfo]:
    page: list[ObjectInfo] = []
    async for info in found:
        page.append(info)
        if len(page) == PAGE:
            break
    return page
