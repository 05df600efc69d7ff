"""HTTP/1.1 messages, understood as far as their length and passed on byte for byte."""

from asyncio import IncompleteReadError, StreamReader
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from .listener import BLOCK

Send = Callable[[bytes], Awaitable[None]]


@dataclass(frozen=True)
class Head:
    """The first line and the headers of a message, as they came and taken apart."""

    raw: bytes
    first: list[str]
    headers: dict[str, str]

    @property
    def status(self) -> int:
        """The status code of an answer."""
        return int(self.first[1])


async def read_head(reader: StreamReader) -> Head | None:
    """Read up to the empty line; None if the other side has nothing more to say."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except IncompleteReadError:
        return None
    first, *lines = raw.decode("latin-1").strip().split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    return Head(raw, first.split(" ", 2), headers)


async def copy_request_body(head: Head, reader: StreamReader, send: Send) -> None:
    """Pass on the body that a request announces (RFC 9112 §6.3)."""
    if "chunked" in head.headers.get("transfer-encoding", ""):
        await _copy_chunks(reader, send)
    else:
        await _copy(int(head.headers.get("content-length", 0)), reader, send)


async def copy_answer_body(head: Head, method: str, reader: StreamReader, send: Send) -> bool:
    """Pass on an answer's body; False if only the end of the connection ends it."""
    if method == "HEAD" or head.status in (204, 304):
        return True
    if "chunked" in head.headers.get("transfer-encoding", ""):
        await _copy_chunks(reader, send)
    elif "content-length" in head.headers:
        await _copy(int(head.headers["content-length"]), reader, send)
    else:
        while block := await reader.read(BLOCK):
            await send(block)
        return False
    return True


async def _copy(size: int, reader: StreamReader, send: Send) -> None:
    while size:
        block = await reader.read(min(size, BLOCK))
        if not block:
            raise EOFError
        size -= len(block)
        await send(block)


async def _copy_chunks(reader: StreamReader, send: Send) -> None:
    while True:
        line = await reader.readuntil(b"\r\n")
        await send(line)
        size = int(line.split(b";")[0], 16)
        if not size:
            break
        await _copy(size + 2, reader, send)
    while line != b"\r\n":  # trailers, then the empty line
        line = await reader.readuntil(b"\r\n")
        await send(line)
