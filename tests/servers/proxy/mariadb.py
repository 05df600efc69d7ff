"""A MariaDB proxy that cuts the connection on either side of a COMMIT.

Of the protocol it knows where a packet begins and ends, and what a COMMIT and its answer look like
(https://mariadb.com/kb/en/0-packet/, https://mariadb.com/kb/en/com_query/).
"""

import re
from asyncio import StreamReader

from tests.servers.mariadb import Database

from .commit import CommitProxy, Conversation

# A command, which is a first packet (0) and a query (3).
COMMIT = re.compile(rb"...\x00\x03\s*COMMIT\b", re.DOTALL | re.IGNORECASE)
OK = 0


class MariaDBProxy(CommitProxy[Database]):
    """Passes packets through to a database until it is told to cut."""

    def _conversation(self) -> Conversation:
        return _Packets()


class _Packets(Conversation):
    def __init__(self) -> None:
        self._commits = False

    async def message(self, reader: StreamReader) -> bytes:
        head = await reader.readexactly(4)
        return head + await reader.readexactly(int.from_bytes(head[:3], "little"))

    def commits(self, message: bytes) -> bool:
        self._commits = COMMIT.match(message) is not None
        return self._commits

    def committed(self, message: bytes) -> bool:
        # An answer does not say what it answers, but no client asks twice before it has one.
        return self._commits and message[4] == OK
