"""Every way a transaction can end, and every kind of session: no file is lost, and a sweep finds what is left."""

import gc
import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event, select, text, update
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StorageBackend, StoredObject
from holdfast.maintenance import sweep
from tests.faults.world import with_savepoints
from tests.orm.conftest import Database, stored

pytestmark = pytest.mark.usefixtures("docs", "archive")


class Base(DeclarativeBase):
    pass


class Document(Base):
    __tablename__ = "document"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))


class Elsewhere(DeclarativeBase):
    pass


class Other(Elsewhere):
    """A row in another database."""

    __tablename__ = "other"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="archive"))


def file(content: bytes, backend: str = "docs") -> FileObject:
    """Return a pending file."""
    return FileObject(backend=backend, filename="a.txt", content=content)


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgres", marks=pytest.mark.postgres),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ]
)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each kind of database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/endings.db"
    database = request.getfixturevalue(request.param)
    return database.url("psycopg" if request.param == "postgres" else "pymysql")


@pytest.fixture
def engine(url: str) -> Iterator[Any]:
    """An engine over a table with one document, whose file is called old."""
    made = with_savepoints(create_engine(url))
    Base.metadata.create_all(made)
    with Session(made) as session:
        session.add(Document(id=1, file=file(b"old")))
        session.commit()
    yield made
    made.dispose()


def replace(session: Session) -> None:
    """Replace the file and add a document."""
    session.get_one(Document, 1).file = file(b"new")
    session.add(Document(id=2, file=file(b"second")))
    session.flush()


def check(engine: Any, docs: StorageBackend, expected: dict[int, bytes]) -> None:
    """Compare the rows' bytes; after a sweep nothing else is in the storage."""
    with Session(engine) as session:
        assert {row.id: row.file.get_content() for row in session.scalars(select(Document))} == expected
        report = sweep(session, Base, storages=["docs"], grace=timedelta(0), delete=True, shared=True)
        assert not report.errors
    assert stored(docs) == sorted(expected.values())


OLD, NEW = {1: b"old"}, {1: b"new", 2: b"second"}


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("postgres", marks=pytest.mark.postgres),
        pytest.param("mariadb_alone", marks=pytest.mark.mariadb),
    ],
    indirect=True,
)
@pytest.mark.parametrize("end", ["commit", "rollback", "close", "prepare and commit", "prepare and rollback"])
def test_two_phase_commit(engine: Any, docs: StorageBackend, end: str) -> None:
    """Prepared, and then committed or not; SQLite has no such thing."""
    with Session(engine, twophase=True) as session:
        replace(session)
        for step in end.split(" and "):
            getattr(session, step)()
    check(engine, docs, NEW if end.endswith("commit") else OLD)


def test_a_prepared_transaction_outlives_its_session(engine: Any, url: str, docs: StorageBackend) -> None:
    """It is committed later, by somebody else: nothing of it may be deleted meanwhile."""
    if not url.startswith("postgres"):
        return
    connection = engine.connect()
    transaction = connection.begin_twophase("later")
    with Session(connection, join_transaction_mode="control_fully") as session:
        replace(session)
        transaction.prepare()
        connection.invalidate()  # the process dies
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as other:
        assert other.scalar(text("SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()")) == 1
        assert stored(docs) == [b"new", b"old", b"second"]
        gid = other.scalar(text("SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"))
        other.exec_driver_sql(f"COMMIT PREPARED '{gid}'")
    check(engine, docs, NEW)


@pytest.mark.parametrize(
    ("mode", "inner", "outer"),
    [
        *product(["create_savepoint"], ["commit", "rollback", "close"], ["commit", "rollback"]),
        *product(["conditional_savepoint", "rollback_only", "control_fully"], ["commit"], ["commit", "rollback"]),
    ],
)
def test_a_session_in_an_outer_transaction(
    engine: Any, docs: StorageBackend, mode: str, inner: str, outer: str
) -> None:
    """The usual recipe of test suites: only the outer end counts, which the session does not see."""
    with engine.connect() as connection:
        transaction = connection.begin()
        session = Session(connection, join_transaction_mode=mode)
        replace(session)
        getattr(session, inner)()
        assert {b"old", *stored(docs)} == set(stored(docs))
        session.close()
        if transaction.is_active:
            getattr(transaction, outer)()
    with engine.connect() as connection:
        is_new = connection.scalar(select(text("count(*)")).select_from(Document)) == 2
    check(engine, docs, NEW if is_new else OLD)


