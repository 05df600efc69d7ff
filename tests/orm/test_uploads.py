"""Upload objects of web frameworks, assigned to a column as they come."""

import io
import tempfile
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from starlette.datastructures import Headers, UploadFile
from starlette.requests import Request
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Request as WerkzeugRequest

from holdfast import FileObject
from tests.companions import LitestarUpload
from tests.orm.conftest import Database, stored
from tests.orm.documents import Base, Document, file

pytestmark = pytest.mark.usefixtures("docs", "archive")

LARGE = bytes(range(256)) * 8192  # beyond what frameworks keep in memory


def starlette(content: bytes) -> UploadFile:
    """Return what Starlette and FastAPI hand over."""
    spooled = tempfile.SpooledTemporaryFile(max_size=1024)  # noqa: SIM115
    spooled.write(content)
    return UploadFile(spooled, filename="../Plan B.pdf", headers=Headers({"content-type": "application/pdf"}))


def litestar(content: bytes) -> LitestarUpload:
    """Return what Litestar hands over."""
    return LitestarUpload("application/pdf", "../Plan B.pdf", content)


def werkzeug(content: bytes) -> FileStorage:
    """Return what Flask hands over."""
    return FileStorage(io.BytesIO(content), "../Plan B.pdf", content_type="application/pdf")


def form(content: bytes, name: str) -> tuple[str, bytes]:
    """Return a form with one file, as a browser sends it: its type, and its body."""
    head = f'Content-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: x/y\r\n\r\n'
    return "multipart/form-data; boundary=cut", b"--cut\r\n" + head.encode() + content + b"\r\n--cut--\r\n"


@pytest.fixture
async def db(database: Database) -> Database:
    """A database with the table of documents."""
    return await database.create(Base)


@pytest.mark.parametrize("content", [b"", b"hello", LARGE], ids=len)
@pytest.mark.parametrize("make", [starlette, litestar, werkzeug])
async def test_an_upload_is_a_file(db: Database, docs, make: Any, content: bytes) -> None:
    """Document(file=upload), and an upload among others in a list: name and type are the upload's."""
    uploads = [make(content), make(content)]

    def work(session: Session) -> None:
        session.add(Document(id=1, file=uploads[0], pages=[file(b"first")]))
        session.commit()
        session.get(Document, 1).pages.append(uploads[1])
        session.commit()
        row = session.get(Document, 1)
        for found in (row.file, row.pages[1]):
            assert (found.filename, found.content_type, found.size) == (
                "../Plan B.pdf",
                "application/pdf",
                len(content),
            )
            assert found.path.endswith("-Plan-B.pdf")
            assert found.get_content() == content

    await db.run(work)
    assert stored(docs) == sorted([content, b"first", content])
    for upload in uploads:
        getattr(upload, "file", upload).close()


@pytest.mark.parametrize("make", [starlette, litestar, werkzeug])
def test_as_content_with_a_name_of_ones_own(docs, make: Any) -> None:
    """What the caller says outranks what the upload says."""
    upload = make(b"hello")
    found = FileObject(backend="docs", filename="plan.txt", content_type="text/x", content=upload).save()
    assert (found.filename, found.content_type, found.get_content()) == ("plan.txt", "text/x", b"hello")
    assert FileObject(backend="docs", content=upload).content_type == "application/pdf"
    getattr(upload, "file", upload).close()


async def test_an_upload_that_nobody_named(docs) -> None:
    """Content without a name is a file all the same."""
    for upload in (FileStorage(io.BytesIO(b"x"), ""), UploadFile(io.BytesIO(b"x"), filename="")):
        assert Document(file=upload).file.filename == "unnamed"


async def test_a_real_starlette_request(tmp_path, docs) -> None:
    """The upload of a multipart form, as an endpoint hands it to the column under AsyncSession."""
    db = await Database(f"sqlite+aiosqlite:///{tmp_path}/test.db", is_async=True).create(Base)

    kind, body = form(LARGE, "é.bin")

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    request = Request({"type": "http", "method": "POST", "headers": [(b"content-type", kind.encode())]}, receive)
    async with request.form() as fields, AsyncSession(db.engine) as session:
        document = Document(file=fields["file"])
        session.add(document)
        await session.commit()
        await session.refresh(document)
        assert (document.file.filename, document.file.size) == ("é.bin", len(LARGE))
    assert stored(docs) == [LARGE]
    await db.dispose()


async def test_a_real_werkzeug_request(db: Database, docs) -> None:
    """The files of a parsed form, as Flask hands them over."""
    kind, body = form(LARGE, "a.bin")
    environ = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(body))}

    def work(session: Session) -> None:
        session.add(Document(file=request.files["file"]))
        session.commit()
        assert session.scalars(select(Document)).one().file.content_type == "x/y"

    with WerkzeugRequest(environ | {"wsgi.input": io.BytesIO(body)}) as request:
        await db.run(work)
    assert stored(docs) == [LARGE]
