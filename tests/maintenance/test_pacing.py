"""Under an AsyncSession the event loop stays free, and a cancelled run leaves nothing behind."""

import asyncio
import threading

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from holdfast.maintenance import sweep_async, verify_async
from holdfast.maintenance.pacing import each
from tests.maintenance.stacks import Base, key, keys, lay, value

ASYNC = [
    pytest.param("aiosqlite", id="aiosqlite"),
    pytest.param("asyncpg", id="asyncpg", marks=pytest.mark.postgres),
    pytest.param("asyncmy", id="asyncmy", marks=pytest.mark.mariadb),
]


@pytest.mark.parametrize("driver", ASYNC)
async def test_other_tasks_have_their_turn(world, stacks, cellar) -> None:
    """Thousands of rows are read, sorted and compared, and no step holds the loop up for long."""
    with world.engine.begin() as connection:
        values = [{"number": number, "value": value(key(), size=1)} for number in range(1, 8001)]
        connection.execute(text("INSERT INTO item (id, file) VALUES (:number, :value)"), values)
    turns = 0

    async def tick() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.001)
            turns += 1

    ticking = asyncio.create_task(tick())
    report = await world.verify()
    ticking.cancel()
    assert report.counts["missing"] == 8000
    assert turns > 20


@pytest.mark.parametrize("driver", ASYNC)
async def test_a_cancelled_run_ends(world, stacks, cellar) -> None:
    """The session can be used again, and the next run finds everything as it was."""
    for _ in range(5):
        lay(stacks, key())
    async with AsyncSession(world.database.engine) as session:
        task = asyncio.current_task()
        with pytest.raises(asyncio.CancelledError):
            await verify_async(session, Base, progress=lambda event: event.phase == "rows" or task.cancel())
        task.uncancel()
        assert await session.scalar(text("SELECT 1")) == 1
    assert len(keys(stacks)) == 5
    assert (await world.verify()).counts["unreferenced"] == 5


@pytest.mark.parametrize("driver", ASYNC)
async def test_both_commands_take_an_async_session(world, stacks, cellar) -> None:
    """With the arguments of their twins."""
    async with AsyncSession(world.database.engine) as session:
        assert (await verify_async(session, Base, deep=True, concurrency=1)).ok
        assert (await sweep_async(session, Base, concurrency=1)).ok


@pytest.mark.parametrize("concurrency", [1, 3])
def test_requests_go_side_by_side_up_to_a_limit(concurrency: int) -> None:
    """Each item's outcome is in its place, an error instead of raising it."""
    running, most, lock = 0, 0, threading.Lock()
    together = threading.Barrier(concurrency)

    def call(item: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait(10)
        with lock:
            running -= 1
        if item == 4:
            raise ValueError(item)
        return item * 2

    outcomes = each(range(9), call, None, concurrency)
    assert most == concurrency
    assert outcomes[:4] == [0, 2, 4, 6]
    assert isinstance(outcomes[4], ValueError)
    assert each([], call, None, concurrency) == []


async def test_tasks_go_side_by_side_up_to_a_limit() -> None:
    """The same in the event loop."""
    from sqlalchemy.util import greenlet_spawn

    running, most = 0, 0

    async def call(item: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        if item == 4:
            raise ValueError(item)
        return item * 2

    outcomes = await greenlet_spawn(each, range(9), None, call, 3)
    assert most == 3
    assert outcomes[5:] == [10, 12, 14, 16]
    assert isinstance(outcomes[4], ValueError)


@pytest.mark.parametrize("driver", ASYNC)
async def test_an_interrupted_reading_gives_its_connection_back(world, stacks, cellar) -> None:
    """At once and in the event loop, not when the garbage collector finds it."""
    with world.engine.begin() as connection:
        values = [{"number": number, "value": value(key(), size=1)} for number in range(1, 3001)]
        connection.execute(text("INSERT INTO item (id, file) VALUES (:number, :value)"), values)

    class StopError(Exception):
        pass

    def stop(event) -> None:
        if event.phase == "rows":
            raise StopError

    failure = None
    try:
        await world.verify(progress=stop)
    except StopError as error:
        failure = error  # it holds on to all frames
    assert failure is not None
    assert world.database.engine.pool.checkedout() == 0
