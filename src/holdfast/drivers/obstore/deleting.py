"""Deleting through obstore: many with one request, and one by one what a missing object got in the way of."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import obstore as obs
from obstore.exceptions import GenericError

from holdfast.drivers import threads
from holdfast.drivers.obstore import failures

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_AT_ONCE = 16
_pool = threads.Pool("holdfast-delete", _AT_ONCE)


def delete(store: Any, keys: Sequence[str], bulk: int) -> None:
    """Delete objects, `bulk` with one request."""
    for page in _pages(keys, bulk):
        try:
            obs.delete(store, page)
        except (FileNotFoundError, GenericError) as error:
            if not failures.is_nothing_there(error):
                raise
            # One is gone already. Of the others obstore says nothing: some may not have been tried.
            futures = [_pool.submit(_delete_one, store, key) for key in page]
            _raise_first([future.exception() for future in futures])


async def delete_async(store: Any, keys: Sequence[str], bulk: int) -> None:
    """Like `delete`."""
    for page in _pages(keys, bulk):
        try:
            await obs.delete_async(store, page)
        except (FileNotFoundError, GenericError) as error:
            if not failures.is_nothing_there(error):
                raise
            limit = asyncio.Semaphore(_AT_ONCE)
            calls = (_delete_one_async(store, key, limit) for key in page)
            _raise_first(await asyncio.gather(*calls, return_exceptions=True))


def _delete_one(store: Any, key: str) -> None:
    try:
        obs.delete(store, key)
    except (FileNotFoundError, GenericError) as error:
        if not failures.is_nothing_there(error):
            raise


async def _delete_one_async(store: Any, key: str, limit: asyncio.Semaphore) -> None:
    async with limit:
        try:
            await obs.delete_async(store, key)
        except (FileNotFoundError, GenericError) as error:
            if not failures.is_nothing_there(error):
                raise


def _raise_first(outcomes: Sequence[BaseException | None]) -> None:
    for error in filter(None, outcomes):
        raise error


def _pages(keys: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), size):
        yield keys[start : start + size]
