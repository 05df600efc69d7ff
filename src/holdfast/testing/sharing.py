"""The contract's part on one storage used from many places."""
# ruff: noqa: S101  # a test suite, shipped

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from holdfast.testing.base import ContractPart

if TYPE_CHECKING:
    from holdfast.backends.base import StorageBackend
    from holdfast.testing.half import Half


class Sharing(ContractPart):
    """A storage belongs to no thread and to no event loop."""

    def test_both_halves_in_any_order(self, storage: StorageBackend, half: Half) -> None:
        """Sync and async calls alternate, over several event loops, the old ones closed."""
        key = half.key("x")

        async def turn(number: int) -> None:
            assert await storage.read_async(key) == b"%d" % number
            await storage.put_async(key, b"%d" % (number + 1))
            assert [info.key async for info in storage.list_async(half.folder)] == [key]

        storage.put(key, b"0")
        for number in range(0, 6, 2):
            asyncio.run(turn(number))
            assert storage.read(key) == b"%d" % (number + 1)
            storage.put(key, b"%d" % (number + 2))

    def test_inside_an_event_loop_the_sync_half_works(self, storage: StorageBackend, half: Half) -> None:
        """A sync call made in a coroutine blocks, but works."""

        async def run() -> bytes:
            storage.put(half.key("x"), b"bytes")
            return storage.read(half.key("x"))

        assert asyncio.run(run()) == b"bytes"

    def test_threads_and_loops_at_once(self, storage: StorageBackend, half: Half) -> None:
        """Threads, some with an event loop of their own, use one storage at the same time."""

        async def turn(name: str) -> bytes:
            await storage.put_async(half.key(name), name.encode())
            return await storage.read_async(half.key(name))

        def work(number: int) -> bool:
            name = f"{number:02}"
            if number % 2:
                return asyncio.run(turn(name)) == name.encode()
            storage.put(half.key(name), name.encode())
            return storage.read(half.key(name)) == name.encode()

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(work, range(24)))
        assert half.names() == [f"{number:02}" for number in range(24)]

    def test_many_tasks_at_once(self, storage: StorageBackend, half: Half) -> None:
        """A hundred uploads gathered in one event loop all arrive."""

        async def run() -> list[bytes]:
            names = [half.key(f"{number:03}") for number in range(100)]
            await asyncio.gather(*(storage.put_async(name, name.encode() * 100) for name in names))
            return list(await asyncio.gather(*(storage.read_async(name) for name in names)))

        assert asyncio.run(run()) == [half.key(f"{number:03}").encode() * 100 for number in range(100)]

    def test_one_object_read_by_many(self, storage: StorageBackend, half: Half) -> None:
        """Readers of one object do not disturb each other."""
        data = bytes(range(256)) * 4000
        half.put("x", data)

        def work(chunk_size: int) -> bool:
            return b"".join(storage.stream(half.key("x"), chunk_size=chunk_size)) == data

        with ThreadPoolExecutor(6) as pool:
            assert all(pool.map(work, [10_000, 20_000, 50_000, 100_000, 300_000, 2_000_000]))
