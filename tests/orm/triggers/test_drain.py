"""What the triggers note, worked off: nothing that a row holds is lost, nothing else is left."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Engine, ForeignKey, Integer, MetaData, Table, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from holdfast import Outbox, StorageBackend, StoredObject
from tests.orm.conftest import contents

from .rows import drain, put, run, value, values

metadata = MetaData()
Table("folder", metadata, Column("id", Integer, primary_key=True))
Table(
    "document",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("folder_id", ForeignKey("folder.id", ondelete="CASCADE")),
    Column("cover", StoredObject("docs")),
    Column("scan", StoredObject("docs")),
    Column("pages", StoredObject("docs", multiple=True)),
)
Table(
    "picture",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("document_id", ForeignKey("document.id", ondelete="CASCADE")),
    Column("thumbnail", StoredObject("docs")),
)
outbox = Outbox(metadata, triggers=True)

ALL = {"c1", "s1", "c2", "p1", "p2", "t1"}


@pytest.fixture
def database(engine: Engine, docs: StorageBackend) -> Engine:
    """A folder, two documents and a picture, whose files lie in the storage."""
    metadata.create_all(engine)
    put(*ALL)
    with engine.begin() as connection:
        run(connection, "INSERT INTO folder (id) VALUES (1)")
        run(
            connection,
            "INSERT INTO document (id, folder_id, cover, scan) VALUES (1, 1, :cover, :scan)",
            cover=value("c1"),
            scan=value("s1"),
        )
        run(
            connection,
            "INSERT INTO document (id, cover, pages) VALUES (2, :cover, :pages)",
            cover=value("c2"),
            pages=values("p1", "p2"),
        )
        run(connection, "INSERT INTO picture (id, document_id, thumbnail) VALUES (1, 1, :file)", file=value("t1"))
    return engine


def swap(connection: Connection) -> None:
    """Give two documents each other's cover."""
    run(connection, "UPDATE document SET cover = :cover WHERE id = 1", cover=value("c2"))
    run(connection, "UPDATE document SET cover = :cover WHERE id = 2", cover=value("c1"))


def move(connection: Connection) -> None:
    """Give a document's files to a picture, one of its own columns, and a list."""
    run(connection, "UPDATE document SET scan = NULL WHERE id = 1")
    run(connection, "UPDATE picture SET thumbnail = :file", file=value("s1"))
    run(connection, "UPDATE document SET cover = NULL, scan = :file, pages = '[]' WHERE id = 2", file=value("c2"))
    run(connection, "UPDATE document SET pages = :pages WHERE id = 1", pages=values("p2"))


def rename(connection: Connection) -> None:
    """Move a file to a row that gets another key after that."""
    run(connection, "UPDATE document SET cover = NULL WHERE id = 1")
    run(connection, "UPDATE document SET cover = :cover WHERE id = 2", cover=value("c1"))
    run(connection, "UPDATE document SET id = 20 WHERE id = 2")


def insert_and_delete(connection: Connection) -> None:
    """Move a row by writing another one."""
    run(
        connection,
        "INSERT INTO document (id, cover, scan, pages) SELECT 3, cover, scan, pages FROM document WHERE id = 2",
    )
    run(connection, "DELETE FROM document WHERE id = 2")


CHANGES: dict[str, tuple[Callable[[Connection], None] | str, set[str]]] = {
    "swap": (swap, ALL),
    "move": (move, ALL - {"t1", "p1"}),
    "rename": (rename, ALL - {"c2"}),
    "insert and delete": (insert_and_delete, ALL),
    "delete": ("DELETE FROM document WHERE id = 2", ALL - {"c2", "p1", "p2"}),
    "cascade": ("DELETE FROM folder", {"c2", "p1", "p2"}),
    "set null": ("UPDATE document SET cover = NULL", ALL - {"c1", "c2"}),
    "malformed": ("UPDATE document SET cover = '[3]', scan = '7'", ALL - {"c1", "c2", "s1"}),
}


def change(connection: Connection, name: str) -> None:
    """Make a change."""
    made = CHANGES[name][0]
    if isinstance(made, str):
        run(connection, made)
    else:
        made(connection)


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("name", CHANGES)
def test_a_change(database: Engine, docs: StorageBackend, name: str) -> None:
    """In one transaction; rolled back it deletes nothing."""
    with database.connect() as connection:
        change(connection, name)
        connection.rollback()
    assert drain(database, metadata) == 0
    assert set(contents(docs)) == ALL
    with database.begin() as connection:
        change(connection, name)
    left = CHANGES[name][1]
    assert drain(database, metadata) == len(ALL - left)
    assert set(contents(docs)) == left
    with database.connect() as connection:
        drops = connection.scalars(outbox.table.select().where(outbox.table.c.kind == "drop")).all()
    assert drops == []


async def test_async(async_url: str, docs: StorageBackend) -> None:
    """The same through an AsyncEngine: the triggers are made by `run_sync`."""
    engine = create_async_engine(async_url)
    put("c1", "c2")
    own = MetaData()
    Table("document", own, Column("id", Integer, primary_key=True), Column("cover", StoredObject("docs")))
    own_outbox = Outbox(own)
    async with engine.begin() as connection:
        await connection.run_sync(own.create_all)
        await connection.run_sync(own_outbox.create_triggers)
        await connection.run_sync(own_outbox.create_triggers)
        for number in (1, 2):
            await connection.run_sync(insert, number)
    async with AsyncSession(engine) as session:
        await session.execute(text("DELETE FROM document WHERE id = 1"))
        await session.commit()
        assert await own_outbox.drain_async(session) == 1
    assert set(contents(docs)) == {"c2"}
    async with engine.begin() as connection:
        await connection.run_sync(own_outbox.drop_triggers)
        await connection.execute(text("DELETE FROM document"))
    async with AsyncSession(engine) as session:
        assert await own_outbox.drain_async(session) == 0
    await engine.dispose()


def insert(connection: Any, number: int) -> None:
    """Insert a document with a cover."""
    run(connection, f"INSERT INTO document (id, cover) VALUES ({number}, '{value(f'c{number}')}')".replace(":", "\\:"))
