"""A session inside an outer transaction that is rolled back: files fare as after a real commit."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine, delete, event, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, Outbox, StoredObject
from holdfast.errors import ConfigurationError
from holdfast.maintenance import sweep, verify
from holdfast.testing import StandIns, rehearsal, rehearsal_async
from tests.orm.conftest import Database


class Base(DeclarativeBase):
    pass


Outbox(Base.metadata)


class Page(Base):
    __tablename__ = "page"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="desk"))


def page(content: bytes) -> Page:
    """Return a new row with a file."""
    return Page(file=FileObject(backend="desk", filename="a.txt", content=content))


@pytest.fixture
def desk() -> Iterator[StandIns]:
    """A storage of this test's own."""
    with StandIns() as stand_ins:
        stand_ins.add("desk")
        yield stand_ins


@pytest.fixture
async def database(each_database: Database) -> Database:
    """A database with the table, and nothing in it."""
    return await each_database.create(Base)


@asynccontextmanager
async def rehearsed(database: Database) -> AsyncIterator[Callable[..., Any]]:
    """Yield what runs work in a session of its own, inside one rehearsal."""
    if database.is_async:
        async with rehearsal_async(database.engine) as connection:

            async def run_async(work: Callable[[Session], Any], **options: Any) -> Any:
                async with AsyncSession(connection, **options) as session:
                    return await session.run_sync(work)

            yield run_async
    else:
        with rehearsal(database.engine) as connection:

            async def run(work: Callable[[Session], Any], **options: Any) -> Any:
                with Session(connection, **options) as session:
                    return work(session)

            yield run


def contents(desk: StandIns) -> list[bytes]:
    """Return what the storage holds."""
    return sorted(desk.objects("desk").values())


def count(session: Session) -> int:
    """Count the rows."""
    return session.scalar(select(func.count()).select_from(Page)) or 0


async def test_commits_count_for_files(database: Database, desk: StandIns) -> None:
    """What a committed session replaced or deleted is gone at once; at the end the database is as it was."""

    def insert(session: Session) -> None:
        session.add_all([page(b"one"), page(b"two")])
        session.commit()

    def replace(session: Session) -> None:
        first, second = session.scalars(select(Page).order_by(Page.id))
        first.file = page(b"new").file
        session.delete(second)
        session.commit()
        assert contents(desk) == [b"new"]
        session.execute(update(Page).values(file=page(b"bulk").file))
        session.commit()

    async with rehearsed(database) as run:
        await run(insert)
        assert contents(desk) == [b"one", b"two"]
        await run(replace)
        assert contents(desk) == [b"bulk"]
        await run(lambda session: (session.execute(delete(Page)), session.commit()))
        assert contents(desk) == []
        await run(insert)
        assert await run(count) == 2
    assert await database.run(count) == 0


@pytest.mark.parametrize("end", ["rollback", "close"])
async def test_rollbacks_count_for_files(database: Database, desk: StandIns, end: str) -> None:
    """What a session uploaded goes with its rollback; what others committed before it, in the rehearsal, stays."""

    def insert(session: Session) -> None:
        session.add(page(b"old"))
        session.commit()

    def change(session: Session) -> None:
        session.scalars(select(Page)).one().file = page(b"new").file
        session.add(page(b"second"))
        session.flush()
        assert contents(desk) == [b"new", b"old", b"second"]
        getattr(session, end)()

    def savepoint(session: Session) -> None:
        with session.begin_nested() as nested:
            session.scalars(select(Page)).one().file = page(b"new").file
            session.flush()
            nested.rollback()
        session.commit()

    async with rehearsed(database) as run:
        await run(insert)
        await run(change)
        assert contents(desk) == [b"old"]
        assert await run(count) == 1
        await run(savepoint)
        assert contents(desk) == [b"old"]


async def test_a_file_that_a_row_holds_stays(database: Database, desk: StandIns) -> None:
    """The rows are asked on the rehearsal's own connection, which alone sees them."""

    def share(session: Session) -> None:
        first = page(b"one")
        session.add(first)
        session.commit()
        assert first.file is not None
        first.file.delete()  # queued; the row still holds it
        session.commit()

    async with rehearsed(database) as run:
        await run(share)
        assert contents(desk) == [b"one"]


async def test_what_connects_anew_is_refused(database: Database, desk: StandIns) -> None:
    """A sweep that sees no row would delete everything."""

    def maintain(session: Session) -> None:
        session.add(page(b"one"))
        session.commit()
        outbox = Outbox.of(Base.metadata)
        assert outbox is not None
        for work in (
            lambda: sweep(session, Base, grace=timedelta(0), delete=True),
            lambda: verify(session, Base),
            lambda: outbox.drain(session),
        ):
            with pytest.raises(ConfigurationError, match="see nothing of a rehearsal"):
                work()

    async with rehearsed(database) as run:
        await run(maintain)
        assert contents(desk) == [b"one"]


@pytest.mark.parametrize("mode", ["rollback_only", "control_fully"])
async def test_a_mode_that_does_not_suit(database: Database, desk: StandIns, mode: Any) -> None:
    """A session that rolls back what others did is refused, before anything is uploaded."""

    def insert(session: Session) -> None:
        session.add(page(b"one"))
        with pytest.raises(ConfigurationError, match=f"join_transaction_mode='{mode}' does not suit a rehearsal"):
            session.commit()

    async with rehearsed(database) as run:
        await run(insert, join_transaction_mode=mode)
    assert contents(desk) == []


def test_an_engine_that_sends_begin_itself(tmp_path: Any, desk: StandIns) -> None:
    """SQLite with SQLAlchemy's recipe for savepoints; and the connection goes back to the pool as it was."""
    engine = create_engine(f"sqlite:///{tmp_path}/own.db")

    @event.listens_for(engine, "connect")
    def leave_begin_to_us(connection: Any, _: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    Base.metadata.create_all(engine)
    with rehearsal(engine) as connection, Session(connection) as session:
        session.add(page(b"one"))
        session.commit()
        session.add(page(b"two"))
        session.flush()
        session.rollback()
        assert contents(desk) == [b"one"]
    with Session(engine) as session:
        assert count(session) == 0
    engine.dispose()


def test_a_connection_is_left_as_it_was(tmp_path: Any, desk: StandIns) -> None:
    """A later session on the same pooled connection behaves as ever."""
    engine = create_engine(f"sqlite:///{tmp_path}/pooled.db", pool_size=1, max_overflow=0)
    Base.metadata.create_all(engine)
    with rehearsal(engine) as connection, Session(connection) as session:
        session.add(page(b"one"))
        session.commit()
        level = connection.connection.dbapi_connection.isolation_level
        assert level is None
    with engine.connect() as connection:
        assert connection.connection.dbapi_connection.isolation_level == ""
        assert connection.execute(text("SELECT count(*) FROM page")).scalar() == 0
    engine.dispose()
