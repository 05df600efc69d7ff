"""A look at the beginning of a content, which is read from there all the same."""

import gzip
import io
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.contents import to_source
from holdfast.errors import SourceTypeError, SpentSourceError
from holdfast.sources import READ_SIZE

DATA = bytes(range(256)) * 40


class Pipe(io.RawIOBase):
    """A file that cannot seek, and hands out little at once."""

    def __init__(self) -> None:
        self.rest = io.BytesIO(DATA)
        self.given = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        chunk = self.rest.read(min(size, 100))
        self.given += len(chunk)
        return chunk


class Reader:
    """A file whose read is awaited."""

    def __init__(self) -> None:
        self.rest = io.BytesIO(DATA)

    async def read(self, size: int = -1) -> bytes:
        return self.rest.read(min(size, 1000))


def chunks(size: int) -> Iterator[bytes]:
    """Yield the data, and nothing now and then."""
    for start in range(0, len(DATA), size):
        yield b""
        yield DATA[start : start + size]


async def chunks_async(size: int) -> AsyncIterator[bytes]:
    """Yield the data."""
    for chunk in chunks(size):
        yield chunk


@pytest.fixture(params=["bytes", "path", "file", "raw file", "bytesio", "compressed", "list"])
def replayable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """Content that can be read again."""
    path = tmp_path / "data"
    path.write_bytes(DATA)
    (tmp_path / "data.gz").write_bytes(gzip.compress(DATA))
    made = {
        "bytes": lambda: DATA,
        "path": lambda: path,
        "file": lambda: path.open("rb"),
        "raw file": lambda: path.open("rb", buffering=0),
        "bytesio": lambda: io.BytesIO(DATA),
        "compressed": lambda: gzip.open(tmp_path / "data.gz"),  # noqa: SIM115  # closed below
        "list": lambda: list(chunks(100)),
    }[request.param]()
    yield made
    if hasattr(made, "close"):
        made.close()


@pytest.mark.parametrize("size", [0, 1, 150, len(DATA), len(DATA) + 1])
def test_what_can_be_read_again(replayable: Any, size: int) -> None:
    """A look changes nothing."""
    source = to_source(replayable)
    for _ in range(2):
        assert source.peek(size) == DATA[:size]
        assert b"".join(source.chunks()) == DATA
        assert not source.spent


@pytest.mark.parametrize("size", [0, 1, 150, len(DATA), len(DATA) + 1])
@pytest.mark.parametrize("content", [lambda: chunks(100), lambda: chunks(10**6), Pipe, lambda: map(bytes, chunks(1))])
def test_what_can_be_read_once(content: Any, size: int) -> None:
    """What was looked at is put back, and the one reading is still to come."""
    source = to_source(content())
    assert source.peek(1) == DATA[:1]
    assert source.peek(size) == DATA[:size]
    assert not source.spent
    assert b"".join(source.chunks()) == DATA
    assert source.spent
    with pytest.raises(SpentSourceError):
        source.peek(1)


@pytest.mark.parametrize("size", [0, 1, 150, len(DATA), len(DATA) + 1])
@pytest.mark.parametrize("content", [lambda: chunks_async(100), lambda: chunks_async(10**6), Reader])
async def test_what_is_awaited(content: Any, size: int) -> None:
    """The same."""
    source = to_source(content())
    assert await source.peek_async(1) == DATA[:1]
    assert await source.peek_async(size) == DATA[:size]
    assert not source.spent
    assert b"".join([chunk async for chunk in source.chunks_async()]) == DATA
    assert source.spent
    with pytest.raises(SpentSourceError):
        await source.peek_async(1)


def test_no_more_is_read_than_needed(tmp_path: Path) -> None:
    """Of a stream what comes in the next chunks, of a file just the bytes."""
    pipe = Pipe()
    to_source(pipe).peek(150)
    assert pipe.given == 200
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(10 * READ_SIZE)
    with path.open("rb", buffering=0) as file:
        to_source(file).peek(100)
        assert file.tell() == 100


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_path_is_closed_again(tmp_path: Path) -> None:
    """A file that nobody goes on to read is not held open."""
    path = tmp_path / "data"
    path.write_bytes(DATA)
    before = len(list(Path("/proc/self/fd").iterdir()))
    source = to_source(path)
    source.peek(1)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_stream_with_none_in_it() -> None:
    """None is no end."""
    with pytest.raises(SourceTypeError, match="NoneType"):
        to_source(iter([b"x", None, b"y"])).peek(10)


async def test_a_stream_with_none_in_it_that_is_awaited() -> None:
    """The same."""

    async def odd() -> AsyncIterator[bytes | None]:
        for chunk in (b"x", None, b"y"):
            yield chunk

    with pytest.raises(SourceTypeError, match="NoneType"):
        await to_source(odd()).peek_async(10)


def test_a_failing_stream_is_spent() -> None:
    """What was taken before the failure is lost."""

    def failing() -> Iterator[bytes]:
        yield b"x"
        raise OSError("the client has left")

    source = to_source(failing())
    with pytest.raises(OSError, match="has left"):
        source.peek(10)
    with pytest.raises(SpentSourceError):
        source.chunks()


async def test_a_failing_stream_that_is_awaited_is_spent() -> None:
    """The same."""

    async def failing() -> AsyncIterator[bytes]:
        yield b"x"
        raise OSError("the client has left")

    source = to_source(failing())
    with pytest.raises(OSError, match="has left"):
        await source.peek_async(10)
    with pytest.raises(SpentSourceError):
        await anext(source.chunks_async())


def test_what_has_to_be_awaited_cannot_be_peeked_at() -> None:
    """As it cannot be read."""
    with pytest.raises(SourceTypeError, match="asynchronously"):
        to_source(chunks_async(1)).peek(1)


def test_a_closed_file(tmp_path: Path) -> None:
    """The error is that of a reading."""
    path = tmp_path / "data"
    path.write_bytes(DATA)
    with path.open("rb") as file:
        source = to_source(file)
    with pytest.raises(SpentSourceError, match="closed"):
        source.peek(1)
