"""Bytes of files that the kernel has in memory: read at once or not at all, so that an event loop may read them."""

from __future__ import annotations

import os
import threading

BLOCK_SIZE = 256 * 1024
"""Bytes that are read at once, at most."""

_NOWAIT = getattr(os, "RWF_NOWAIT", 0)  # Linux has it


class _Buffer(threading.local):
    """Each thread's own: reading into one that is used again takes half the time of a new one."""

    def __init__(self) -> None:
        self.view = memoryview(bytearray(BLOCK_SIZE))


_buffer = _Buffer()


def resident(descriptor: int, start: int, end: int) -> bytes | None:
    """Return the bytes of a file from `start` to `end`, or None if that are too many, or not all of them in memory."""
    if not _NOWAIT:
        return None
    view = _buffer.view[: end - start]
    try:
        if os.preadv(descriptor, (view,), start, _NOWAIT) != end - start:
            return None
    except OSError:  # it would have to wait, or the file system cannot tell
        return None
    return view.tobytes()
