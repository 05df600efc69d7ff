"""Sending what a storage streams."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from holdfast.serving.asgi.messages import body, start
from holdfast.serving.exact import exact_async

if TYPE_CHECKING:
    from holdfast.file import FileObject
    from holdfast.serving.asgi.messages import Send
    from holdfast.serving.reply import Reply

CHUNK_SIZE = 256 * 1024
"""Bytes of a chunk; about three of them are in memory for each client."""


async def send_stream(file: FileObject, size: int, reply: Reply, send: Send) -> None:
    """Send a file, or a part of it; nothing is sent before the first bytes are there."""
    rest = reply.end - reply.start
    # A whole file is read to its end, wherever that is, so that a longer one is noticed.
    end = None if rest == size else reply.end
    read = file.iter_content_async(start=reply.start, end=end, chunk_size=CHUNK_SIZE)
    is_started = False
    async with aclosing(exact_async(file, read, rest)) as chunks:
        async for chunk in chunks:
            if not is_started:
                await send(start(reply))
                is_started = True
            rest -= len(chunk)
            await send(body(chunk, more=rest > 0))
