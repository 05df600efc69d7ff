"""The outbox: what a transaction drops shares its fate, and is deleted by whoever drains."""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import ForeignKey, LargeBinary, String, create_engine, delete, event, insert, select, text, update
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, Outbox, StorageBackend, StoredObject, storages
from holdfast.drivers.local import LocalDriver
from holdfast.errors import ConfigurationError
from holdfast.testing.faults import Fault, FaultyDriver
from tests.faults.world import with_savepoints
from tests.orm.conftest import Database, contents, stored


class Base(DeclarativeBase):
    pass


outbox = Outbox(Base)


class Letter(Base):
    __tablename__ = "letter"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))
    pages: Mapped[list[FileObject] | None] = mapped_column(StoredObject(backend="docs", multiple=True))


class Stamped(Letter):
    """Its file is in a table of its own, whose primary key has another name."""

    __tablename__ = "stamped"
    key: Mapped[int] = mapped_column(ForeignKey("letter.id"), primary_key=True)
    stamp: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))


class Keyed(Base):
    """A primary key of every kind."""

    __tablename__ = "keyed"
    number: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))


class Hashed(Base):
    """A binary primary key."""

    __tablename__ = "hashed"
    id: Mapped[bytes] = mapped_column(LargeBinary().with_variant(mysql.VARBINARY(16), "mariadb"), primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))


@pytest.fixture
async def db(each_database: Database, driver: FaultyDriver) -> Database:
    """Each database, with two letters, a and b."""
    await each_database.create(Base)

    def fill(session: Session) -> None:
        session.add_all([Letter(id=1, file=new("a")), Letter(id=2, file=new("b"))])
        session.commit()

    await each_database.run(fill)
    return each_database


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[FaultyDriver]:
    """A storage named docs that fails when told to."""
    made = FaultyDriver(LocalDriver(tmp_path / "docs", durable=False))
    storages.register_backend(StorageBackend("docs", made))
    yield made
    storages._backends.pop("docs", None)


@pytest.fixture
def files(driver: FaultyDriver) -> Callable[[], list[bytes]]:
    """Return what lies in the storage."""
    return lambda: stored(storages.get("docs"))


def new(name: str) -> FileObject:
    """Return a pending file."""
    return FileObject(backend="docs", filename=f"{name}.txt", content=name.encode())


def entries(session: Session) -> list[tuple[str, str]]:
    """Return kind and owner of all entries, on a connection of its own."""
    with session.get_bind().connect() as connection:
        rows = connection.execute(select(outbox.table).order_by(outbox.table.c.id)).all()
    return [(row.kind, f"{row.owner_table}{row.owner_key}") for row in rows]


async def test_a_commit_drains_its_own(db: Database, files: Any) -> None:
    """Nothing is left in the outbox, nothing in the storage."""

    def work(session: Session) -> None:
        session.get_one(Letter, 1).file = new("A")
        session.delete(session.get_one(Letter, 2))
        session.commit()
        assert entries(session) == []

    await db.run(work)
    assert files() == [b"A"]


async def test_entries_share_the_fate_of_the_transaction(db: Database, files: Any) -> None:
    """They are written before COMMIT and roll back with it."""
    seen = []

    def work(session: Session) -> None:
        session.get_one(Letter, 1).file = new("A")
        connection = session.connection()

        def look(_: Any) -> None:
            seen.extend(connection.execute(select(outbox.table.c.kind, outbox.table.c.owner_key)).all())

        event.listen(connection, "commit", look)
        session.commit()
        event.remove(connection, "commit", look)
        session.get_one(Letter, 1).file = new("B")
        session.flush()
        session.rollback()
        assert entries(session) == []

    await db.run(work)
    assert [tuple(row) for row in seen] == [("drop", '["1"]')]
    assert files() == [b"A", b"b"]


