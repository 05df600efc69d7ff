"""A client that costs little: a blocking socket, a buffer, and answers of a length that is known from the first one."""

from __future__ import annotations

import re
import socket
import struct

from benchmarks.measuring.race import MIB
from benchmarks.players.served.process import HOST

PATIENCE = struct.pack("ll", 30, 0)  # seconds; `settimeout` would add a poll(2) to each call
GOOD = (b"HTTP/1.1 200", b"HTTP/1.1 206")
END = b"\r\n\r\n"
LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)


class Connection:
    """Sends one request again and again."""

    def __init__(self, port: int, request: bytes) -> None:
        self._socket = socket.create_connection((HOST, port))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = request
        self._view = memoryview(b"")

    def ask_first(self, content: bytes) -> None:
        """Ask, learn how long an answer is, and compare it."""
        self.send()
        head, body, length = self._head()
        if length != len(content):
            message = f"{length} bytes instead of {len(content)}: {head!r}"
            raise RuntimeError(message)
        while len(body) < length:
            body += self._more()
        self._view = memoryview(bytearray(head + body))
        self.expect(content)

    def send(self) -> None:
        """Ask."""
        self._socket.send(self._request)

    def receive(self) -> None:
        """Read an answer that is as long as the first one."""
        count = self._socket.recv_into(self._view, 0, socket.MSG_WAITALL)
        if count != len(self._view) or self._view[:12] not in GOOD:
            raise RuntimeError(bytes(self._view[:count]))

    def expect(self, content: bytes) -> None:
        """Compare the last answer."""
        if self._view[len(self._view) - len(content) :] != content:
            raise RuntimeError("another content than that of the file")

    def ask_for_many(self, start: bytes) -> int:
        """Ask, read an answer of any length, and return that; it has to start with these bytes."""
        self.send()
        _, body, length = self._head()
        while len(body) < len(start):
            body += self._more()
        if not body.startswith(start):
            raise RuntimeError("another content than that of the file")
        received, buffer = len(body), bytearray(MIB)
        while received < length:
            count = self._socket.recv_into(buffer, min(MIB, length - received))
            if not count:
                raise ConnectionError("the server left")
            received += count
        return received

    def _head(self) -> tuple[bytes, bytes, int]:
        found = b""
        while END not in found:
            found += self._more()
        head, end, body = found.partition(END)
        if not head.startswith(GOOD):
            raise RuntimeError(head)
        return head + end, body, int(LENGTH.findall(head)[0])

    def _more(self) -> bytes:
        found = self._socket.recv(64 * 1024)
        if not found:
            raise ConnectionError("the server left")
        return found

    def close(self) -> None:
        """Leave."""
        self._socket.close()
