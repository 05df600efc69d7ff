"""A TCP proxy whose connections are cut on cue."""

import asyncio
import contextlib
from asyncio import StreamReader, StreamWriter
from contextlib import ExitStack
from typing import Self

from tests.servers.ports import HOST

from .listener import BLOCK, listening


class CuttingProxy:
    """Passes bytes through.

    Args:
        port: The server's.

    Attributes:
        port: Its own.
        connections: How many there were.
        limit: After so many more bytes to the server all connections are cut; None for never.
    """

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._stack = ExitStack()
        self._writers: set[StreamWriter] = set()
        self.limit: int | None = None
        self.connections = 0

    def __enter__(self) -> Self:
        self.port, self._loop = self._stack.enter_context(listening(self._handle))
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def cut(self) -> None:
        """Cut all connections, and return when that is done."""

        async def cut() -> None:
            self._cut()

        asyncio.run_coroutine_threadsafe(cut(), self._loop).result()

    def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _handle(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.connections += 1
        there, back = await asyncio.open_connection(HOST, self._upstream)
        both = {writer, back}
        self._writers |= both
        try:
            await asyncio.gather(self._pass(reader, back, counted=True), self._pass(there, writer))
        finally:
            self._writers -= both
            back.close()
            with contextlib.suppress(OSError):
                await back.wait_closed()

    async def _pass(self, reader: StreamReader, writer: StreamWriter, *, counted: bool = False) -> None:
        while block := await reader.read(BLOCK):
            if counted and self.limit is not None:
                self.limit -= len(block)
                if self.limit < 0:
                    self.limit = None
                    self._cut()
            writer.write(block)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