async def test_what_a_storage_refuses_waits(db: Database, driver: FaultyDriver, files: Any, caplog: Any) -> None:
    """A deletion that failed is done by the next drain, and only once."""
    driver.fail(Fault("delete"))

    def work(session: Session) -> None:
        session.get_one(Letter, 1).file = None
        session.commit()
        assert files() == [b"a", b"b"]
        assert entries(session) == [("drop", 'letter["1"]')]
        assert outbox.drain(session) == 1
        assert outbox.drain(session) == 0
        assert entries(session) == []

    await db.run(work)
    assert files() == [b"b"]
    assert "could not be deleted" in caplog.text


async def test_another_process_drains(db: Database, driver: FaultyDriver, files: Any) -> None:
    """Entries of rows of every kind name them well enough to ask them again."""
    made = {
        Stamped: {"id": 7},
        Keyed: {"number": UUID(int=5), "name": "ä/'\"x", "at": datetime(2026, 1, 2, 3, 4, 5)},  # noqa: DTZ001
        Hashed: {"id": b"\x00\xff\\x"},
    }

    def work(session: Session) -> None:
        for model, key in made.items():
            session.add(model(**key, file=new(model.__name__)))
        session.add(Letter(id=9, pages=[new("p"), new("q")]))
        session.commit()
        for model in made:
            driver.fail(Fault("delete"))
            row = session.scalars(select(model)).one()
            row.file = None
            session.commit()
        driver.fail(Fault("delete"))
        session.get_one(Letter, 9).pages.pop()
        session.commit()
        assert len(entries(session)) == 5  # a stamped letter may hold files in both its tables
        # One of the rows got its file back by other means: the drain asks it.
        entry = session.execute(select(outbox.table).where(outbox.table.c.owner_table == "hashed")).one()
        value = {"backend": "docs", "filename": "Hashed.txt", "to_filename": entry.path, "metadata": {}}
        statement = text("UPDATE hashed SET file = :value")
        session.execute(statement.bindparams().columns(), {"value": __import__("json").dumps(value)})
        session.commit()
        outbox.drain(session)
        assert entries(session) == []

    await db.run(work)
    assert files() == [b"Hashed", b"a", b"b", b"p"]


async def test_drain_async(db: Database, driver: FaultyDriver, files: Any) -> None:
    """The twin works on an AsyncSession."""
    driver.fail(Fault("delete"))

    def work(session: Session) -> None:
        session.get_one(Letter, 1).file = None
        session.commit()

    await db.run(work)
    assert files() == [b"a", b"b"]
    if db.is_async:
        from sqlalchemy.ext.asyncio import AsyncSession

        async with AsyncSession(db.engine) as session:
            assert await outbox.drain_async(session) == 1
    else:
        assert await db.run(outbox.drain) == 1
    assert files() == [b"b"]


async def test_a_storage_that_is_not_registered_waits(
    db: Database, driver: FaultyDriver, files: Any, caplog: Any
) -> None:
    """A process that does not know a storage leaves its entries to one that does, and works on the others."""
    driver.fail(Fault("delete"))

    def work(session: Session) -> None:
        session.get_one(Letter, 1).file = None
        session.commit()
        backend = storages.get("docs")
        storages.unregister("docs")
        assert outbox.drain(session) == 0
        assert "not registered" in caplog.text
        storages.register_backend(backend)
        assert outbox.drain(session) == 1

    await db.run(work)
    assert files() == [b"b"]


async def test_a_swap_destroys_nothing(db: Database, files: Any) -> None:
    """A file that moved is taken by another row."""

    def work(session: Session) -> None:
        one, two = session.get_one(Letter, 1), session.get_one(Letter, 2)
        one.file, two.file = two.file, one.file
        session.commit()
        assert [one.file.get_content(), two.file.get_content()] == [b"b", b"a"]
        assert entries(session) == []

    await db.run(work)
    assert files() == [b"a", b"b"]


async def test_a_file_that_is_taken_up_again(db: Database, driver: FaultyDriver, files: Any) -> None:
    """A key that waits for its deletion and is named for another row stays."""
    driver.fail(Fault("delete"))

    def work(session: Session) -> None:
        letter = session.get_one(Letter, 1)
        path = letter.file.path
        letter.file = None
        session.commit()
        session.add(Letter(id=5, file=FileObject(backend="docs", filename=path)))
        session.commit()
        assert ("take", 'letter["5"]') in entries(session)
        assert outbox.drain(session) == 0
        assert session.get_one(Letter, 5).file.get_content() == b"a"

    await db.run(work)
    assert files() == [b"a", b"b"]


