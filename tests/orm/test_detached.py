"""Files and rows that leave their session, and come back."""

import copy

import pytest
from sqlalchemy import select
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


DETACH = {
    "expunged": lambda session, row: session.expunge(row),
    "copied": lambda session, row: None,
    "read as a column": lambda session, row: None,
}


@pytest.mark.parametrize("how", DETACH)
async def test_detached_values_act_at_once(db: Database, docs, how: str) -> None:
    """Without a row in a session there is no commit to wait for."""

    def work(session: Session) -> None:
        row = session.get(Document, 1)
        found = row.file
        DETACH[how](session, row)
        if how == "copied":
            found = copy.copy(found)
        if how == "read as a column":
            found = session.scalars(select(Document.file)).one()
        found.delete()
        assert stored(docs) == []
        found.update_metadata({"c": 1})
        assert not session.dirty

    await db.run(work)


async def test_a_value_is_not_marked_after_it_left(db: Database, docs) -> None:
    """The old file of a row that got another one is a file of its own."""

    def work(session: Session) -> None:
        row = session.get(Document, 1)
        old = row.file
        row.file = None
        session.commit()
        old.update_metadata({"c": 1})
        assert not session.dirty

    await db.run(work)


@pytest.mark.parametrize("expire", [True, False])
@pytest.mark.parametrize("what", ["same", "changed", "pending"])
async def test_merge(db: Database, docs, what: str, expire: bool) -> None:
    """A merged row is a row: its file is stored, tracked, and owned."""

    def load(session: Session) -> Document:
        row = session.get(Document, 1)
        assert row.file.size == 3
        return row

    detached = await db.run(load)
    if what == "changed":
        detached.file.update_metadata({"c": 1})
    if what == "pending":
        detached = Document(id=1, file=file(b"new"))

    def work(session: Session) -> None:
        row = session.merge(detached)
        session.commit()
        row.file.update_metadata({"d": 1})
        session.commit()
        assert row.file.metadata["d"] == 1

    await db.run(work, expire_on_commit=expire)
    assert (
        await db.run(lambda session: session.get(Document, 1).file.metadata)
        == {
            "same": {"a": {"b": [1]}, "d": 1},
            "changed": {"a": {"b": [1]}, "c": 1, "d": 1},
            "pending": {"d": 1},
        }[what]
    )
    assert stored(docs) == [b"new" if what == "pending" else b"old"]


async def test_a_deferred_column(db: Database, docs) -> None:
    """What was never loaded is still found and deleted when it is replaced."""

    def work(session: Session) -> None:
        session.get(Document, 1).late = file(b"late")
        session.commit()
        session.expunge_all()
        row = session.get(Document, 1)
        assert "late" not in row.__dict__
        row.late = file(b"later")
        session.commit()
        session.expunge_all()
        assert session.get(Document, 1).late.get_content() == b"later"
        session.get(Document, 1).late.update_metadata({"c": 1})
        session.commit()
        session.expunge_all()
        session.delete(session.get(Document, 1))
        session.flush()
        session.rollback()
        assert session.get(Document, 1).late.metadata == {"c": 1}

    await db.run(work)
    assert stored(docs) == [b"later", b"old"]
