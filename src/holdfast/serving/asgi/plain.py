"""Sending files of the local disk: what the kernel has in memory straight from the event loop, the rest by threads."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from holdfast.drivers import threads
from holdfast.drivers.resident import BLOCK_SIZE, resident
from holdfast.serving.asgi.messages import body, start
from holdfast.serving.exact import mismatch

if TYPE_CHECKING:
    from holdfast.backends.plain_file import PlainFile
    from holdfast.serving.asgi.messages import Send
    from holdfast.serving.reply import Reply


async def read_block(file: PlainFile, start: int, end: int) -> bytes:
    """Return the bytes from `start` to `end`, read in a thread if they are not in memory.

    Raises:
        ChecksumMismatchError: The file has become shorter.
    """
    block = resident(file.descriptor, start, end)
    if block is None:
        # To its end even when cancelled: the descriptor must not be closed, and used for another file, meanwhile.
        block = await threads.run_to_end(threads.blocking.submit(_read, file.descriptor, start, end))
    file.bytes_read += len(block)
    if len(block) != end - start:
        raise mismatch(file.storage, file.key)
    return block


async def send_blocks(file: PlainFile, reply: Reply, send: Send) -> None:
    """Send a file, or a part of it, block by block."""
    position, is_started = reply.start, False
    while position < reply.end:
        block = await read_block(file, position, min(position + BLOCK_SIZE, reply.end))
        if not is_started:
            await send(start(reply))
            is_started = True
        position += len(block)
        await send(body(block, more=position < reply.end))
        await asyncio.sleep(0)  # a client that is quick enough never makes `send` wait, and others want their turn


def _read(descriptor: int, start: int, end: int) -> bytes:
    blocks = []
    while start < end and (block := os.pread(descriptor, end - start, start)):
        blocks.append(block)
        start += len(block)
    return blocks[0] if len(blocks) == 1 else b"".join(blocks)
