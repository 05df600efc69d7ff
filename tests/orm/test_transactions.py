"""What a transaction leaves: the new file or the old one, whatever was done and however it ended."""

from itertools import product

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.orm.conftest import Database, stored
from tests.orm.documents import Base, Document, file

pytestmark = pytest.mark.usefixtures("docs", "archive", "quiet")


@pytest.fixture
async def db(database: Database) -> Database:
    """A database with the table of documents."""
    return await database.create(Base)


async def prepared(db: Database, **fields: object) -> None:
    """Store a document with an old file."""

    def work(session: Session) -> None:
        session.add(Document(**{"id": 1, "file": file(b"old")} | fields))
        session.commit()

    await db.run(work)


EDITS = {
    "replaced": (lambda session, row: setattr(row, "file", file(b"new")), [b"new"]),
    "replaced twice": (
        lambda session, row: (setattr(row, "file", file(b"lost")), setattr(row, "file", file(b"new"))),
        [b"new"],
    ),
    "replaced over two flushes": (
        lambda session, row: (setattr(row, "file", file(b"lost")), session.flush(), setattr(row, "file", file(b"new"))),
        [b"new"],
    ),
    "set None": (lambda session, row: setattr(row, "file", None), []),
    "deleted row": (lambda session, row: session.delete(row), []),
    "saved by hand": (lambda session, row: row.file.save(b"new"), [b"new"]),
    "touched only": (lambda session, row: setattr(row, "title", "new"), [b"old"]),
    "set to itself": (lambda session, row: setattr(row, "file", row.file), [b"old"]),
}
BEFORE = {
    "loaded": lambda session, row: row.file,
    "unloaded": lambda session, row: None,
    "expired": lambda session, row: session.expire(row),
    "refreshed": lambda session, row: session.refresh(row),
    "populated anew": lambda session, row: session.execute(
        select(Document).execution_options(populate_existing=True)
    ).all(),
}


@pytest.mark.parametrize(
    ("before", "edit", "end"),
    [
        *product(["loaded", "expired"], EDITS, ["commit", "rollback", "savepoint"]),
        *product(["unloaded", "refreshed", "populated anew"], ["replaced", "deleted row"], ["commit", "close"]),
    ],
)
async def test_b51_b53_what_a_transaction_leaves(db: Database, docs, before: str, edit: str, end: str) -> None:
    """Committed, only the new file is there; rolled back in whole or to a savepoint, only the old one."""
    await prepared(db)
    change, expected = EDITS[edit]

    def work(session: Session) -> None:
        row = session.get(Document, 1)
        BEFORE[before](session, row)
        if end == "savepoint":
            savepoint = session.begin_nested()
            change(session, row)
            session.flush()
            savepoint.rollback()
            session.commit()
            return
        change(session, row)
        if end != "commit":
            session.flush()
        getattr(session, end)()

    await db.run(work)
    assert stored(docs) == (expected if end == "commit" else [b"old"])

    def check(session: Session) -> list[bytes]:
        return [row.file.get_content() for row in session.scalars(select(Document)) if row.file]

    assert await db.run(check) == stored(docs)


async def test_b52_a_failing_upload(db: Database, docs) -> None:
    """The flush raises, nothing is committed or stored, and after rollback the session works."""

    def content():
        yield b"half"
        raise ZeroDivisionError

    def work(session: Session) -> None:
        session.add_all([Document(file=file(b"good")), Document(file=file(content()))])
        with pytest.raises(ZeroDivisionError):
            session.commit()
        session.rollback()
        assert session.scalars(select(Document)).all() == []
        session.add(Document(id=7, file=file(b"after")))
        session.commit()

    await db.run(work)
    assert stored(docs) == [b"after"]


async def test_an_unknown_storage(db: Database, docs) -> None:
    """Nothing is stored, anywhere, when one of the storages is not registered."""

    def work(session: Session) -> None:
        session.add_all([Document(file=file()), Document(file=file(backend="nope"))])
        with pytest.raises(LookupError, match="'docs'"):
            session.flush()
        session.rollback()

    await db.run(work)
    assert stored(docs) == []


async def test_after_rollback_a_file_can_be_stored_again(db: Database, docs) -> None:
    """It is pending again, and its object of the first try is gone."""

    def work(session: Session) -> None:
        document = Document(file=file(b"hello"))
        session.add(document)
        session.flush()
        path = document.file.path
        session.rollback()
        assert document.file.has_pending_data
        assert stored(docs) == []
        session.add(document)
        session.commit()
        assert document.file.path != path

    await db.run(work)
    assert stored(docs) == [b"hello"]


@pytest.mark.parametrize("expire", [True, False])
async def test_expire_on_commit(db: Database, docs, expire: bool) -> None:
    """Several transactions of one session, with and without expiry."""

    def work(session: Session) -> None:
        document = Document(id=1, file=file(b"1"))
        session.add(document)
        for number in range(2, 5):
            session.commit()
            document.file = file(str(number).encode())
            session.flush()
            session.rollback()
            assert document.file.get_content() == str(number - 1).encode()
            document.file = file(str(number).encode())
        session.commit()
        session.delete(document)
        session.commit()

    await db.run(work, expire_on_commit=expire)
    assert stored(docs) == []
