"""A limit over threads and event loops."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from holdfast.backends.base import StorageBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.wrappers import LimitedBackend
from holdfast.drivers.wrappers.limits.slots import Slots
from tests.drivers.wrappers.drivers import Busy


def test_never_more_than_the_limit(tmp_path):
    """Threads and several event loops together have no more requests under way than were allowed."""
    driver = Busy(tmp_path)
    storage = LimitedBackend("nas", StorageBackend("inner", driver), max_concurrency=3)
    storage.put("x", b"x")

    async def many():
        await asyncio.gather(*(storage.stat_async("x") for _ in range(10)))

    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(storage.stat, "x") for _ in range(20)]
        futures += [pool.submit(lambda: asyncio.run(many())) for _ in range(3)]
        for future in futures:
            future.result(timeout=60)
    assert 2 <= driver.most <= 3


def test_a_cancelled_wait_takes_no_slot():
    """Whether it was cancelled before or after its turn came, the slot goes to the next."""
    slots = Slots(1)

    async def run(*, given):
        slots.acquire()
        waiting = asyncio.create_task(slots.acquire_async())
        await asyncio.sleep(0)
        if given:
            slots.release()  # the turn has come, and the task does not know yet
        waiting.cancel()
        await asyncio.wait([waiting])
        if not given:
            slots.release()

    for given in (False, True):
        asyncio.run(run(given=given))
        assert (slots._free, len(slots._waiting)) == (1, 0)


@pytest.mark.parametrize("inner", ["threads", "async"])
def test_content_from_the_same_storage(tmp_path, inner):
    """An object streamed into another one of the same storage needs no second slot: nobody waits forever."""
    storage = StorageBackend("inner", Busy(tmp_path)) if inner == "threads" else ObstoreBackend("inner", "memory://")
    limited = LimitedBackend("nas", storage, max_concurrency=1, timeout=None)
    data = b"0123456789" * 500_000
    limited.put("x", data)

    async def copies():
        work = (limited.put_async(f"a{number}", limited.stream_async("x", chunk_size=70_000)) for number in range(5))
        async with asyncio.timeout(60):
            await asyncio.gather(*work)

    def copy(number):
        limited.put(f"s{number}", limited.stream("x", chunk_size=70_000))

    with ThreadPoolExecutor(6) as pool:
        futures = [pool.submit(copy, number) for number in range(5)] + [pool.submit(lambda: asyncio.run(copies()))]
        for future in futures:
            future.result(timeout=60)
    assert {info.size for info in limited.list()} == {len(data)}
    assert limited._driver.limits.slots._free == 1


def test_the_order_is_kept():
    """Whoever waits longest is next."""
    slots, order = Slots(1), []
    slots.acquire()

    def wait(number):
        slots.acquire()
        order.append(number)
        slots.release()

    threads = []
    for number in range(4):
        threads.append(threading.Thread(target=wait, args=[number]))
        threads[-1].start()
        while len(slots._waiting) <= number:
            threads[-1].join(0.001)
    slots.release()
    for thread in threads:
        thread.join(10)
    assert order == [0, 1, 2, 3]