async def test_changes_after_before_commit(db: Database, files: Any) -> None:
    """A listener that changes rows when the outbox was told already: what it takes stays, what it drops goes."""

    def work(session: Session) -> None:
        one, two = session.get_one(Letter, 1), session.get_one(Letter, 2)
        value = one.file
        one.file = None

        def late(_: Session) -> None:
            two.file = value

        event.listen(session, "before_commit", late)
        session.commit()
        event.remove(session, "before_commit", late)
        assert two.file.get_content() == b"a"
        outbox.drain(session)

    await db.run(work)
    assert files() == [b"a"]


async def test_bulk_statements_use_it(db: Database, driver: FaultyDriver, files: Any) -> None:
    """What they drop is written down as well."""
    driver.fail(Fault("delete"))

    def work(session: Session) -> None:
        session.execute(update(Letter).where(Letter.id == 1).values(file=new("A")))
        session.execute(delete(Letter).where(Letter.id == 2))
        session.commit()
        assert sorted(entries(session)) == [("drop", 'letter["1"]'), ("drop", 'letter["2"]')]
        assert outbox.drain(session) == 2

    await db.run(work)
    assert files() == [b"A"]


async def test_a_row_nobody_can_name_is_searched(db: Database, driver: FaultyDriver, files: Any) -> None:
    """A statement that failed may have left rows (SQLite): the drain reads the table."""
    if db.engine.dialect.name != "sqlite":
        return  # elsewhere the statement fails as a whole, or the transaction does

    def work(session: Session) -> None:
        with pytest.raises(IntegrityError):
            session.execute(insert(Letter), [{"id": 8, "file": new("x")}, {"id": 1, "file": new("y")}])
        session.commit()

    await db.run(work)
    assert files() in ([b"a", b"b"], [b"a", b"b", b"x"])


async def test_a_joined_session_leaves_its_entries_to_a_drain(tmp_path: Path, driver: FaultyDriver, files: Any) -> None:
    """They are committed, or not, by whoever owns the transaction."""
    db = Database(f"sqlite:///{tmp_path}/joined.db", is_async=False)
    with_savepoints(db.engine)
    await db.create(Base)
    with Session(db.engine) as session:
        session.add(Letter(id=1, file=new("a")))
        session.commit()
    for end in ("rollback", "commit"):
        with db.engine.connect() as connection:
            outer = connection.begin()
            with Session(connection, join_transaction_mode="create_savepoint") as session:
                session.get_one(Letter, 1).file = None
                session.commit()
            getattr(outer, end)()
        assert files() == [b"a"]
        with Session(db.engine) as session:
            assert outbox.drain(session) == (end == "commit")
    assert files() == []
    await db.dispose()


async def test_takes_are_forgotten(db: Database) -> None:
    """A take is a witness for a drop; after a day without one it goes, with one it stays."""
    table = outbox.table

    def work(session: Session) -> None:
        old = {"backend": "gone", "owner_table": "letter", "owner_key": '["1"]', "created_at": 1}
        session.execute(insert(table), [{**old, "kind": "take", "path": "x"}, {**old, "kind": "take", "path": "y"}])
        session.execute(insert(table), [{**old, "kind": "drop", "path": "y"}])
        session.commit()
        outbox.drain(session)
        assert sorted(kind for kind, _ in entries(session)) == ["drop", "take"]

    await db.run(work)


async def test_many_entries(db: Database, files: Any, driver: FaultyDriver) -> None:
    """A drain goes on through batches, also past entries that cannot be worked off."""

    def work(session: Session) -> None:
        unknown = {"backend": "gone", "kind": "drop", "owner_table": "letter", "owner_key": '["77"]', "created_at": 1}
        session.execute(insert(outbox.table), [{**unknown, "path": f"k{number}"} for number in range(700)])
        driver.fail(Fault("delete"))
        session.get_one(Letter, 1).file = None
        session.commit()
        assert outbox.drain(session) == 1
        assert len(entries(session)) == 700

    await db.run(work)
    assert files() == [b"b"]


