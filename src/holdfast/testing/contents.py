"""Every kind of content that a storage takes, made from bytes."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

MIB = 1024 * 1024
BIG = bytes(range(256)) * 4096 * 9 + b"odd end"
"""A body that takes more than one part of a multipart upload: 9 MiB and 7 bytes."""


class Unseekable(io.RawIOBase):
    """A file like a pipe or a socket."""

    def __init__(self, data: bytes) -> None:
        self._inner = io.BytesIO(data)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill a buffer."""
        return self._inner.readinto(buffer)


class StarletteUpload:
    """The shape of Starlette's and Litestar's ``UploadFile``: a file inside, and an awaitable ``read``."""

    def __init__(self, data: bytes) -> None:
        self.file = io.BytesIO(data)
        self.filename, self.content_type = "upload.bin", "application/x-upload"

    async def read(self, size: int = -1) -> bytes:
        """Read from the file."""
        return self.file.read(size)


class WerkzeugUpload:
    """The shape of Werkzeug's ``FileStorage``."""

    def __init__(self, data: bytes) -> None:
        self.stream = io.BytesIO(data)
        self.filename, self.content_type = "upload.bin", "application/x-upload"

    def read(self, size: int = -1) -> bytes:
        """Read from the stream."""
        return self.stream.read(size)


class AsyncFile:
    """A file whose ``read`` is awaited, like those of anyio and aiofiles."""

    def __init__(self, data: bytes) -> None:
        self._inner = io.BytesIO(data)

    async def read(self, size: int = -1) -> bytes:
        """Read."""
        return self._inner.read(size)


class Failed(Exception):  # noqa: N818  # it stands for any exception of a user's
    """What a failing content raises."""


def pieces(data: bytes, size: int = 100_000) -> Iterator[bytes]:
    """Yield `data` in pieces that no part of an upload is a multiple of."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def async_pieces(data: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    """Like `pieces`."""
    for piece in pieces(data, size):
        yield piece


def failing(data: bytes) -> Iterator[bytes]:
    """Yield `data`, then raise `Failed`."""
    yield from pieces(data)
    raise Failed


async def async_failing(data: bytes) -> AsyncIterator[bytes]:
    """Like `failing`."""
    for piece in failing(data):
        yield piece


def checksum(data: bytes) -> str:
    """Return the checksum that a storage gives."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _path(data: bytes, folder: Path) -> Path:
    path = folder / "content.bin"
    path.write_bytes(data)
    return path


KINDS: dict[str, Callable[[bytes, Path], Any]] = {
    "bytes": lambda data, _: data,
    "bytearray": lambda data, _: bytearray(data),
    "memoryview": lambda data, _: memoryview(data),
    "path": _path,
    "file in memory": lambda data, _: io.BytesIO(data),
    "unseekable file": lambda data, _: Unseekable(data),
    "generator": lambda data, _: pieces(data),
    "list": lambda data, _: list(pieces(data)),
    "starlette upload": lambda data, _: StarletteUpload(data),
    "werkzeug upload": lambda data, _: WerkzeugUpload(data),
}
"""Contents for both halves: name → ``(data, folder) -> content``."""

ASYNC_KINDS: dict[str, Callable[[bytes, Path], Any]] = {
    "async generator": lambda data, _: async_pieces(data),
    "async file": lambda data, _: AsyncFile(data),
}
"""Contents for the async half only."""
