"""Ending an iterator before its end, whatever kind it is: only generators can be closed."""

from __future__ import annotations

from typing import Any


def close(iterator: Any) -> None:
    """Close an iterator, if it can be."""
    end = getattr(iterator, "close", None)
    if end is not None:
        end()


async def aclose(iterator: Any) -> None:
    """Like `close`, for one that is awaited."""
    end = getattr(iterator, "aclose", None)
    if end is not None:
        await end()