@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
def test_an_autocommit_engine(engine: Any, docs: StorageBackend, end: str) -> None:
    """Each statement is committed at once, whatever the session believes."""
    autocommit = create_engine(engine.url, isolation_level="AUTOCOMMIT")
    with Session(autocommit) as session:
        replace(session)
        getattr(session, end)()
    autocommit.dispose()
    check(engine, docs, NEW)


@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
def test_a_commit_by_text(engine: Any, docs: StorageBackend, end: str) -> None:
    """``text("COMMIT")`` makes the rows durable behind the session's back."""
    with Session(engine) as session:
        replace(session)
        session.execute(text("COMMIT"))
        if end != "commit" or engine.dialect.name != "sqlite":  # which has nothing left to commit then
            getattr(session, end)()
    check(engine, docs, NEW)


@pytest.mark.filterwarnings("ignore:transaction already deassociated")  # SQLAlchemy's, of half a commit
def test_two_engines_in_one_session(engine: Any, tmp_path: Path, docs: StorageBackend, archive: StorageBackend) -> None:
    """One database refuses its COMMIT after the other's went through: each row keeps the file it has."""
    second = create_engine(f"sqlite:///{tmp_path}/second.db", connect_args={"timeout": 0})
    Other.metadata.create_all(second)
    with Session(second) as session:
        session.add(Other(id=1, file=file(b"other old", "archive")))
        session.commit()
    session = Session(binds={Base: engine, Other: second})
    replace(session)
    session.get_one(Other, 1).file = file(b"other new", "archive")
    session.flush()
    reader = sqlite3.connect(tmp_path / "second.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM other").fetchall()  # holds a lock that COMMIT waits for
    with pytest.raises(OperationalError, match="locked"):
        session.commit()
    session.rollback()
    session.close()
    reader.close()
    with Session(second) as session:
        assert session.get_one(Other, 1).file.get_content() in {b"other old", b"other new"}
    with Session(engine) as session:
        content = session.get_one(Document, 1).file.get_content()
    check(engine, docs, NEW if content == b"new" else OLD)
    second.dispose()


@pytest.mark.parametrize("leave", ["close", "collect", "invalidate", "reset", "raise"])
def test_sessions_left_without_commit(engine: Any, docs: StorageBackend, leave: str) -> None:
    """Closed, forgotten, or left by an exception."""
    session = Session(engine)
    replace(session)
    if leave == "raise":
        with pytest.raises(ZeroDivisionError), session:
            raise ZeroDivisionError
    elif leave == "collect":
        connection = session.connection()
        del session
        gc.collect()
        connection.close()
    else:
        getattr(session, leave)()
    check(engine, docs, OLD)


@pytest.mark.filterwarnings("ignore:The garbage collector:sqlalchemy.exc.SAWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_an_async_session_that_is_forgotten(tmp_path: Path, docs: StorageBackend) -> None:
    """It fires no event at all when it is collected: the sweep finds its files."""
    with_savepoints(made := create_engine(f"sqlite:///{tmp_path}/endings.db"))
    Base.metadata.create_all(made)
    with Session(made) as first:
        first.add(Document(id=1, file=file(b"old")))
        first.commit()
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/endings.db")
    with_savepoints(engine.sync_engine)
    session = AsyncSession(engine)
    await session.run_sync(replace)
    connection = await session.connection()
    del session
    gc.collect()
    await connection.close()
    await engine.dispose()
    check(made, docs, OLD)
    made.dispose()


def test_a_failed_commit_and_close(tmp_path: Path, docs: StorageBackend) -> None:
    """SQLITE_BUSY at COMMIT, then close() without rollback(): the next session may commit that transaction."""
    engine = create_engine(f"sqlite:///{tmp_path}/busy.db", connect_args={"timeout": 0}, pool_reset_on_return=None)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Document(id=1, file=file(b"old")))
        session.commit()
    reader = sqlite3.connect(tmp_path / "busy.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM document").fetchall()  # holds a lock that COMMIT waits for
    session = Session(engine)
    replace(session)
    with pytest.raises(OperationalError, match="locked"):
        session.commit()
    session.close()
    reader.close()
    assert stored(docs) == [b"new", b"old", b"second"]
    with Session(engine) as session:
        session.execute(text("CREATE TABLE other (id INTEGER)"))
        session.commit()
    with Session(engine) as session:
        content = session.get_one(Document, 1).file.get_content()
    check(engine, docs, NEW if content == b"new" else OLD)
    engine.dispose()


