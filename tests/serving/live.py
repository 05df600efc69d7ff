"""Real servers in front of applications, and a client that shows what comes over the wire."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, NamedTuple

import uvicorn
from cheroot.wsgi import Server

HOST = "127.0.0.1"


class Answer(NamedTuple):
    """What a server sent before it closed the connection, or before the announced end."""

    status: int
    headers: dict[str, str]
    body: bytes
    raw: bytes

    @property
    def is_complete(self) -> bool:
        """Whether there are as many bytes as were announced."""
        return len(self.body) == int(self.headers["content-length"])


@contextlib.asynccontextmanager
async def uvicorn_serving(app: Any) -> AsyncIterator[int]:
    """Serve an ASGI application from this event loop; give its port."""
    config = uvicorn.Config(app, lifespan="off", ws="none", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    with socket.create_server((HOST, 0)) as listening:
        serving = asyncio.create_task(server.serve([listening]))
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            await serving


@contextlib.contextmanager
def cheroot_serving(app: Any) -> Iterator[int]:
    """Serve a WSGI application from threads; give its port."""
    server = Server((HOST, 0), app, numthreads=2)
    server.error_log = lambda *_, **__: None
    server.prepare()
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server.bind_addr[1]
    finally:
        server.stop()
        thread.join()


def request(method: str = "GET", headers: Mapping[str, str] | None = None, path: str = "/") -> bytes:
    """Return a request whose connection ends with it."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode()


def parsed(raw: bytes) -> Answer:
    """Take an answer apart."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1)[:1] + line.split(": ", 1)[1:] for line in lines)
    return Answer(int(first.split()[1]), headers, body, raw)


async def fetch(port: int, method: str = "GET", headers: Mapping[str, str] | None = None, path: str = "/") -> Answer:
    """Return an answer, however it ends."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(request(method, headers, path))
    raw = bytearray()
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(1 << 20):
            raw += chunk
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return parsed(bytes(raw))
