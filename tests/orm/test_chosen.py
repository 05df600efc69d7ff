"""Form fields that nobody used, and those that clear a file."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session
from starlette.datastructures import UploadFile
from werkzeug.datastructures import FileStorage

from holdfast import FileObject, StorageBackend
from holdfast.errors import ColumnValueError
from tests.companions import LitestarUpload
from tests.orm.conftest import Database, contents, stored
from tests.orm.documents import Base, Document, file

pytestmark = pytest.mark.usefixtures("docs", "archive")

UNUSED: dict[str, Any] = {
    "Starlette": lambda: UploadFile(io.BytesIO(), filename=""),
    "Litestar": lambda: LitestarUpload("application/octet-stream", "", b""),
    "Werkzeug": lambda: FileStorage(io.BytesIO(), ""),
}
CLEARED: dict[str, Any] = {
    "Starlette": lambda: UploadFile(io.BytesIO()),
    "Werkzeug": lambda: FileStorage(io.BytesIO(), None),
}
USED: dict[str, Any] = {
    "Starlette": lambda: UploadFile(io.BytesIO(), filename="empty.txt"),
    "Litestar": lambda: LitestarUpload("text/plain", "empty.txt", b""),
    "Werkzeug": lambda: FileStorage(io.BytesIO(), "empty.txt"),
}


@pytest.fixture
async def db(database: Database) -> Database:
    """A database with the table of documents."""
    return await database.create(Base)


@pytest.fixture
def upload(request: pytest.FixtureRequest) -> Iterator[Any]:
    """An upload object, closed after the test."""
    made = request.param()
    yield made
    getattr(made, "file", made).close()


def each(kinds: dict[str, Any]) -> pytest.MarkDecorator:
    """Run a test with each of these uploads."""
    return pytest.mark.parametrize("upload", kinds.values(), ids=kinds, indirect=True)


@each(UNUSED)
async def test_a_field_that_nobody_used(db: Database, docs: StorageBackend, upload: Any) -> None:
    """A new row has no file, and an old one keeps what it has: also if that has to be loaded first."""

    def work(session: Session) -> None:
        session.add(Document(id=1, file=upload, pages=[upload]))
        session.add(Document(id=2, file=file(b"kept"), pages=[file(b"page")]))
        session.commit()
        assert (session.get(Document, 1).file, session.get(Document, 1).pages) == (None, None)
        row = session.get(Document, 2)
        row.file = upload
        row.pages = [upload]
        assert row.file.get_content() == b"kept"
        session.commit()
        session.refresh(row)
        row.file = upload
        session.commit()
        assert (row.file.get_content(), row.pages[0].get_content()) == (b"kept", b"page")

    await db.run(work)
    assert stored(docs) == [b"kept", b"page"]


@each(CLEARED)
async def test_a_field_that_clears(db: Database, docs: StorageBackend, upload: Any) -> None:
    """An upload without a name, made by a program, is no file."""

    def work(session: Session) -> None:
        session.add(Document(id=1, file=file()))
        session.commit()
        session.get(Document, 1).file = upload
        session.commit()
        assert session.get(Document, 1).file is None

    await db.run(work)
    assert not contents(docs)


@each(USED)
async def test_an_empty_file(db: Database, docs: StorageBackend, upload: Any) -> None:
    """It has a name, and is a file like others."""

    def work(session: Session) -> None:
        session.add(Document(id=1, file=upload))
        session.commit()
        assert session.get(Document, 1).file.filename == "empty.txt"

    await db.run(work)
    assert stored(docs) == [b""]


@each(UNUSED | CLEARED)
async def test_one_among_others(db: Database, docs: StorageBackend, upload: Any) -> None:
    """Of several fields for one list, those with files count; so they do in bulk statements."""

    def work(session: Session) -> None:
        session.add(Document(id=1, pages=[upload, file(b"1"), upload]))
        session.execute(insert(Document), [{"id": 2, "file": upload, "pages": [file(b"2"), upload]}])
        session.commit()
        assert len(session.get(Document, 1).pages) == 1
        assert session.get(Document, 2).file is None

    await db.run(work)
    assert stored(docs) == [b"1", b"2"]


async def test_bytes_without_a_name(db: Database, docs: StorageBackend) -> None:
    """Clients that are no browsers send such; it is a file, and gets a name."""

    def work(session: Session) -> None:
        uploads = [UploadFile(io.BytesIO(b"x"), filename=""), UploadFile(io.BytesIO(b"y"))]
        session.add(Document(id=1, file=uploads[0], pages=uploads[1:]))
        session.commit()
        document = session.get(Document, 1)
        assert [document.file.filename, document.pages[0].filename] == ["unnamed", "unnamed"]

    await db.run(work)
    assert stored(docs) == [b"x", b"y"]


async def test_an_upload_that_repeats_the_file(db: Database, docs: StorageBackend) -> None:
    """Form libraries put the file that a row has into the form: nothing is copied, and nothing changes."""

    def work(session: Session) -> None:
        session.add(Document(id=1, file=file(b"1", content_type="x/y")))
        session.add(Document(id=2, file=file(b"2")))
        session.commit()
        one, two = session.get(Document, 1), session.get(Document, 2)
        before = one.file.path
        with one.file.open() as reader:
            one.file = UploadFile(filename=one.file.name, file=reader)
            session.commit()
            assert (one.file.path, one.file.content_type) == (before, "x/y")
            two.file = UploadFile(filename=one.file.name, file=reader)
            session.commit()
        assert two.file.get_content() == b"1"
        assert two.file.path != before

    await db.run(work)
    assert stored(docs) == [b"1", b"1"]


def test_what_is_no_upload() -> None:
    """A class, a text and a number are refused as ever."""
    for value in (UploadFile, "x.txt", 7, io.BytesIO(b"x")):
        with pytest.raises(ColumnValueError):
            Document(file=value)


def test_the_text_of_a_file() -> None:
    """A template or a form shows the name, never where the file lies."""
    assert str(FileObject(backend="docs", filename="Plan B.pdf", to_filename="secret/key")) == "Plan B.pdf"
