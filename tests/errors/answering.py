"""An HTTP server with one answer for everything, or none at all."""

from asyncio import Event, StreamReader, StreamWriter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.servers.ports import HOST
from tests.servers.proxy.listener import listening
from tests.servers.proxy.messages import copy_request_body, read_head


async def _drop(_: bytes) -> None:
    """Take a block of a body that nobody wants."""


@contextmanager
def answering(status: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Iterator[str]:
    """Answer every request alike; gives the address, such as ``http://127.0.0.1:4711``."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in {"Content-Type": "application/xml", **(headers or {})}.items()]
    head = "\r\n".join([*lines, "", ""]).encode()

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        while request := await read_head(reader):
            if "expect" in request.headers:
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await copy_request_body(request, reader, _drop)
            writer.write(head if request.first[0] == "HEAD" else head + body)
            await writer.drain()

    with listening(serve) as (port, _):
        yield f"http://{HOST}:{port}"


@contextmanager
def silent() -> Iterator[str]:
    """Accept connections, and never say a word."""

    async def serve(reader: StreamReader, _: StreamWriter) -> None:
        await reader.read(1)
        await Event().wait()

    with listening(serve) as (port, _):
        yield f"http://{HOST}:{port}"
