"""Bytes of files that the kernel has in memory: read at once or not at all, so that an event loop may read them."""

from __future__ import annotations

import io
import os
import threading

BLOCK_SIZE = 256 * 1024
"""Bytes that are read at once, at most."""

_CHUNK = 1024 * 1024  # copying more would hold up an event loop for longer than a hop to a thread
_NOWAIT = getattr(os, "RWF_NOWAIT", 0)  # Linux has it


class _Buffer(threading.local):
    """Each thread's own: reading into one that is used again takes half the time of a new one."""

    def __init__(self) -> None:
        self.view = memoryview(bytearray(BLOCK_SIZE))


_buffer = _Buffer()


def resident(descriptor: int, start: int, end: int) -> bytes | None:
    """Return the bytes of a file from `start` to `end`, or None if that are too many, or not all of them in memory."""
    view = _buffer.view[: end - start]
    return view.tobytes() if _fills(view, descriptor, start, end - start) else None


def resident_chunk(descriptor: int, start: int, size: int) -> bytes | None:
    """Return a chunk of a stream likewise: it may be larger, and is more often not in memory.

    A large buffer that is used again would be slower than a new one, whose bytes `BytesIO` hands out without a copy.
    """
    if size > _CHUNK or not _fills(bytearray(1), descriptor, start + size - 1, 1):  # spares most vain copies
        return None
    buffer = io.BytesIO(bytes(size))
    with buffer.getbuffer() as view:
        is_whole = _fills(view, descriptor, start, size)
    return buffer.getvalue() if is_whole else None


def _fills(view: bytearray | memoryview, descriptor: int, start: int, size: int) -> bool:
    """Read into a buffer, and return whether all of that many bytes were in memory."""
    if not _NOWAIT:
        return False
    try:
        return os.preadv(descriptor, (view,), start, _NOWAIT) == size
    except OSError:  # it would have to wait, or the file system cannot tell
        return False