async def test_an_unknown_table_keeps_the_file(db: Database, driver: FaultyDriver, files: Any, caplog: Any) -> None:
    """A row that cannot be asked counts as holding the file."""

    def work(session: Session) -> None:
        path = session.get_one(Letter, 1).file.path
        entry = {"kind": "drop", "backend": "docs", "path": path, "owner_table": "renamed", "owner_key": '["1"]'}
        session.execute(insert(outbox.table), [{**entry, "created_at": 1}])
        session.commit()
        assert outbox.drain(session) == 0

    await db.run(work)
    assert files() == [b"a", b"b"]
    assert "not known" in caplog.text


def test_one_outbox_for_each_metadata() -> None:
    """A second one is refused, and `of` finds the first."""
    with pytest.raises(ConfigurationError, match="outbox already"):
        Outbox(Base.metadata)
    assert Outbox.of(Base.metadata) is outbox
    assert repr(outbox) == "<Outbox 'holdfast_outbox'>"


async def test_a_missing_table_fails_the_commit(tmp_path: Path, driver: FaultyDriver, files: Any) -> None:
    """Before its migration has run, nothing that drops files is committed, and nothing is lost."""
    db = await Database(f"sqlite:///{tmp_path}/missing.db", is_async=False).create(Base)
    with Session(db.engine) as session:
        session.add(Letter(id=1, file=new("a")))
        session.commit()
        session.execute(text("DROP TABLE holdfast_outbox"))
        session.get_one(Letter, 1).file = new("b")
        with pytest.raises(Exception, match="holdfast_outbox"):
            session.commit()
        session.rollback()
        assert session.get_one(Letter, 1).file.get_content() == b"a"
    assert list(contents(storages.get("docs")).values()) == [b"a"]
    await db.dispose()


async def test_a_commit_that_is_not_acknowledged(
    postgres_proxy: Any, driver: FaultyDriver, files: Any, caplog: Any
) -> None:
    """The connection is cut after COMMIT: the entries are there, and the next drain deletes the old file."""
    db = await Database(postgres_proxy.url("psycopg"), is_async=False).create(Base)
    with caplog.at_level(logging.ERROR, logger="holdfast"), Session(db.engine) as session:
        session.add(Letter(id=1, file=new("a")))
        session.commit()
        session.get_one(Letter, 1).file = new("A")
        session.flush()
        postgres_proxy.cut("after_commit")
        with pytest.raises(Exception, match=r"connection|closed"):
            session.commit()
        session.rollback()
    assert postgres_proxy.was_cut.is_set()
    with Session(db.engine) as session:
        outbox.drain(session)
        assert session.get_one(Letter, 1).file.get_content() == b"A"
    assert files() == [b"A"]
    await db.dispose()


def test_a_session_with_engines_by_class(tmp_path: Path, driver: FaultyDriver, files: Any) -> None:
    """The outbox is in the database of its tables, also where a session knows that by class only."""
    engine = create_engine(f"sqlite:///{tmp_path}/bound.db")
    Base.metadata.create_all(engine)
    with Session(binds={Base: engine}) as session:
        session.add(Letter(id=1, file=new("a")))
        session.commit()
        driver.fail(Fault("delete"))
        session.get_one(Letter, 1).file = None
        session.commit()
        assert outbox.drain(session) == 1
    assert files() == []
    engine.dispose()


async def test_a_name_that_is_no_key(db: Database, driver: FaultyDriver, files: Any, caplog: Any) -> None:
    """Raw SQL can put anything into a row: the entry goes, and the others are worked off."""

    def work(session: Session) -> None:
        entry = {"kind": "drop", "backend": "docs", "owner_table": "letter", "owner_key": '["77"]', "created_at": 1}
        session.execute(insert(outbox.table), [{**entry, "path": "../x"}])
        session.commit()
        driver.fail(Fault("delete"))
        session.get_one(Letter, 1).file = None
        session.commit()
        outbox.drain(session)
        assert entries(session) == []

    await db.run(work)
    assert files() == [b"b"]
    assert "cannot be a key" in caplog.text


