"""An HTTP proxy for an S3 server: it counts the requests and breaks some on cue."""

import asyncio
import contextlib
from asyncio import StreamReader, StreamWriter
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from tests.servers.ports import HOST

from .faults import Fault, How
from .listener import BLOCK, listening
from .messages import Head, copy_answer_body, copy_request_body, read_head

SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Slow down.</Message></Error>"
UNAVAILABLE = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(SLOW_DOWN), SLOW_DOWN)
)
LINGER = 2.0  # seconds in which a client may finish a body that nobody wants


@dataclass
class Request:
    """One request that came by; `status` is None as long as the server is silent."""

    method: str
    path: str
    headers: dict[str, str]
    status: int | None = None

    def __str__(self) -> str:
        """Show the request as a line of a log."""
        return f"{self.method} {self.path} {self.status}"


class CountingProxy:
    """Passes requests on byte for byte, so that their signatures stay valid.

    The client is pointed at `endpoint`; the Host that it signs is then the proxy's, and
    the server verifies the signature against the Host that it receives.
    """

    def __init__(self, upstream: str) -> None:
        """Stand in front of the server at the endpoint `upstream`."""
        self.upstream = urlsplit(upstream)
        self.requests: list[Request] = []
        self._faults: list[Fault] = []
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start to listen."""
        port, self._loop = self._stack.enter_context(listening(self._connection))
        self.endpoint = f"http://{HOST}:{port}"
        return self

    def __exit__(self, *exc: object) -> None:
        """Cut what is still open and stop."""
        self._stack.close()

    def clear(self) -> None:
        """Forget the requests and the faults so far."""
        self.requests.clear()
        self._faults.clear()

    def count(self, method: str | None = None, match: str = "") -> int:
        """Count the requests of a method whose path contains `match`."""
        return sum(method in (None, request.method) and match in request.path for request in self.requests)

    def fail(
        self,
        *,
        how: How,
        method: str | None = None,
        match: str = "",
        times: int = 1,
        skip: int = 0,
    ) -> Fault:
        """Break the next `times` matching requests after the first `skip` of them.

        `503` answers SlowDown, `drop_before` cuts before the server sees the request,
        `drop_after` cuts after the server has answered, `hold_before` and `hold_after`
        wait there for `release()`.
        """
        fault = Fault(how, method, match, times, skip, self._loop)
        self._faults.append(fault)
        return fault

    async def _connection(self, reader: StreamReader, writer: StreamWriter) -> None:
        while head := await read_head(reader):
            request = Request(head.first[0], head.first[1], head.headers)
            self.requests.append(request)
            faults = (f for f in self._faults if f.applies(request.method, request.path))
            fault = next(faults, None)
            how = fault.how if fault else None
            if how == "503":
                request.status = 503
                writer.write(UNAVAILABLE)
                await _linger(reader, writer)
                return
            if how == "drop_before":
                raise ConnectionAbortedError
            if fault and how == "hold_before":
                await fault.released()
            if not await self._exchange(head, request, fault, reader, writer):
                return

    async def _exchange(
        self,
        head: Head,
        request: Request,
        fault: Fault | None,
        reader: StreamReader,
        writer: StreamWriter,
    ) -> bool:
        """Pass one request on and its answer back; False if the connection is over."""
        # One connection per request: a kept one may be closed by the server at the
        # very moment at which the client uses it.
        host, port = self.upstream.hostname, self.upstream.port
        from_server, server = await asyncio.open_connection(host, port)

        async def upload(block: bytes) -> None:
            with contextlib.suppress(OSError):  # the server has answered early
                server.write(block)
                await server.drain()

        async def answer(block: bytes) -> None:
            if fault is None or fault.how != "drop_after":
                writer.write(block)
                await writer.drain()

        async def send() -> None:
            await upload(head.raw)
            await copy_request_body(head, reader, upload)

        sending = asyncio.create_task(send())
        try:
            reply = await self._final(from_server, sending, writer)
            request.status = reply.status
            if fault and fault.how == "hold_after":
                await fault.released()
            await answer(reply.raw)
            keep = await copy_answer_body(reply, request.method, from_server, answer)
            if fault and fault.how == "drop_after":
                raise ConnectionAbortedError
            await asyncio.wait([sending], timeout=0.1)
            if not sending.done():  # an error that did not wait for the body
                sending.cancel()
                await _linger(reader, writer)
                return False
            return keep and reply.headers.get("connection", "").lower() != "close"
        finally:
            server.transport.abort()  # before anything is awaited: a cancellation here must not skip it
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _final(self, reader: StreamReader, sending: "asyncio.Task[None]", writer: StreamWriter) -> Head:
        """Return the head of the answer after passing on interim ones (100 Continue)."""
        while True:
            reading = asyncio.create_task(read_head(reader))
            try:
                await asyncio.wait([reading, sending], return_when="FIRST_COMPLETED")
                if not reading.done():
                    sending.result()  # raises if the client went away in the middle
                reply = await reading
            finally:
                reading.cancel()
            if reply is None:
                raise EOFError
            if reply.status >= 200:
                return reply
            writer.write(reply.raw)
            await writer.drain()


async def _linger(reader: StreamReader, writer: StreamWriter) -> None:
    """Close without the reset that would take the answer away from a busy client."""
    writer.write_eof()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER):
            while await reader.read(BLOCK):
                pass
