"""A PostgreSQL proxy that cuts the connection on either side of a COMMIT.

Of the protocol it knows where a message begins and ends, and what a COMMIT looks like
(https://www.postgresql.org/docs/current/protocol-message-formats.html).
"""

import re
from asyncio import StreamReader, StreamWriter

from tests.servers.postgres import Database

from .commit import CommitProxy, Conversation

ENCRYPTION = (80877103, 80877104)  # SSLRequest and GSSENCRequest
# A simple query, or the preparation of a statement, whose name comes first.
COMMIT = re.compile(rb"(Q....|P....[^\0]*\0)\s*(COMMIT|END)\b", re.DOTALL | re.IGNORECASE)
COMMITTED = re.compile(rb"C....COMMIT", re.DOTALL)


class PostgresProxy(CommitProxy[Database]):
    """Passes messages through to a database until it is told to cut."""

    def _conversation(self) -> Conversation:
        return _Messages()


class _Messages(Conversation):
    async def start(self, reader: StreamReader, writer: StreamWriter) -> bytes:
        """Return the first message, after declining to encrypt what we want to read."""
        while True:
            length = await reader.readexactly(4)
            rest = await reader.readexactly(int.from_bytes(length) - 4)
            if int.from_bytes(rest[:4]) not in ENCRYPTION:
                return length + rest
            writer.write(b"N")

    async def message(self, reader: StreamReader) -> bytes:
        head = await reader.readexactly(5)
        return head + await reader.readexactly(int.from_bytes(head[1:]) - 4)

    def commits(self, message: bytes) -> bool:
        return COMMIT.match(message) is not None

    def committed(self, message: bytes) -> bool:
        return COMMITTED.match(message) is not None
