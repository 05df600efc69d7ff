"""An AsyncSession whose task is cancelled at any of its awaits."""

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from sqlalchemy import delete, insert, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from tests.faults.duel import Duel
from tests.faults.world import Document, content, open_world, with_savepoints
from tests.servers import mariadb, postgres

Transaction: TypeAlias = Callable[[AsyncEngine], Coroutine[Any, Any, None]]
Database: TypeAlias = mariadb.Database | postgres.Database


class CancelAt:
    """Cancels a task when its coroutine is suspended for the n-th time."""

    def __init__(self, coroutine, step: int) -> None:
        self.coroutine, self.step, self.suspended = coroutine, step, 0

    def __await__(self):
        inner = self.coroutine.__await__()
        value: object = None
        error: BaseException | None = None
        while True:
            try:
                waiting = inner.send(value) if error is None else inner.throw(error)
            except StopIteration as stop:
                return stop.value
            self.suspended += 1
            if self.suspended == self.step:
                asyncio.current_task().cancel()
            error = None
            try:
                value = yield waiting
            except BaseException as raised:  # noqa: BLE001  # handed on to the coroutine
                error = raised


async def flushes(engine) -> None:
    """Replace a file, edit a list, add a row, inside and outside of a savepoint."""
    async with AsyncSession(engine) as session:
        document = await session.get_one(Document, 1)
        document.file = content("new", b"n" * 200_000)
        document.pages.append(content("page"))
        async with session.begin_nested():
            session.add(Document(id=2, file=content("second")))
        session.add(Document(id=3, file=document.file))
        await session.commit()


async def bulk_statements(engine) -> None:
    """Replace, add and delete by statements, inside and outside of a savepoint."""
    async with AsyncSession(engine) as session:
        new = {"file": content("new", b"n" * 200_000), "pages": [content("q")]}
        await session.execute(update(Document).where(Document.id == 1).values(**new))
        async with session.begin_nested():
            await session.execute(insert(Document), [{"id": 2, "file": content("second")}, {"id": 3, "file": None}])
        await session.execute(update(Document).where(Document.id > 1).values(file=content("each")))
        await session.execute(delete(Document).where(Document.id == 3))
        await session.commit()


@pytest.mark.parametrize("transaction", [flushes, bulk_statements])
@pytest.mark.parametrize("part", range(4))
def test_a_cancellation_at_any_await_loses_no_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, part: int, transaction: Transaction
) -> None:
    """Row and bytes agree wherever it strikes, and only an end that nobody saw leaves anything over."""
    finished = False
    step = part + 1
    while not finished:
        # A database of its own: a connection that was cancelled may keep its lock for a while.
        path = tmp_path / str(step)
        url = f"sqlite+aiosqlite:///{path}.sqlite"
        with open_world(path, f"sqlite:///{path}.sqlite", url) as world:
            caplog.clear()
            finished = asyncio.run(attempt(transaction, url, step))
            referenced = world.referenced()
            assert referenced <= world.keys()
            # While its connection goes back to the pool, a transaction ends without an event.
            if not any(text in caplog.text for text in ("not acknowledged", "Exception during reset")):
                assert world.keys() == referenced, f"left over after a cancellation at await {step}"
        step += 4
    assert step > 12


async def attempt(transaction: Transaction, url: str, step: int) -> bool:
    """Run a transaction from a clean start; return whether it ended before it could be cancelled."""
    engine = create_async_engine(url)
    with_savepoints(engine.sync_engine)
    try:
        async with AsyncSession(engine) as session:
            session.add(Document(id=1, file=content("old"), pages=[content("p")]))
            await session.commit()
        return await is_over_before(transaction(engine), step)
    finally:
        await engine.dispose()


async def is_over_before(coroutine: Coroutine[Any, Any, None], step: int) -> bool:
    """Run a coroutine, cancel it at an await; return whether it ended before it came there."""
    cancelling = CancelAt(coroutine, step)
    try:
        await asyncio.ensure_future(_run(cancelling))
    except asyncio.CancelledError:
        return False
    return cancelling.suspended < step


async def _run(cancelling: CancelAt) -> None:
    await cancelling


@pytest.fixture(
    params=[pytest.param("postgres", marks=pytest.mark.postgres), pytest.param("mariadb", marks=pytest.mark.mariadb)]
)
def database(request: pytest.FixtureRequest) -> Database:
    """An empty database on a server."""
    return request.getfixturevalue(request.param)


@contextmanager
def boxed_duel(database: Database, folder: Path) -> Iterator[Duel]:
    """Make tables with an outbox, and commit a row with files."""
    url = database.url("asyncpg" if isinstance(database, postgres.Database) else "asyncmy")
    with Duel(url, folder, is_async=True, versioned=False, outbox=True).opened() as duel:

        def add(session: Session) -> None:
            session.add(duel.document(id=1, file=content("old"), pages=[content("p")]))
            session.commit()

        assert duel.fight(add) == [None]
        yield duel


@pytest.mark.parametrize("part", range(4))
def test_what_a_cancelled_transaction_dropped_is_drained(database: Database, tmp_path: Path, part: int) -> None:
    """Wherever it strikes: a row loses nothing, and what a committed row let go of is gone after the next drain."""
    step, finished = part + 1, False
    while not finished:
        with boxed_duel(database, tmp_path / str(step)) as duel:
            old = {info.key for info in duel.driver.list("", None)}

            async def replace(engine: AsyncEngine, duel: Duel = duel) -> None:
                async with AsyncSession(engine) as session:
                    document = await session.get_one(duel.document, 1)
                    document.file, document.pages = content("new"), []
                    await session.commit()

            finished = asyncio.run(cancelled(duel, replace, step))
            database.end_others()
            duel.drain()
            held, stored = duel.held(), {info.key for info in duel.driver.list("", None)}
            assert held <= stored
            assert old & stored == old & held
        step += 4
    gc.collect()  # a connection that nobody gave back warns
    assert step > 12


@pytest.mark.parametrize("part", range(2))
def test_a_cancelled_drain_is_carried_on_by_the_next(database: Database, tmp_path: Path, part: int) -> None:
    """It deletes nothing that a row holds, and what it did not come to is still written down."""
    step, finished = part + 1, False
    while not finished:
        with boxed_duel(database, tmp_path / str(step)) as duel:
            duel.drop(3)

            async def drain(engine: AsyncEngine, duel: Duel = duel) -> None:
                async with AsyncSession(engine) as session:
                    await duel.outbox.drain_async(session)

            finished = asyncio.run(cancelled(duel, drain, step))
            left = {info.key for info in duel.driver.list("dropped", None)}
            assert left <= {entry.path for entry in duel.entries()}
            assert not (finished and left)
            database.end_others()
            duel.drain()
            assert duel.entries() == []
            assert duel.rows() == {1: (b"old", [b"p"])}
        step += 2
    gc.collect()  # a connection that nobody gave back warns
    assert step > 4


async def cancelled(duel: Duel, work: Transaction, step: int) -> bool:
    """Do some work with an engine, cancelled at an await; return whether it ended before it came there."""
    engine = duel.async_engine()
    try:
        return await is_over_before(work(engine), step)
    finally:
        await engine.dispose()
