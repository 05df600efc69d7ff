"""Content as an application's own methods take it: bytes, or a file on disk with all of it."""

from __future__ import annotations

import tempfile
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from holdfast.drivers import threads
from holdfast.drivers.protocol import MIB, SINGLE_PUT_LIMIT
from holdfast.sources import BytesSource, PathSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from holdfast.drivers.body import Body


@contextmanager
def spooled(body: Body) -> Iterator[bytes | Path | IO[bytes]]:
    """Yield bytes if there are few or they are in memory anyway; the path of a file for a path; else a file."""
    if _is_small(body):
        yield b"".join(body.blocks(MIB))
        return
    with tempfile.NamedTemporaryFile(prefix="holdfast-") as file:
        for block in body.blocks(MIB):
            file.write(block)
        file.seek(0)
        yield Path(file.name) if isinstance(body.source, PathSource) else file


@asynccontextmanager
async def spooled_async(body: Body) -> AsyncIterator[bytes | Path | IO[bytes]]:
    """Like `spooled`."""
    if _is_small(body):
        yield b"".join([block async for block in body.blocks_async(MIB)])
        return
    with tempfile.NamedTemporaryFile(prefix="holdfast-") as file:
        async for block in body.blocks_async(MIB):
            await threads.run_to_end(threads.blocking.submit(file.write, block))
        file.seek(0)
        yield Path(file.name) if isinstance(body.source, PathSource) else file


def _is_small(body: Body) -> bool:
    if isinstance(body.source, PathSource):
        return False  # a method that takes paths may take nothing else
    if body.expected_size is None:
        return False
    return isinstance(body.source, BytesSource) or body.expected_size <= SINGLE_PUT_LIMIT
