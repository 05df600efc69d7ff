"""Cutting streams into blocks: the same bytes, in blocks of one size."""

import hashlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.contents import to_source
from holdfast.drivers.body import Body, UploadCancelledError, resize, resize_async
from holdfast.errors import SpentSourceError

CHUNKS = st.lists(st.binary(max_size=20), max_size=12)


def views(chunks: list[bytes]) -> Iterator[memoryview]:
    """Yield chunks as sources do."""
    return map(memoryview, chunks)


async def views_async(chunks: list[bytes]):
    """Yield the same, awaited."""
    for chunk in chunks:
        yield memoryview(chunk)


@given(CHUNKS, st.integers(1, 25))
def test_resize(chunks: list[bytes], size: int) -> None:
    """Joined they are what came in; all but the last are of the size, and none is empty."""
    blocks = [bytes(block) for block in resize(views(chunks), size)]
    assert b"".join(blocks) == b"".join(chunks)
    assert all(len(block) == size for block in blocks[:-1])
    assert all(0 < len(block) <= size for block in blocks[-1:])


@given(CHUNKS, st.integers(1, 25))
async def test_resize_async(chunks: list[bytes], size: int) -> None:
    """The async twin cuts in the same places."""
    blocks = [bytes(block) async for block in resize_async(views_async(chunks), size)]
    assert blocks == [bytes(block) for block in resize(views(chunks), size)]


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=12), st.integers(1, 25))
def test_resize_is_lazy(chunks: list[bytes], size: int) -> None:
    """No more is read than the block that was asked for needs."""
    read = []

    def reading() -> Iterator[memoryview]:
        for chunk in chunks:
            read.append(chunk)
            yield memoryview(chunk)

    blocks = resize(reading(), size)
    seen = 0
    for block in blocks:
        seen += len(block)
        assert sum(map(len, read[:-1])) < seen


def body(content: object, algorithm: str | None = "sha256") -> Body:
    """Return a body over any content."""
    return Body(to_source(content), algorithm, hashlib.sha256 if algorithm else None)


@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 64 * 1024 + 1, 3_000_000])
@pytest.mark.parametrize("kind", ["bytes", "list"])
def test_the_checksum_is_of_the_blocks(size: int, kind: str) -> None:
    """Small blocks and large ones, hashed at once or beside the transfer."""
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]
    reading = body(data if kind == "bytes" else [data])
    assert b"".join(reading.blocks(1_000_000)) == data
    assert (reading.size, reading.checksum) == (size, "sha256:" + hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
async def test_the_checksum_of_async_content(size: int) -> None:
    """Async content is counted and hashed in the same way, and so is sync content in async code."""

    async def content():
        yield bytes(size)

    for each in (content(), bytes(size), [bytes(size)]):
        reading = body(each)
        assert b"".join([bytes(block) async for block in reading.blocks_async(1_000_000)]) == bytes(size)
        assert reading.checksum == "sha256:" + hashlib.sha256(bytes(size)).hexdigest()


def test_no_checksum() -> None:
    """None means that nothing is hashed."""
    reading = body(b"abc", None)
    assert b"".join(reading.blocks(2)) == b"abc"
    assert reading.checksum is None


def test_a_source_that_fails() -> None:
    """Its error is kept apart from those of the storage."""

    def content() -> Iterator[bytes]:
        yield b"a"
        raise ZeroDivisionError

    reading = body(content())
    with pytest.raises(ZeroDivisionError):
        list(reading.blocks(1))
    assert isinstance(reading.error, ZeroDivisionError)


def test_a_second_reading() -> None:
    """A body over a spent source raises instead of being empty."""
    content = to_source(iter([b"a"]))
    list(body(content).blocks(1))
    with pytest.raises(SpentSourceError):
        list(body(content).blocks(1))


def test_a_cancelled_body() -> None:
    """It stops the thread that reads it at the next block."""
    reading = body([b"a", b"b"])
    blocks = reading.blocks(1)
    next(blocks)
    reading.cancel()
    with pytest.raises(UploadCancelledError):
        next(blocks)
