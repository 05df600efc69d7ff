"""Bytes of raw obstore in a plain Response; what is large is streamed, as its documents say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import obstore
from obstore.store import LocalStore
from starlette.responses import Response, StreamingResponse

if TYPE_CHECKING:
    from pathlib import Path

LARGE = 1024 * 1024
RANGE = re.compile(rb"bytes=([0-9]+)-([0-9]+)")


def application(folder: Path) -> Any:
    """Return the ASGI application."""
    store = LocalStore(folder)

    async def respond(path: str, asked: bytes | None) -> Response:
        if asked is None:
            found = await obstore.get_async(store, path)
            if found.meta["size"] > LARGE:
                size = {"content-length": str(found.meta["size"])}
                return StreamingResponse(found.stream(), headers=size, media_type="image/png")
            return Response(bytes(await found.bytes_async()), media_type="image/png")
        first, last = map(int, RANGE.fullmatch(asked).groups())  # type: ignore[union-attr]
        content = await obstore.get_range_async(store, path, start=first, end=last + 1)
        return Response(bytes(content), 206, {"content-range": f"bytes {first}-{last}/*"}, "image/png")

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        response = await respond(scope["path"][1:], dict(scope["headers"]).get(b"range"))
        await response(scope, receive, send)

    return answer
