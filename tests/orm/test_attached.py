"""A file that is in a row: what is done to it is the transaction's, not its own."""

import gc
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from tests.orm.conftest import Database, stored
from tests.orm.documents import Base, Document, file

pytestmark = pytest.mark.usefixtures("docs", "archive")


@pytest.fixture
async def db(database: Database) -> Database:
    """A database with one document, whose file holds `old`."""
    await database.create(Base)

    def work(session: Session) -> None:
        session.add(Document(id=1, file=file(b"old", metadata={"a": {"b": [1]}})))
        session.commit()

    await database.run(work)
    return database


async def read(db: Database, name: str = "metadata") -> Any:
    """Return an attribute of the file as a new session reads it."""
    return await db.run(lambda session: getattr(session.get(Document, 1).file, name))


METADATA = {
    "update_metadata": (lambda found: found.update_metadata({"c": 1}), {"a": {"b": [1]}, "c": 1}),
    "an item": (lambda found: found.metadata.__setitem__("c", 1), {"a": {"b": [1]}, "c": 1}),
    "a nested item": (lambda found: found.metadata["a"].__setitem__("b", 2), {"a": {"b": 2}}),
    "a nested list": (lambda found: found.metadata["a"]["b"].append(2), {"a": {"b": [1, 2]}}),
    "deleted": (lambda found: found.metadata.__delitem__("a"), {}),
    "assigned": (lambda found: setattr(found, "metadata", {"new": True}), {"new": True}),
    "assigned and changed": (
        lambda found: (setattr(found, "metadata", {}), found.metadata.setdefault("n", []).append(1)),
        {"n": [1]},
    ),
    "None": (lambda found: setattr(found, "metadata", None), {}),
}


@pytest.mark.parametrize("edit", METADATA)
async def test_changed_metadata_is_persisted(db: Database, docs, edit: str) -> None:
    """Also deep inside, and also on a row that nobody else holds on to."""
    change, expected = METADATA[edit]

    def work(session: Session) -> None:
        change(session.get(Document, 1).file)
        gc.collect()
        session.commit()

    await db.run(work)
    assert await read(db) == expected
    assert stored(docs) == [b"old"]


async def test_metadata_after_rollback(db: Database) -> None:
    """The row has what the database has."""

    def work(session: Session) -> None:
        row = session.get(Document, 1)
        row.file.update_metadata({"c": 1})
        session.flush()
        session.rollback()
        assert row.file.metadata == {"a": {"b": [1]}}

    await db.run(work)


async def test_content_type_is_persisted(db: Database) -> None:
    """A corrected type reaches the row."""

    def work(session: Session) -> None:
        session.get(Document, 1).file.content_type = "x/y"
        session.commit()

    await db.run(work)
    assert await read(db, "content_type") == "x/y"


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("end", ["commit", "rollback"])
async def test_delete_waits_for_the_commit(db: Database, docs, end: str, held: bool) -> None:
    """delete() is queued: undone by a rollback, done after a commit if the row let go of the file."""

    def work(session: Session) -> None:
        session.get(Document, 1).file.delete()
        gc.collect()
        assert stored(docs) == [b"old"]
        if not held:
            session.get(Document, 1).file = None
        getattr(session, end)()

    await db.run(work)
    assert stored(docs) == ([] if end == "commit" and not held else [b"old"])


@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
async def test_save_makes_a_new_key(db: Database, docs, end: str) -> None:
    """save(data) writes beside the old object; the end of the transaction decides which of the two stays."""

    def work(session: Session) -> None:
        found = session.get(Document, 1).file
        path = found.path
        found.save(b"new")
        gc.collect()
        assert found.path != path
        assert stored(docs) == [b"new", b"old"]
        getattr(session, end)()

    await db.run(work)
    assert stored(docs) == ([b"new"] if end == "commit" else [b"old"])
    assert await db.run(lambda session: [session.get(Document, 1).file.get_content()]) == stored(docs)


async def test_save_twice_in_one_transaction(db: Database, docs) -> None:
    """Only the last one stays."""

    def work(session: Session) -> None:
        row = session.get(Document, 1)
        row.file.save(b"lost")
        session.flush()
        row.file.save(b"new")
        session.commit()

    await db.run(work)
    assert stored(docs) == [b"new"]


async def test_the_twins_in_an_async_session(tmp_path, docs) -> None:
    """save_async, delete_async and refresh_async of a row's file, awaited beside the session."""
    db = await Database(f"sqlite+aiosqlite:///{tmp_path}/test.db", is_async=True).create(Base)
    async with AsyncSession(db.engine) as session:
        session.add(Document(id=1, file=file(b"old")))
        await session.commit()
        row = await session.get(Document, 1)
        await row.file.save_async(b"new")
        await session.rollback()
        assert stored(docs) == [b"old"]
        await session.refresh(row)
        await row.file.save_async(b"new")
        await row.file.refresh_async()
        await session.commit()
        assert stored(docs) == [b"new"]
        await session.refresh(row)
        await row.file.delete_async()
        row.file = None
        assert stored(docs) == [b"new"]
        await session.commit()
    assert stored(docs) == []
    await db.dispose()


async def test_refresh_marks_the_row(db: Database, docs) -> None:
    """What refresh learns of a changed object reaches the row."""

    def work(session: Session) -> None:
        found = session.get(Document, 1).file
        docs.put(found.path, b"changed behind our back")
        found.refresh()
        gc.collect()
        session.commit()

    await db.run(work)
    assert (await read(db, "size"), await read(db, "checksum")) == (23, None)