async def test_a_file_that_moves_while_a_drain_looks(db: Database, driver: FaultyDriver, files: Any) -> None:
    """Between reading the entries and asking the rows, the file goes on to a row that the entries did not name."""
    if db.is_async:
        return  # the hook below has no greenlet

    def work(session: Session) -> None:
        driver.fail(Fault("delete"))
        one, two = session.get_one(Letter, 1), session.get_one(Letter, 2)
        path = one.file.path
        one.file = None
        session.commit()
        two.file = FileObject(backend="docs", filename=path)  # taken up again, by a row that the entries do name
        session.commit()
        session.add(Letter(id=3))
        session.commit()
        moved = []

        def move(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
            if "FROM letter" in statement and not moved:
                moved.append(statement)
                with Session(db.engine) as other:
                    rows = {row.id: row for row in other.scalars(select(Letter))}
                    rows[3].file, rows[2].file = rows[2].file, None
                    other.commit()

        event.listen(db.engine, "before_cursor_execute", move)
        outbox.drain(session)
        event.remove(db.engine, "before_cursor_execute", move)
        assert moved
        session.expire_all()
        assert session.get_one(Letter, 3).file.get_content() == b"a"

    await db.run(work)
    assert files() == [b"a"]


@pytest.mark.parametrize("how", ["bulk", "savepoint", "rolled back"])
async def test_changes_in_a_later_listener(db: Database, files: Any, how: str) -> None:
    """What a listener takes by a bulk statement, or inside a savepoint, is told to the outbox as well."""

    def work(session: Session) -> None:
        one, two = session.get_one(Letter, 1), session.get_one(Letter, 2)
        value = one.file
        one.file = None

        def late(_: Session) -> None:
            if how == "bulk":
                session.execute(update(Letter).where(Letter.id == 2).values(file=value))
                return
            savepoint = session.begin_nested()
            two.file = value
            session.flush()
            (savepoint.rollback if how == "rolled back" else savepoint.commit)()

        event.listen(session, "before_commit", late, once=True)
        session.commit()
        outbox.drain(session)
        assert session.get_one(Letter, 2).file.get_content() == (b"b" if how == "rolled back" else b"a")

    await db.run(work)
    assert files() == ([b"b"] if how == "rolled back" else [b"a"])


async def test_what_is_written_in_few_statements(db: Database, files: Any) -> None:
    """A commit that drops many files tells the outbox at once."""

    def work(session: Session) -> None:
        session.add_all(Letter(id=100 + number, file=new(str(number))) for number in range(300))
        session.commit()
        sent: list[str] = []
        event.listen(session.get_bind(), "before_cursor_execute", lambda *args: sent.append(args[2]))
        session.execute(delete(Letter).where(Letter.id >= 100))
        session.commit()
        assert len([statement for statement in sent if not statement.startswith("DELETE FROM holdfast_outbox")]) < 20

    await db.run(work)
    assert files() == [b"a", b"b"]


async def test_an_entry_that_cannot_be_read(db: Database, driver: FaultyDriver, files: Any, caplog: Any) -> None:
    """A primary key that is none stops the drain for its own file only."""

    def work(session: Session) -> None:
        path = session.get_one(Letter, 2).file.path
        entry = {"kind": "drop", "backend": "docs", "path": path, "owner_table": "letter", "created_at": 1}
        session.execute(insert(outbox.table), [{**entry, "owner_key": '["none]'}])
        session.commit()
        driver.fail(Fault("delete"))
        session.get_one(Letter, 1).file = None
        session.commit()
        assert outbox.drain(session) == 1
        assert len(entries(session)) == 1

    await db.run(work)
    assert files() == [b"b"]
    assert "could not be worked off" in caplog.text
