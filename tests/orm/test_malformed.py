"""A row that holds something else than a file: it breaks neither a SELECT nor its own repair."""

import json
from typing import Any

import pytest
from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session

from holdfast.errors import InvalidValueError, UnknownStorageError
from tests.orm.conftest import Database, stored
from tests.orm.documents import Base, Document, file

pytestmark = pytest.mark.usefixtures("docs", "archive")

GOOD = {"backend": "docs", "filename": "a.txt"}
BAD = {
    "not JSON": "not JSON",
    "empty": "",
    "a number": "7",
    "a list in a list": "[[]]",
    "NaN": '{"backend": "docs", "filename": "a", "last_modified": NaN}',
    "a number of 5,000 digits": json.dumps(GOOD)[:-1] + ', "size": ' + "9" * 5000 + "}",
    "depth 100,000": json.dumps(GOOD)[:-1] + ', "metadata": ' + '{"a":' * 100_000 + "1" + "}" * 100_001,
    "10 MB": json.dumps(GOOD | {"etag": "a" * 10_000_000}),
    "climbing": json.dumps(GOOD | {"to_filename": "../../etc/passwd"}),
    "negative": json.dumps(GOOD | {"size": -1}),
}


@pytest.fixture
async def db(database: Database) -> Database:
    """A database with the table of documents."""
    return await database.create(Base)


def write(session: Session, value: Any, attribute: str = "file") -> None:
    """Put a row into the table behind Holdfast's back."""
    statement = text(f"INSERT INTO document (id, title, {attribute}) VALUES (1, 'old', :value)")
    session.execute(statement.bindparams(bindparam("value", value)))
    session.commit()


@pytest.mark.parametrize("attribute", ["file", "pages"])
@pytest.mark.parametrize("name", BAD)
async def test_s6_it_loads_and_raises_on_use(db: Database, docs, name: str, attribute: str) -> None:
    """A SELECT works, other columns can be changed, and the file raises one typed error."""

    def work(session: Session) -> None:
        write(session, BAD[name], attribute)
        row = session.scalars(select(Document)).one()
        value = row.file if attribute == "file" else row.pages[0]
        with pytest.raises(InvalidValueError, match=r"not the value of a stored file|cannot be a key"):
            value.get_content()
        row.title = "new"
        session.commit()
        assert session.scalar(select(Document.title)) == "new"
        assert str(session.scalar(text(f"SELECT {attribute} FROM document"))) == BAD[name]

    await db.run(work)


REPAIRS = {
    "replaced": lambda session, row: setattr(row, "file", file(b"new")),
    "set None": lambda session, row: setattr(row, "file", None),
    "deleted": lambda session, row: session.delete(row),
}


@pytest.mark.parametrize("repair", REPAIRS)
@pytest.mark.parametrize("name", ["not JSON", "climbing"])
async def test_s6_it_can_be_repaired(db: Database, docs, name: str, repair: str) -> None:
    """Replacing, removing and deleting work as on any row."""

    def work(session: Session) -> None:
        write(session, BAD[name])
        REPAIRS[repair](session, session.get(Document, 1))
        session.commit()

    await db.run(work)
    assert stored(docs) == ([b"new"] if repair == "replaced" else [])


async def test_s6_a_bad_page_can_be_removed(db: Database, docs) -> None:
    """Of a list, the bad one can go; as long as it is there, the list cannot be written."""

    def work(session: Session) -> None:
        docs.put("good", b"good")
        write(session, json.dumps([{"backend": "docs", "filename": "good"}, {"filename": "../x"}]), "pages")
        row = session.get(Document, 1)
        assert row.pages[0].get_content() == b"good"
        row.pages.append(file(b"new"))
        with pytest.raises(InvalidValueError):
            session.flush()
        session.rollback()
        row.pages.pop()
        row.pages.append(file(b"new"))
        session.commit()
        assert [page.get_content() for page in row.pages] == [b"good", b"new"]

    await db.run(work)


async def test_s6_an_unknown_backend(db: Database, docs, caplog) -> None:
    """The row loads; replacing its file works and says at ERROR what could not be deleted."""

    def work(session: Session) -> None:
        write(session, json.dumps(GOOD | {"backend": "gone"}))
        row = session.get(Document, 1)
        with pytest.raises(UnknownStorageError, match="'archive', 'docs'"):
            row.file.get_content()
        row.file = file(b"new")
        session.commit()

    await db.run(work)
    assert stored(docs) == [b"new"]
    assert [each.levelname for each in caplog.records if "a.txt" in each.getMessage()] == ["ERROR"]


async def test_one_value_in_a_column_of_several(db: Database, docs) -> None:
    """A column that was of one file, and is now of several, gives a list of one."""

    def work(session: Session) -> None:
        docs.put("a.txt", b"x")
        write(session, json.dumps(GOOD), "pages")
        assert [page.get_content() for page in session.get(Document, 1).pages] == [b"x"]

    await db.run(work)


async def test_unwritable_metadata(db: Database, docs) -> None:
    """Metadata that JSON cannot hold is refused by the flush with a typed error, and nothing stays."""

    def work(session: Session) -> None:
        session.add(Document(id=1, file=file(b"kept")))
        session.commit()
        session.get(Document, 1).file.metadata["bad"] = object()
        with pytest.raises(InvalidValueError, match="metadata"):
            session.flush()
        session.rollback()
        session.add(Document(file=file(b"new", metadata={"bad": {1, 2}})))
        with pytest.raises(InvalidValueError, match="metadata"):
            session.flush()
        session.rollback()

    await db.run(work)
    assert stored(docs) == [b"kept"]


@pytest.mark.parametrize("fields", [{"content_type": "a" * 5000}, {"filename": "a" * 10_000}])
async def test_what_is_written_can_be_read(db: Database, docs, fields: dict[str, Any]) -> None:
    """A client's names of any length either come back or are refused; no row of ours is malformed."""

    def work(session: Session) -> None:
        session.add(Document(id=1, file=file(b"x", **fields)))
        try:
            session.commit()
        except InvalidValueError:
            session.rollback()
            assert "content_type" in fields
        else:
            assert session.get(Document, 1).file.get_content() == b"x"

    await db.run(work)
    assert len(stored(docs)) == ("filename" in fields)
