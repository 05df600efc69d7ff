"""A server that is far away: a proxy that hands on each byte of a client's 20 ms late, and the answers at once.

    python distance.py PORT UPSTREAM_PORT

It is a delay line: what follows within the 20 ms is on its way at the same time, on this connection and on others.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from typing import cast

import uvloop

HOST = "127.0.0.1"
DELAY = 0.02  # seconds


class Requests(asyncio.Protocol):
    """What comes from a client, on its way to the server."""

    def __init__(self, upstream: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.upstream = upstream
        self.line: deque[tuple[float, bytes]] = deque()  # when it arrives; no bytes are the end
        self.server: asyncio.Transport | None = None
        self.is_timed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connect to the server, which takes less time than the first request."""
        self.client = cast("asyncio.Transport", transport)
        self.task = self.loop.create_task(self.connect())

    async def connect(self) -> None:
        """Open the way back."""
        transport, _ = await self.loop.create_connection(lambda: Answers(self.client), HOST, self.upstream)
        self.server = transport
        self.arrive()

    def data_received(self, data: bytes) -> None:
        """Send on its way."""
        self.send(data)

    def connection_lost(self, _error: Exception | None) -> None:
        """Let the end arrive after the rest."""
        self.send(b"")

    def send(self, data: bytes) -> None:
        """Put at the end of the line."""
        self.line.append((self.loop.time() + DELAY, data))
        if not self.is_timed:
            self.is_timed = True
            self.loop.call_later(DELAY, self.arrive)

    def arrive(self) -> None:
        """Hand on what has arrived, and come back for the next."""
        if self.server is None:
            return
        while self.line and self.line[0][0] <= self.loop.time():
            _, data = self.line.popleft()
            if data:
                self.server.write(data)
            else:
                self.server.close()
        self.is_timed = bool(self.line)
        if self.line:
            self.loop.call_at(self.line[0][0], self.arrive)


class Answers(asyncio.Protocol):
    """What comes from the server."""

    def __init__(self, client: asyncio.Transport) -> None:
        self.client = client

    def data_received(self, data: bytes) -> None:
        """Hand on."""
        self.client.write(data)

    def connection_lost(self, _error: Exception | None) -> None:
        """End the client's connection as well."""
        self.client.close()


async def main(port: int, upstream: int) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(lambda: Requests(upstream), HOST, port, backlog=1000)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(*map(int, sys.argv[1:])))
