"""The column: what it takes, what it writes, what it refuses on every path, and how it is queried."""

from typing import Any

import pytest
from sqlalchemy import JSON, bindparam, column, func, insert, null, select, table, text, update
from sqlalchemy.orm import Session

from holdfast import FileObject, StoredObject
from holdfast.errors import ColumnValueError, ConfigurationError, FileStateError, InvalidValueError, PendingFileError
from tests.orm.conftest import Database, stored
from tests.orm.documents import Base, Document, file

pytestmark = pytest.mark.usefixtures("docs", "archive")
DATABASES = ["pysqlite", "aiosqlite", "psycopg", "psycopg async", "asyncpg"]


@pytest.fixture
async def db(database: Database) -> Database:
    """A database with the table of documents."""
    return await database.create(Base)


@pytest.fixture(params=DATABASES)
async def any_db(request: pytest.FixtureRequest, tmp_path: Any) -> Any:
    """The same on each database and driver."""
    if "sqlite" in request.param:
        url = f"sqlite+{request.param}:///{tmp_path}/test.db"
    else:
        url = request.getfixturevalue("postgres").url(request.param.partition(" ")[0])
    made = Database(url, is_async=request.param in {"aiosqlite", "psycopg async", "asyncpg"})
    await made.create(Base)
    yield made
    await made.dispose()


async def test_b55_unset_is_sql_null(any_db: Database) -> None:
    """Never set, set None and set to NULL are all SQL NULL, in every kind of column; an empty list is not."""

    def work(session: Session) -> None:
        session.add_all([Document(id=1), Document(id=2, file=None, pages=None), Document(id=3, file=null(), pages=[])])
        session.add(Document(id=4, file=file(), pages=[file()]))
        session.flush()
        session.execute(insert(Document), [{"id": 5, "file": None, "pages": None}])
        ids = select(Document.id).order_by(Document.id)
        assert session.scalars(ids.where(Document.file.is_(None))).all() == [1, 2, 3, 5]
        assert session.scalars(ids.where(Document.file.isnot(None))).all() == [4]
        assert session.scalars(ids.where(Document.pages.is_(None))).all() == [1, 2, 5]
        assert session.get(Document, 3).pages == []

    await any_db.run(work)


async def test_queries_into_the_json(any_db: Database) -> None:
    """A column's fields are compared and selected as JSON, also those of a list."""

    def work(session: Session) -> None:
        session.add(Document(id=1, file=file(b"12345", metadata={"a": {"b": 7}}), pages=[file(b"1"), file(b"22")]))
        session.add(Document(id=2, file=file(b"1", content_type="x/y")))
        session.flush()

        def ids(where: Any) -> list[int]:
            return list(session.scalars(select(Document.id).where(where).order_by(Document.id)))

        assert ids(Document.file["size"].as_integer() > 3) == [1]
        assert ids(Document.file["content_type"].as_string() == "x/y") == [2]
        assert ids(Document.file["metadata"]["a"]["b"].as_integer() == 7) == [1]
        assert ids(Document.file["metadata", "a", "b"].as_integer() == 7) == [1]
        assert ids(Document.pages[1]["size"].as_integer() == 2) == [1]
        assert session.scalar(select(Document.file["metadata"]).where(Document.id == 1)) == {"a": {"b": 7}}
        assert session.scalar(select(func.sum(Document.file["size"].as_integer()))) == 6
        assert session.scalar(select(Document.pages[1]["filename"]).where(Document.id == 1)) == "a.txt"

    await any_db.run(work)


async def test_jsonb_on_postgresql(any_db: Database) -> None:
    """JSONB there, JSON elsewhere; what is stored are the ten keys."""

    def work(session: Session) -> None:
        document = Document(id=1, file=file(b"12345", metadata={"é": [1, None, {"a": 1.5}]}))
        session.add(document)
        session.flush()
        raw = session.scalar(select(column("file", JSON)).select_from(table("document")))
        assert raw == document.file.to_dict()
        kind = "jsonb_typeof" if session.bind.dialect.name == "postgresql" else "json_type"
        assert session.scalar(text(f"SELECT {kind}(file) FROM document")) == "object"

    await any_db.run(work)


@pytest.mark.parametrize(
    "value", ["a.txt", b"bytes", 7, {"backend": "docs", "filename": "a"}, [], FileObject, object()]
)
@pytest.mark.parametrize("attribute", ["file", "pages"])
def test_wrong_types_are_refused_at_assignment(value: object, attribute: str) -> None:
    """The error names the column and the type, where the mistake is made."""
    wrong = value if attribute == "file" else (value if value != [] else [7])
    with pytest.raises(ColumnValueError, match=rf"Document\.{attribute} takes .*, not "):
        Document(**{attribute: wrong})
    with pytest.raises(TypeError):
        setattr(Document(), attribute, wrong)


@pytest.mark.parametrize("edit", ["append", "insert", "extend", "__iadd__", "slice"])
def test_wrong_types_are_refused_in_lists(edit: str) -> None:
    """Each way into a list of files checks what goes in, and then changes nothing."""
    document = Document(pages=[file()])
    edits = {
        "append": lambda: document.pages.append("a.txt"),
        "insert": lambda: document.pages.insert(0, "a.txt"),
        "extend": lambda: document.pages.extend([file(), "a.txt"]),
        "__iadd__": lambda: document.pages.__iadd__([file(), "a.txt"]),
        "slice": lambda: document.pages.__setitem__(slice(0, 0), [file(), "a.txt"]),
    }
    with pytest.raises(ColumnValueError):
        edits[edit]()
    assert len(document.pages) == 1


