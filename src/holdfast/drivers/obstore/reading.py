"""Reading through obstore: one request, whatever the range; a second one only where the service has its own mind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import obstore as obs
from obstore.exceptions import BaseError, GenericError

from holdfast.drivers.obstore import failures, values
from holdfast.drivers.protocol import MIB
from holdfast.drivers.ranges import Window

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_STREAM = 8 * MIB


def read(store: Any, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
    """Yield the bytes of a range as they come in."""
    found, window = _get(store, key, start, end)
    if found is None:
        return
    if chunk_size is None:
        yield bytes(found.bytes()) if window is None else b"".join(window.over(found.stream(_STREAM)))
        return
    chunks = found.stream(chunk_size)
    for chunk in chunks if window is None else window.over(chunks):
        yield from values.split(chunk, chunk_size)


async def read_async(store: Any, key: str, start: int, end: int | None, chunk_size: int | None) -> AsyncIterator[bytes]:
    """Like `read`."""
    found, window = await _get_async(store, key, start, end)
    if found is None:
        return
    if chunk_size is None:
        if window is None:
            yield bytes(await found.bytes_async())
        else:
            yield b"".join([chunk async for chunk in window.over_async(found.stream(_STREAM))])
        return
    chunks = found.stream(chunk_size)
    async for chunk in chunks if window is None else window.over_async(chunks):
        for piece in values.split(chunk, chunk_size):
            yield piece


def _get(store: Any, key: str, start: int, end: int | None) -> tuple[Any, Window | None]:
    """Ask for a range; None for an empty one, and a window if the answer is the whole object."""
    options: Any = values.span(start, end)
    if not options:
        return obs.get(store, key), None
    if end is not None and end <= start:
        return None, None
    try:
        return obs.get(store, key, options=options), None
    except BaseError as error:
        if failures.ignores_ranges(error):
            return obs.get(store, key), Window(start, end)
        if (
            isinstance(error, GenericError)
            and failures.may_be_past_the_end(error)
            and obs.head(store, key)["size"] <= start
        ):
            return None, None
        raise


async def _get_async(store: Any, key: str, start: int, end: int | None) -> tuple[Any, Window | None]:
    options: Any = values.span(start, end)
    if not options:
        return await obs.get_async(store, key), None
    if end is not None and end <= start:
        return None, None
    try:
        return await obs.get_async(store, key, options=options), None
    except BaseError as error:
        if failures.ignores_ranges(error):
            return await obs.get_async(store, key), Window(start, end)
        if (
            isinstance(error, GenericError)
            and failures.may_be_past_the_end(error)
            and (await obs.head_async(store, key))["size"] <= start
        ):
            return None, None
        raise
