"""Streams from local disk: from memory in the event loop, from the disk in a thread."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

import pytest

from holdfast.drivers import resident
from holdfast.drivers.local import LocalDriver
from holdfast.drivers.protocol import MIB

BYTES = bytes(range(256)) * 40  # 10 KiB


@pytest.fixture
def chunks(storage, root):
    """Make an iterator over the stored bytes."""
    storage.put("x", BYTES)
    driver = LocalDriver(root)

    def begin(start=0, end=None, chunk_size=1000):
        return driver.read("x", start, end, chunk_size)

    return begin


@pytest.fixture
def nothing_resident(monkeypatch):
    """As on a system that cannot tell what is in memory."""
    monkeypatch.setattr(resident, "_NOWAIT", 0)


def open_files():
    """Return what the process has open; connections of other tests may end at any time."""
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found.add(link.readlink())
    return found


def test_bytes_in_memory_are_read_at_once(chunks):
    """After the first chunk, an event loop gets the same chunks as a thread, up to the end of the range."""
    found = chunks(3, 2503)
    assert found.at_once() is None  # the file has yet to be opened
    taken = [next(found), found.at_once(), found.at_once()]
    assert taken == [BYTES[3:1003], BYTES[1003:2003], BYTES[2003:2503]]
    assert found.at_once() is None
    assert list(found) == []


def test_what_is_not_in_memory_is_left_to_a_thread(chunks, monkeypatch):
    """A disk that would have to be waited for, or a part that is missing, moves nothing."""
    found = chunks()
    next(found)
    read = os.preadv

    def fails(*_):
        raise BlockingIOError

    monkeypatch.setattr(os, "preadv", fails)
    assert found.at_once() is None
    monkeypatch.setattr(os, "preadv", lambda file, views, *rest: read(file, [memoryview(views[0])[:1]], *rest))
    assert found.at_once() is None
    monkeypatch.undo()
    assert found.at_once() == BYTES[1000:2000]
    assert b"".join(found) == BYTES[2000:]


def test_large_chunks_are_left_to_a_thread(storage, root):
    """An event loop copies a MiB at once, and no more."""
    storage.put("x", bytes(3 * MIB))
    found = LocalDriver(root).read("x", 0, None, MIB + 1)
    next(found)
    assert found.at_once() is None
    assert len(next(found)) == MIB + 1


@pytest.mark.parametrize(("start", "end"), [(0, None), (10, 20_000), (20_000, None), (5, 5)])
def test_ranges_end_with_the_file(chunks, start, end):
    """A range past the end gives what there is, whole or in chunks."""
    assert b"".join(chunks(start, end)) == BYTES[start:end]
    assert b"".join(chunks(start, end, None)) == BYTES[start:end]


def test_a_file_that_shrinks_ends_the_stream(chunks, root):
    """Bytes that are gone are no reason to wait for them."""
    found = chunks()
    next(found)
    os.truncate(root / "x", 1500)
    assert found.at_once() is None
    assert list(found) == [BYTES[1000:1500]]


def test_a_closed_stream_has_no_more_chunks(chunks, root):
    """Closing twice is no harm, and a stream that nobody closes is closed in the end."""
    found = chunks()
    next(found)
    found.close()
    found.close()
    assert found.at_once() is None
    assert list(found) == []
    next(chunks())
    assert root / "x" not in open_files()


async def test_async_chunks_are_those_of_sync(storage):
    """Both halves cut a file in the same places."""
    storage.put("x", BYTES)
    expected = list(storage.stream("x", start=7, chunk_size=999))
    assert [chunk async for chunk in storage.stream_async("x", start=7, chunk_size=999)] == expected


@pytest.mark.usefixtures("nothing_resident")
async def test_async_chunks_come_without_the_kernels_help(storage):
    """A thread reads each chunk where the kernel cannot say what it has in memory."""
    storage.put("x", BYTES)
    assert [chunk async for chunk in storage.stream_async("x", chunk_size=4096)] == list(
        storage.stream("x", chunk_size=4096)
    )


async def test_others_have_their_turn(storage):
    """A stream that never waits still lets the event loop go on after each chunk."""
    storage.put("x", BYTES)
    turns = 0

    async def count():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    found = storage.stream_async("x", chunk_size=1024)
    await anext(found)
    seen = []
    async for _ in found:
        seen.append(turns)  # noqa: PERF401
    counting.cancel()
    assert len(set(seen)) == 9
