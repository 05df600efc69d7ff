"""A PostgreSQL proxy that cuts the connection on either side of a COMMIT.

Of the protocol it knows where a message begins and ends, and what a COMMIT looks like
(https://www.postgresql.org/docs/current/protocol-message-formats.html).
"""

import asyncio
import contextlib
import re
import threading
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from dataclasses import replace
from typing import Literal, Self

from tests.servers.ports import HOST
from tests.servers.postgres import Database

from .listener import listening

Moment = Literal["before_commit", "after_commit"]

ENCRYPTION = (80877103, 80877104)  # SSLRequest and GSSENCRequest
# A simple query, or the preparation of a statement, whose name comes first.
COMMIT = re.compile(rb"(Q....|P....[^\0]*\0)\s*(COMMIT|END)\b", re.DOTALL | re.IGNORECASE)
COMMITTED = re.compile(rb"C....COMMIT", re.DOTALL)


class PostgresProxy:
    """Passes bytes through to a database until it is told to cut."""

    def __init__(self, database: Database) -> None:
        """Stand in front of a database that listens on a Unix socket."""
        self._upstream = database
        self._moment: Moment | None = None
        self._stack = contextlib.ExitStack()
        self.was_cut = threading.Event()

    def __enter__(self) -> Self:
        """Start to listen."""
        port, _ = self._stack.enter_context(listening(self._connection))
        self.database = replace(self._upstream, host=HOST, port=port)
        return self

    def __exit__(self, *exc: object) -> None:
        """Cut what is still open and stop."""
        self._stack.close()

    def url(self, driver: str = "") -> str:
        """Return the database's URL through this proxy; see `Database.url`."""
        return self.database.url(driver)

    def cut(self, moment: Moment) -> None:
        """Cut the next connection that commits, once.

        `before_commit`: the server never sees the COMMIT. `after_commit`: the server
        has committed, the client never hears of it.
        """
        self.was_cut.clear()
        self._moment = moment

    async def _connection(self, reader: StreamReader, writer: StreamWriter) -> None:
        path = f"{self._upstream.host}/.s.PGSQL.{self._upstream.port}"
        from_server, server = await asyncio.open_unix_connection(path)
        try:
            server.write(await _startup(reader, writer))
            directions = [
                asyncio.create_task(self._requests(reader, server)),
                asyncio.create_task(self._answers(from_server, writer)),
            ]
            try:
                await asyncio.wait(directions, return_when="FIRST_COMPLETED")
            finally:
                for direction in directions:
                    direction.cancel()
                ends = await asyncio.gather(*directions, return_exceptions=True)
            if None not in ends:  # not the server's own end
                raise ConnectionAbortedError
        finally:
            server.transport.abort()

    async def _requests(self, reader: StreamReader, server: StreamWriter) -> None:
        while True:
            message = await _message(reader)
            if COMMIT.match(message) and self._cuts("before_commit"):
                raise ConnectionAbortedError
            server.write(message)
            await server.drain()

    async def _answers(self, reader: StreamReader, client: StreamWriter) -> None:
        with contextlib.suppress(IncompleteReadError):
            while True:
                message = await _message(reader)
                if COMMITTED.match(message) and self._cuts("after_commit"):
                    raise ConnectionAbortedError
                client.write(message)
                await client.drain()

    def _cuts(self, moment: Moment) -> bool:
        if self._moment != moment:
            return False
        self._moment = None
        self.was_cut.set()
        return True


async def _startup(reader: StreamReader, writer: StreamWriter) -> bytes:
    """Return the first message, after declining to encrypt what we want to read."""
    while True:
        length = await reader.readexactly(4)
        rest = await reader.readexactly(int.from_bytes(length) - 4)
        if int.from_bytes(rest[:4]) not in ENCRYPTION:
            return length + rest
        writer.write(b"N")


async def _message(reader: StreamReader) -> bytes:
    head = await reader.readexactly(5)
    return head + await reader.readexactly(int.from_bytes(head[1:]) - 4)
