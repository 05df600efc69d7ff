"""How many uploads are under way at once, and whom a slow one keeps waiting."""

import asyncio

import pytest

from holdfast.backends.batch import PutRequest
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend

KINDS = pytest.mark.parametrize("kind", [ObstoreBackend, FSSpecBackend])


def storage_of(kind, limit):
    """Return a storage in memory."""
    address = "memory://" if kind is ObstoreBackend else "memory"
    return kind("docs", address, max_concurrency=limit)


@KINDS
async def test_s10_slow_clients_keep_nobody_from_writing(kind):
    """Content that is awaited holds none of the storage's slots, alone or in a flush."""
    storage = storage_of(kind, 1)
    begun, go_on = asyncio.Queue(), asyncio.Event()

    async def slow():
        yield b"a"
        begun.put_nowait(None)
        await go_on.wait()
        yield b"b"

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(storage.put_async("one", slow()))
        group.create_task(storage.put_many_async([PutRequest("two", slow())]))
        await begun.get()
        await begun.get()
        await storage.put_async("quick", b"c")
        go_on.set()
    assert [storage.read(key) for key in ("one", "two", "quick")] == [b"ab", b"ab", b"c"]


@KINDS
async def test_s10_one_flush_has_a_bound_all_the_same(kind):
    """Of many that are awaited in one call, no more are under way than the storage says."""
    storage, under_way, most = storage_of(kind, 2), 0, 0

    async def content():
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        yield b"a"
        for _ in range(20):
            await asyncio.sleep(0)
        yield b"b"
        under_way -= 1

    done = await storage.put_many_async([PutRequest(f"{number}", content()) for number in range(8)])
    assert [info.size for info in done] == [2] * 8
    assert most == 2
