"""Reads that no cache may answer: asked for by whoever verifies, heard by whatever cache is on the way."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_uncached: ContextVar[bool] = ContextVar("holdfast_uncached", default=False)


@contextmanager
def uncached() -> Iterator[None]:
    """Let reads in this block, and in threads and tasks that it starts, come from the service itself."""
    token = _uncached.set(True)
    try:
        yield
    finally:
        _uncached.reset(token)


def is_uncached() -> bool:
    """Return whether a cache has to pass a read on."""
    return _uncached.get()