def test_a_listener_that_raises_before_commit(engine: Any, docs: StorageBackend) -> None:
    """COMMIT was never sent: the files go at once."""

    def refuse(_: Session) -> None:
        raise RuntimeError

    with Session(engine) as session:
        event.listen(session, "before_commit", refuse)
        replace(session)
        with pytest.raises(RuntimeError):
            session.commit()
    assert stored(docs) == [b"old"]
    check(engine, docs, OLD)


def spoil(_: Any, connection: Any, __: Any) -> None:
    """Let a statement fail, and think no more of it."""
    with suppress(DBAPIError):
        connection.execute(text("SELECT no_such_column"))


@pytest.fixture
def spoiling() -> Iterator[None]:
    """A listener that does so after each row, as one might that keeps a log."""
    event.listen(Document, "after_insert", spoil)
    yield
    event.remove(Document, "after_insert", spoil)


@pytest.mark.usefixtures("spoiling")
@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
async def test_a_failure_that_a_listener_hides(postgres: Any, docs: StorageBackend, driver: str) -> None:
    """PostgreSQL has given up the transaction and would answer COMMIT with ROLLBACK, as if all were well."""
    database = Database(postgres.url(driver), is_async=driver == "asyncpg")
    await database.create(Base)

    def work(session: Session) -> None:
        session.add(Document(file=file(b"content")))
        session.commit()

    for _ in range(2):  # by an engine that was never used, and by one that was
        with pytest.raises(DBAPIError):
            await database.run(work)
        assert stored(docs) == []
    await database.dispose()


@pytest.mark.parametrize("moment", ["before_commit", "after_flush_postexec"])
def test_a_failed_commit_of_what_a_listener_wrote(
    tmp_path: Path, docs: StorageBackend, caplog: pytest.LogCaptureFixture, moment: str
) -> None:
    """The first file comes when the session had none to commit: its COMMIT proves as little as any that fails."""
    engine = create_engine(f"sqlite:///{tmp_path}/busy.db", connect_args={"timeout": 0}, pool_reset_on_return=None)
    Base.metadata.create_all(engine)
    reader = sqlite3.connect(tmp_path / "busy.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM document").fetchall()  # holds a lock that COMMIT waits for
    with Session(engine) as session:
        event.listen(session, moment, lambda session, *_: session.add(Document(id=2, file=file(b"late"))), once=True)
        session.add(Document(id=1))
        with pytest.raises(OperationalError, match="locked"):
            session.commit()
    assert "a COMMIT was not acknowledged" in caplog.text
    assert stored(docs) == [b"late"]
    reader.close()
    engine.dispose()


@pytest.mark.parametrize("statement", ["bulk", "flush"])
def test_a_deadlock_or_timeout_in_the_database(engine: Any, docs: StorageBackend, statement: str) -> None:
    """A statement that the database gives up leaves both transactions' files right."""
    if engine.dialect.name == "sqlite":
        engine = create_engine(engine.url, connect_args={"timeout": 0})
    with Session(engine) as winner, Session(engine) as loser:
        for session in (winner, loser):
            if engine.dialect.name == "postgresql":
                session.execute(text("SET LOCAL lock_timeout = '50ms'"))
            elif engine.dialect.name != "sqlite":
                session.execute(text("SET innodb_lock_wait_timeout = 1"))
        winner.get_one(Document, 1).file = file(b"won")
        winner.flush()
        with pytest.raises(DBAPIError):  # noqa: PT012  # whichever of the two fails
            if statement == "bulk":
                loser.execute(update(Document).where(Document.id == 1).values(file=file(b"lost")))
            else:
                loser.get_one(Document, 1).file = file(b"lost")
                loser.flush()
        loser.rollback()
        winner.commit()
    check(engine, docs, {1: b"won"})
    engine.dispose()


def test_contents_do_not_wait_for_the_garbage_collector(tmp_path: Path) -> None:
    """What was uploaded is let go of when the session is: thousands of files would lie in memory until a collection."""
    engine = create_engine(f"sqlite:///{tmp_path}/test.db")
    Base.metadata.create_all(engine)
    gc.collect()
    gc.disable()
    try:
        with Session(engine) as session:
            session.add(Document(file=file(b"content")))
            session.flush()
            seen = weakref.ref(next(iter(session)))
            session.commit()
        del session
        assert seen() is None
    finally:
        gc.enable()
        engine.dispose()
