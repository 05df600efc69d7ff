"""Sending files of the local disk: what the kernel has in memory straight from the event loop, the rest by threads."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING

from holdfast.drivers import threads
from holdfast.serving.asgi.messages import body, start
from holdfast.serving.exact import mismatch

if TYPE_CHECKING:
    from holdfast.backends.plain_file import PlainFile
    from holdfast.serving.asgi.messages import Send
    from holdfast.serving.reply import Reply

BLOCK_SIZE = 256 * 1024
"""Bytes that are read at once."""

_NOWAIT = getattr(os, "RWF_NOWAIT", 0)  # Linux has it


class _Buffer(threading.local):
    """Each thread's own: reading into one that is used again takes half the time of a new one."""

    def __init__(self) -> None:
        self.view = memoryview(bytearray(BLOCK_SIZE))


_buffer = _Buffer()


def cached_block(file: PlainFile, start: int, end: int) -> bytes | None:
    """Return the bytes from `start` to `end`, at most `BLOCK_SIZE`, if the kernel has all of them in memory."""
    view = _buffer.view[: end - start]
    try:
        if os.preadv(file.descriptor, (view,), start, _NOWAIT) != end - start:
            return None
    except OSError:  # it would have to wait, or the file system cannot tell
        return None
    file.bytes_read += end - start
    return view.tobytes()


async def read_block(file: PlainFile, start: int, end: int) -> bytes:
    """Return the bytes from `start` to `end`, read in a thread if they are not in memory.

    Raises:
        ChecksumMismatchError: The file has become shorter.
    """
    block = cached_block(file, start, end) if _NOWAIT else None
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
