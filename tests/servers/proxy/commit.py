"""What the proxies that cut a connection on either side of a COMMIT have in common."""

import abc
import asyncio
import contextlib
import threading
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from dataclasses import replace
from typing import Generic, Literal, Self, TypeVar

from tests.servers import mariadb, postgres
from tests.servers.ports import HOST

from .listener import listening

Moment = Literal["before_commit", "after_commit"]
Database = TypeVar("Database", mariadb.Database, postgres.Database)


class CommitProxy(abc.ABC, Generic[Database]):
    """Passes messages through to a database until it is told to cut."""

    def __init__(self, database: Database) -> None:
        """Stand in front of a database that listens on a Unix socket."""
        self._upstream: Database = database
        self._moment: Moment | None = None
        self._stack = contextlib.ExitStack()
        self.was_cut = threading.Event()

    def __enter__(self) -> Self:
        """Start to listen."""
        port, _ = self._stack.enter_context(listening(self._connection))
        self.database: Database = replace(self._upstream, host=HOST, port=port)
        return self

    def __exit__(self, *exc: object) -> None:
        """Cut what is still open and stop."""
        self._stack.close()

    def url(self, *driver: str) -> str:
        """Return the database's URL through this proxy; see `Database.url`."""
        return self.database.url(*driver)

    def cut(self, moment: Moment) -> None:
        """Cut the next connection that commits, once.

        `before_commit`: the server never sees the COMMIT. `after_commit`: the server
        has committed, the client never hears of it.
        """
        self.was_cut.clear()
        self._moment = moment

    @abc.abstractmethod
    def _conversation(self) -> "Conversation":
        """Return what understands a new connection."""

    async def _connection(self, reader: StreamReader, writer: StreamWriter) -> None:
        conversation = self._conversation()
        from_server, server = await asyncio.open_unix_connection(self._upstream.socket)
        try:
            server.write(await conversation.start(reader, writer))
            directions = [
                asyncio.create_task(self._requests(conversation, reader, server)),
                asyncio.create_task(self._answers(conversation, from_server, writer)),
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

    async def _requests(self, conversation: "Conversation", reader: StreamReader, server: StreamWriter) -> None:
        while True:
            message = await conversation.message(reader)
            if conversation.commits(message) and self._cuts("before_commit"):
                raise ConnectionAbortedError
            server.write(message)
            await server.drain()

    async def _answers(self, conversation: "Conversation", reader: StreamReader, client: StreamWriter) -> None:
        with contextlib.suppress(IncompleteReadError):
            while True:
                message = await conversation.message(reader)
                if conversation.committed(message) and self._cuts("after_commit"):
                    raise ConnectionAbortedError
                client.write(message)
                await client.drain()

    def _cuts(self, moment: Moment) -> bool:
        if self._moment != moment:
            return False
        self._moment = None
        self.was_cut.set()
        return True


class Conversation(abc.ABC):
    """Understands one connection, as far as where a message ends and what a COMMIT looks like."""

    async def start(self, reader: StreamReader, writer: StreamWriter) -> bytes:
        """Return what the client sends that is not yet a message."""
        return b""

    @abc.abstractmethod
    async def message(self, reader: StreamReader) -> bytes:
        """Read the next message of either side."""

    @abc.abstractmethod
    def commits(self, message: bytes) -> bool:
        """Say whether the client asks for a COMMIT."""

    @abc.abstractmethod
    def committed(self, message: bytes) -> bool:
        """Say whether the server answers that it has committed."""
