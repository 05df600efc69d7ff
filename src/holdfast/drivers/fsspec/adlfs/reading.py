"""Reading a range of a blob, and the proof that it is the one: Azure's library believes every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.drivers.fsspec.answers import answer_of
from holdfast.drivers.ranges import content_range

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SERVICE = "Azure"


async def span(blob: Any, start: int, length: int, same: Mapping[str, Any], **limits: Any) -> tuple[bytes, str, int]:
    """Return bytes, their blob's etag, and its whole size."""
    told: list[str | None] = []  # one for each request; of a blob without bytes the library asks twice

    def remember(answer: Any) -> None:
        told.append(answer.http_response.headers.get("Content-Range"))

    with answer_of(SERVICE):
        answer = await blob.download_blob(
            start, length, max_concurrency=1, decompress=False, raw_response_hook=remember, **same, **limits
        )
        data: bytes = await answer.readall()
        size = int(answer.properties.content_range.rpartition("/")[2])
    if len(data) != max(0, min(length, size - start)) or (data and _reached(told, start) != start + len(data)):
        message = f"asked for {length} bytes from {start} on, Azure answered with {told} and {len(data)} bytes"
        raise OSError(message)
    return data, answer.properties.etag, size


def _reached(told: Sequence[str | None], start: int) -> int | None:
    """Return the byte after the last one of ranges that follow each other; None if they do not."""
    last, reached = start, start
    for found in filter(None, map(content_range, told)):
        if found[0] not in {reached, last}:  # the last one again: it was cut
            return None
        last, reached = found[0], found[1]
    return reached