BYPASSES = {
    "Core insert": lambda session, value: session.execute(insert(Document.__table__).values(id=9, file=value)),
    "Core executemany": lambda session, value: session.connection().execute(
        insert(Document.__table__), [{"id": 8, "file": None}, {"id": 9, "file": value}]
    ),
    "Core update": lambda session, value: session.connection().execute(update(Document.__table__).values(file=value)),
    "Core bindparam": lambda session, value: session.connection().execute(
        update(Document.__table__).values(file=bindparam("b")), {"b": value}
    ),
    "bulk_save_objects": lambda session, value: session.bulk_save_objects([Document(id=9, file=value)]),
    "bulk_insert_mappings": lambda session, value: session.bulk_insert_mappings(Document, [{"id": 9, "file": value}]),
    "bulk_update_mappings": lambda session, value: session.bulk_update_mappings(Document, [{"id": 1, "file": value}]),
    "text": lambda session, value: session.execute(
        text("UPDATE document SET file = :f").bindparams(bindparam("f", type_=StoredObject())), {"f": value}
    ),
    "where": lambda session, value: session.execute(select(Document).where(Document.file == value)),
}
UNFIT = {
    "pending": (lambda: file(backend="docs"), PendingFileError),
    "described": (lambda: FileObject.describing({"filename": "a", "size": 1}), FileStateError),
    "malformed": (lambda: FileObject.from_row({"filename": "../x"}), InvalidValueError),
    "climbing": (lambda: FileObject(backend="docs", filename="../x", size=1), InvalidValueError),
}


@pytest.mark.parametrize("path", BYPASSES)
@pytest.mark.parametrize("unfit", UNFIT)
async def test_what_was_never_stored_is_refused_on_every_path(db: Database, docs, path: str, unfit: str) -> None:
    """No statement, bulk or single, writes a row whose bytes are not there."""
    make, error = UNFIT[unfit]

    def work(session: Session) -> None:
        session.add(Document(id=1, title="kept", file=file(b"kept")))
        session.commit()
        with pytest.raises(error):
            BYPASSES[path](session, make())
        session.rollback()
        assert [row.file.get_content() for row in session.scalars(select(Document))] == [b"kept"]

    await db.run(work)
    assert stored(docs) == [b"kept"]


@pytest.mark.parametrize("path", [path for path in BYPASSES if path != "where"])
async def test_stored_files_pass_on_every_path(db: Database, docs, path: str) -> None:
    """A file that was saved by hand can be written by any statement."""

    def work(session: Session) -> None:
        session.add(Document(id=1))
        session.flush()
        BYPASSES[path](session, file(b"mine", backend="docs").save())
        session.commit()
        found = [row.file for row in session.scalars(select(Document).where(Document.file.isnot(None)))]
        assert [each.get_content() for each in found] == [b"mine"]

    await db.run(work)


async def test_a_file_that_names_no_storage(db: Database) -> None:
    """A statement has no column default to give, so the file must name its storage itself."""

    def work(session: Session) -> None:
        with pytest.raises(InvalidValueError, match="backend"):
            session.execute(insert(Document.__table__).values(file=FileObject(filename="a", size=1)))

    await db.run(work)


async def test_a_description_in_a_session(db: Database, docs) -> None:
    """What a client described cannot be flushed: it has no bytes."""

    def work(session: Session) -> None:
        for attribute in ("file", "pages"):
            value = FileObject.describing({"filename": "a", "size": 1})
            session.add(Document(**{attribute: value if attribute == "file" else [value]}))
            with pytest.raises(FileStateError, match="only a description"):
                session.flush()
            session.rollback()

    await db.run(work)


async def test_b54_a_file_of_another_storage(db: Database, docs, archive) -> None:
    """It goes where it says, and so does the row; a strict column refuses it."""

    def work(session: Session) -> None:
        session.add(Document(id=1, file=file(b"far", backend="archive"), cover=file(b"own")))
        session.commit()
        row = session.get(Document, 1)
        assert (row.file.backend, row.cover.backend) == ("archive", "archive")
        with pytest.raises(ColumnValueError, match="keeps its files in 'docs' only, not in 'archive'"):
            row.strict = file(backend="archive")
        row.strict = file(b"near")
        row.file = None
        session.commit()

    await db.run(work)
    assert (stored(docs), stored(archive)) == ([b"near"], [b"own"])


def test_what_a_column_shows() -> None:
    """repr, the documented arguments, and strictness that has nothing to be strict about."""
    assert repr(StoredObject(backend="docs")) == "StoredObject(backend='docs')"
    assert repr(StoredObject("docs", True)) == "StoredObject(backend='docs', multiple=True)"
    assert repr(StoredObject()) == "StoredObject()"
    shown = "StoredObject(backend='docs', key_scheme='{id}', strict=True)"
    assert repr(StoredObject("docs", key_scheme="{id}", strict=True)) == shown
    assert "lambda" not in repr(StoredObject("docs", key_scheme=lambda row, file: "a"))
    with pytest.raises(ConfigurationError, match="strict"):
        StoredObject(strict=True)
    with pytest.raises(ConfigurationError):
        StoredObject("docs", key_scheme="{nope}")
    assert StoredObject("docs").python_type is FileObject
    assert StoredObject("docs", multiple=True).python_type is list


def test_a_column_may_be_given_the_storage(docs) -> None:
    """It keeps the name."""
    assert repr(StoredObject(backend=docs)) == "StoredObject(backend='docs')"
