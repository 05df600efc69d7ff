"""Ranges of objects, from servers that have their own mind about them (RFC 9110 §14)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+|-1)/(\d+|\*)")  # some say 0--1/0 of what has no bytes
_PARTIAL = 206


def content_range(told: str | None) -> tuple[int, int, int | None] | None:
    """Return what a ``Content-Range`` says: first byte, byte after the last, and the size of the whole if it is known.

    Example:
        >>> content_range("bytes 0-9/20")
        (0, 10, 20)
    """
    match = _CONTENT_RANGE.fullmatch(told or "")
    if match is None:
        return None
    return int(match[1]), int(match[2]) + 1, None if match[3] == "*" else int(match[3])


def window(status: int, told: str | None, start: int, end: int | None) -> Window | None:
    """Return what cuts a range out of an answer; None if the answer is that range.

    Args:
        status: Of the answer, which is a success.
        told: Its ``Content-Range``.
        start: First byte that was asked for.
        end: Byte after the last; None for all.

    Raises:
        OSError: The answer is another range.
    """
    if told is None and status != _PARTIAL:
        return Window(start, end) if start or end is not None else None
    if (found := content_range(told)) is not None:
        first, behind, size = found
        complete = end is None or behind <= end if size is None else behind == min(end or size, size)
        if first == start and complete:
            return None
    asked = f"{start}-{'' if end is None else end - 1}"
    message = f"asked for bytes {asked}, the server answered with {told or 'a part that it does not name'!r}"
    raise OSError(message)


class Window:
    """Cuts a range out of a stream of the whole object.

    For servers that answer a ranged request with everything, such as rclone's S3.

    Args:
        start: First byte.
        end: Byte after the last; None for all.
    """

    def __init__(self, start: int, end: int | None) -> None:
        self._skip = start
        self._rest = None if end is None else max(0, end - start)

    def over(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield what of the chunks lies in the range, and stop when it is complete."""
        for chunk in chunks:
            if wanted := self._cut(chunk):
                yield wanted
            if self._rest == 0:
                return

    async def over_async(self, chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        """Like `over`."""
        async for chunk in chunks:
            if wanted := self._cut(chunk):
                yield wanted
            if self._rest == 0:
                return

    def _cut(self, chunk: bytes) -> bytes:
        skipped = min(self._skip, len(chunk))
        self._skip -= skipped
        wanted = chunk[skipped:] if self._rest is None else chunk[skipped : skipped + self._rest]
        if self._rest is not None:
            self._rest -= len(wanted)
        return wanted
