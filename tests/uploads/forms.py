"""Bodies of forms, and one way to receive them in both worlds."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

from holdfast.uploads.forms import Form, form, form_async

BOUNDARY = "x-holdfast-boundary"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def part(name: str, content: bytes, filename: str | None = None, content_type: str | None = None) -> bytes:
    """Return one part, with the delimiter before it."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
    head += "" if filename is None else f'; filename="{filename}"'
    head += "" if content_type is None else f"\r\nContent-Type: {content_type}"
    return head.encode() + b"\r\n\r\n" + content + b"\r\n"


def body(*parts: bytes) -> bytes:
    """Return a whole form."""
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def pieces(data: bytes, size: int = 1000) -> list[bytes]:
    """Return a body as it might arrive."""
    return [data[start : start + size] for start in range(0, len(data), size)]


def random_bytes(size: int) -> bytes:
    """Return bytes in which each line end and dash occurs."""
    return secrets.token_bytes(size - 12) + b"\r\n--x-holdfa" if size > 12 else secrets.token_bytes(size)


async def as_async(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Yield the chunks."""
    for chunk in chunks:
        yield chunk


class Receiver:
    """Receives forms with `form` or with `form_async`."""

    def __init__(self, world: str) -> None:
        self.is_async = world == "async"

    async def __call__(
        self,
        chunks: Iterable[bytes],
        files: dict[str, Any],
        work: Callable[[Form], Awaitable[object]],
        content_type: str | None = CONTENT_TYPE,
        **limits: int,
    ) -> None:
        """Receive a form, and do `work` in its block."""
        if self.is_async:
            async with form_async(as_async(chunks), content_type, files=files, **limits) as received:
                await work(received)
        else:
            with form(chunks, content_type, files=files, **limits) as received:
                await work(received)
