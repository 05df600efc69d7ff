"""FastAPI: the documents' handlers in the form that it allows, ready-made routes, OpenAPI, answers to errors."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, UploadFile
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from sqlalchemy import MetaData, create_engine
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlmodel import Field, SQLModel

from holdfast import FileObject, StorageBackend, StoredObject, storages
from holdfast.backends.obstore import ObstoreBackend
from holdfast.contrib.fastapi import FileResponse, SignedFiles, exception_handlers, file_router, upload_form
from holdfast.errors import ConfigurationError, FileRejectedError, UnavailableError
from holdfast.testing import FaultyDriver
from holdfast.testing.s3 import S3Bucket
from tests.companions import SQLAlchemyAsyncRepository, SQLAlchemyAsyncRepositoryService, UUIDAuditBase

STORAGE = "fastapi"
HOST = "http://app.example.com"


class Base(DeclarativeBase):
    pass


class Document(Base):
    __tablename__ = "fastapi_document"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(default="")
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend=STORAGE, max_size=100_000))
    video: Mapped[FileObject | None] = mapped_column(StoredObject(backend=STORAGE))
    image: Mapped[FileObject | None] = mapped_column(StoredObject(backend=STORAGE, accept=["image/png", "image/jpeg"]))


class DocumentRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    title: str
    file: FileObject | None


@pytest.fixture
def storage() -> StorageBackend:
    """A storage in memory, and what signs URLs of it."""
    storages.sign_urls(base_url=f"{HOST}/files", secret="what only the application knows")
    return storages.register_backend("memory://", key=STORAGE)


class Database:
    """A database with three rows, and the dependency that FastAPI gets its sessions from."""

    def __init__(self, path: Any, *, is_async: bool) -> None:
        self.is_async = is_async
        self.sync_engine = create_engine(f"sqlite:///{path}")
        self.async_engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
        Base.metadata.create_all(self.sync_engine)
        with Session(self.sync_engine) as session:
            session.add_all(Document(id=number) for number in (1, 2, 3))
            session.commit()

    @property
    def dependency(self) -> Any:
        """Sessions of one kind."""

        async def get_async_session() -> AsyncIterator[AsyncSession]:
            async with AsyncSession(self.async_engine) as session:
                yield session

        def get_session() -> Iterator[Session]:
            with Session(self.sync_engine) as session:
                yield session

        return get_async_session if self.is_async else get_session

    def row(self, number: int = 1) -> Document:
        """Return a row."""
        with Session(self.sync_engine) as session:
            return session.get_one(Document, number)


@pytest.fixture(params=["sync", "async"])
async def database(request: pytest.FixtureRequest, tmp_path: Any, storage: StorageBackend) -> Any:
    """A database, with sessions of each kind."""
    made = Database(f"{tmp_path}/fastapi.db", is_async=request.param == "async")
    yield made
    made.sync_engine.dispose()
    await made.async_engine.dispose()


def client(app: Any) -> httpx.AsyncClient:
    """Return a client of an application."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HOST)


def keys(storage: StorageBackend) -> list[str]:
    """Return what lies in a storage."""
    return [info.key for info in storage.list()]


# --- the documents' handlers


class PaperModel(UUIDAuditBase):
    """The model of the documents."""

    __tablename__ = "fastapi_papers"
    metadata = MetaData()
    title: Mapped[str]
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="s3"))


class DocumentService(SQLAlchemyAsyncRepositoryService[PaperModel]):
    class Repository(SQLAlchemyAsyncRepository[PaperModel]):
        """Its repository."""

        model_type = PaperModel

    repository_type = Repository


class PaperRead(BaseModel):
    """What FastAPI answers with: it makes JSON of Pydantic models, not of mapped classes."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    title: str
    file: FileObject | None


@pytest.fixture
async def papers(tmp_path: Any) -> Any:
    """The documents' application, with the real service; storages are registered when it starts."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/papers.db")
    async with engine.begin() as connection:
        await connection.run_sync(PaperModel.metadata.create_all)

    async def get_document_service() -> AsyncIterator[DocumentService]:
        async with AsyncSession(engine, expire_on_commit=False) as session:
            yield DocumentService(session=session, auto_commit=True)

    Service = Annotated[DocumentService, Depends(get_document_service)]  # noqa: N806
    router = APIRouter()

    @router.post("/upload", response_model=PaperRead)
    async def upload_file(file: UploadFile, service: Service) -> Any:
        """Upload file to storage backend."""
        doc_data = {
            "title": file.filename or "untitled",
            "file": FileObject(
                backend="s3",
                filename=file.filename or "file",
                content_type=file.content_type or "application/octet-stream",
                content=await file.read(),
            ),
        }
        return await service.create(doc_data)

    @router.post("/upload-as-it-is", response_model=PaperRead)
    async def upload_as_it_is(file: UploadFile, service: Service) -> Any:
        """Upload file to storage backend, without reading it into memory."""
        return await service.create(PaperModel(title=file.filename or "untitled", file=file))

    @router.post("/upload-url")
    async def generate_upload_url(filename: str, content_type: str) -> dict[str, str | int]:
        """Generate signed upload URL for client-side upload."""
        file_obj = FileObject(backend="s3", filename=filename, content_type=content_type)
        upload_url = await file_obj.sign_async(expires_in=3600, for_upload=True)
        return {"upload_url": upload_url, "filename": filename, "expires_in": 3600}

    @router.post("/uploaded", response_model=PaperRead)
    async def uploaded(filename: str, service: Service) -> Any:
        """Make a row of what the client has uploaded."""
        return await service.create(PaperModel(title=filename, file=FileObject(backend="s3", filename=filename)))

    @router.get("/download/{document_id}")
    async def download_file(document_id: UUID, service: Service) -> FileResponse:
        """Download file from storage."""
        doc = await service.get(document_id)
        return FileResponse(doc.file)

    yield router
    await engine.dispose()


@pytest.fixture
async def application(papers: APIRouter, s3_bucket: S3Bucket) -> Any:
    """The application after its start, over S3."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        storages.register_backend(ObstoreBackend(key="s3", fs=s3_bucket.url, **s3_bucket.options))
        yield

    app = FastAPI(lifespan=lifespan)
    app.include_router(papers)
    async with app.router.lifespan_context(app), client(app) as opened:
        yield opened


@pytest.mark.parametrize("path", ["/upload", "/upload-as-it-is"])
async def test_b67_upload_and_download(application: httpx.AsyncClient, path: str) -> None:
    """The row answers with the file's description, and the bytes come back."""
    data = bytes(range(256)) * 1000
    answer = await application.post(path, files={"file": ("Übersicht.pdf", data, "application/pdf")})
    assert answer.status_code == 200, answer.text
    file = answer.json()["file"]
    assert (file["filename"], file["content_type"], file["size"]) == ("Übersicht.pdf", "application/pdf", len(data))
    assert not {"backend", "to_filename", "path", "version_id"} & file.keys()
    found = await application.get(f"/download/{answer.json()['id']}")
    assert found.content == data
    assert found.headers["content-type"] == "application/pdf"
    assert "filename*=UTF-8''%C3%9Cbersicht.pdf" in found.headers["content-disposition"]


async def test_b67_upload_url(application: httpx.AsyncClient, storage: StorageBackend) -> None:
    """A client uploads by itself, and what it uploaded becomes a row's file."""
    asked = {"filename": "scan.txt", "content_type": "text/plain"}
    answer = await application.post("/upload-url", params=asked)
    assert answer.json()["expires_in"] == 3600
    async with httpx.AsyncClient() as away:
        sent = await away.put(answer.json()["upload_url"], content=b"scanned", headers={"Content-Type": "text/plain"})
    assert sent.status_code == 200
    row = await application.post("/uploaded", params={"filename": "scan.txt"})
    assert (row.json()["file"]["size"], row.json()["file"]["filename"]) == (7, "scan.txt")
    assert (await application.get(f"/download/{row.json()['id']}")).content == b"scanned"


# --- upload objects and forms in handlers of one's own


def handlers(database: Database) -> FastAPI:
    """Return an application with handlers of its own."""
    app = FastAPI(exception_handlers=exception_handlers)
    Sessions = Annotated[Any, Depends(database.dependency)]  # noqa: N806

    async def commit(session: Any) -> None:
        if database.is_async:
            await session.commit()
        else:
            await asyncio.to_thread(session.commit)

    @app.post("/object", response_model=DocumentRead)
    async def from_object(file: UploadFile, session: Sessions) -> Any:
        document = Document(title="object", file=file)
        session.add(document)
        await commit(session)
        if database.is_async:
            await session.refresh(document)
        return document

    @app.post("/form", response_model=DocumentRead)
    async def from_form(request: Request, session: Sessions) -> Any:
        async with upload_form(request, {"file": Document.file, "image": Document.image}) as form:
            document = Document(title=form["title"], file=form.files["file"], image=form.files.get("image"))
            session.add(document)
            await commit(session)
            if database.is_async:
                await session.refresh(document)
            return document

    return app


async def test_an_upload_object(database: Database, storage: StorageBackend) -> None:
    """It is put into a row as it is."""
    async with client(handlers(database)) as opened:
        answer = await opened.post("/object", files={"file": ("a.txt", b"hello", "text/plain")})
    assert (answer.json()["file"]["size"], answer.json()["file"]["filename"]) == (5, "a.txt")
    assert len(keys(storage)) == 1


async def test_a_form(database: Database, storage: StorageBackend) -> None:
    """Its file lies in the storage before the handler begins."""
    async with client(handlers(database)) as opened:
        answer = await opened.post("/form", data={"title": "t"}, files={"file": ("a.txt", b"hello", "text/plain")})
    assert (answer.json()["title"], answer.json()["file"]["size"]) == ("t", 5)
    assert len(keys(storage)) == 1


@pytest.mark.parametrize(
    ("files", "status", "code"),
    [
        ({"file": ("a.txt", b"x" * 100_001)}, 413, "too_large"),
        ({"file": ("a.txt", b"x"), "image": ("a.png", b"<html>", "image/png")}, 415, "type_mismatch"),
        ({"other": ("a.txt", b"x")}, 400, "malformed"),
        (None, 415, "not_a_form"),
    ],
)
async def test_s9_refusals(database: Database, storage: StorageBackend, files: Any, status: int, code: str) -> None:
    """Each is one answer for programs and people, and nothing stays."""
    async with client(handlers(database)) as opened:
        answer = await opened.post("/form", data={"title": "t"}, files=files)
    assert answer.status_code == status, answer.text
    assert answer.json()["code"] in {code, "type_not_accepted"}
    assert answer.json()["message"]
    assert keys(storage) == []


async def test_a_refused_upload_object(database: Database, storage: StorageBackend) -> None:
    """The flush refuses it, with the same answer."""
    async with client(handlers(database)) as opened:
        answer = await opened.post("/object", files={"file": ("a.txt", b"x" * 100_001)})
    assert answer.status_code == 413
    assert answer.json()["field"] == "file"
    assert answer.json()["limit"] == 100_000
    assert keys(storage) == []


# --- the ready-made routes


def authorize(request: Request, action: str, row: Document) -> bool:
    """Allow everything but the row number 2."""
    return row.id != 2


def ready(database: Database, **options: Any) -> FastAPI:
    """Return an application of ready-made routes."""
    app = FastAPI()
    options = {"session": database.dependency, "authorize": authorize, **options}
    app.include_router(file_router(Document.file, **options), prefix="/documents")
    app.include_router(file_router(Document.image, prefix="/images", tags=["images"], **options))
    app.mount("/files", SignedFiles())
    return app


async def test_b67_the_ready_made_routes(database: Database, storage: StorageBackend) -> None:
    """Upload, download, a part of it, a URL of it, delete."""
    async with client(ready(database)) as opened:
        answer = await opened.put("/documents/1", files={"file": ("a b.txt", b"hello", "text/plain")})
        assert answer.status_code == 200, answer.text
        assert (answer.json()["filename"], answer.json()["size"]) == ("a b.txt", 5)
        for path in ("/documents/1", (await opened.get("/documents/1/url")).json()["url"], answer.json()["url"]):
            found = await opened.get(path)
            assert (found.status_code, found.content) == (200, b"hello")
            assert found.headers["content-disposition"] == 'attachment; filename="a b.txt"'
            assert found.headers["x-content-type-options"] == "nosniff"
        part = await opened.get("/documents/1", headers={"Range": "bytes=1-2"})
        assert (part.status_code, part.content) == (206, b"el")
        same = await opened.get("/documents/1", headers={"If-None-Match": found.headers["etag"]})
        assert same.status_code == 304
        head = await opened.head("/documents/1")
        assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "5")
        gone = await opened.delete("/documents/1")
        assert (gone.status_code, gone.content) == (204, b"")
        assert "content-type" not in gone.headers
        assert (await opened.get("/documents/1")).status_code == 404
    assert keys(storage) == []


async def test_b67_a_direct_upload(database: Database, storage: StorageBackend) -> None:
    """Ticket, upload by the client itself, claim."""
    async with client(ready(database)) as opened:
        asked = {"filename": "c.txt", "size": 5, "content_type": "text/plain"}
        answer = await opened.post("/documents/1/ticket", json=asked)
        assert answer.status_code == 201, answer.text
        ticket = answer.json()
        sent = await opened.request(ticket["method"], ticket["url"], content=b"hello", headers=ticket["headers"])
        assert sent.is_success, sent.text
        elsewhere = await opened.post("/documents/3/claim", json={"token": ticket["token"]})
        assert (elsewhere.status_code, elsewhere.json()["code"]) == (403, "invalid_token")
        claimed = await opened.post("/documents/1/claim", json={"token": ticket["token"]})
        assert (claimed.status_code, claimed.json()["size"]) == (200, 5)
        assert (await opened.get("/documents/1")).content == b"hello"
        again = await opened.post("/documents/1/claim", json={"token": ticket["token"]})
        assert again.status_code == 403
        large = await opened.post("/documents/1/ticket", json={**asked, "size": 100_001})
        assert (large.status_code, large.json()["code"]) == (413, "too_large")
        assert (await opened.post("/documents/1/ticket", json={"size": "many"})).status_code == 422


REQUESTS = [
    ("GET", "", {}),
    ("HEAD", "", {}),
    ("GET", "/url", {}),
    ("PUT", "", {"files": {"file": ("a.txt", b"hello")}}),
    ("DELETE", "", {}),
    ("POST", "/ticket", {"json": {"filename": "c.txt", "size": 5, "content_type": "text/plain"}}),
    ("POST", "/claim", {"json": {"token": "x"}}),
]


@pytest.mark.parametrize(("method", "path", "options"), REQUESTS)
async def test_s30_whole_answers_are_alike(
    database: Database, storage: StorageBackend, method: str, path: str, options: Any
) -> None:
    """Unknown, forbidden, impossible: status, headers and body are the same, byte for byte."""
    with Session(database.sync_engine) as session:
        session.get_one(Document, 2).file = FileObject(filename="secret.txt", content=b"secret")
        session.commit()
    answers = set()
    async with client(ready(database)) as opened:
        for key in ("2", "99", "x", "99999999999999999999", "%00", "-1"):
            answer = await opened.request(method, f"/documents/{key}{path}", **options)
            answers.add((answer.status_code, tuple(answer.headers.multi_items()), answer.content))
        if method in {"GET", "HEAD", "DELETE"}:
            answer = await opened.request(method, f"/documents/3{path}", **options)  # a row without a file
            answers.add((answer.status_code, tuple(answer.headers.multi_items()), answer.content))
    [(status, _, _)] = answers
    assert status == 404
    assert len(keys(storage)) == 1


async def test_s30_an_async_authorize(database: Database) -> None:
    """It is awaited."""

    async def nobody(request: Request, action: str, row: Document) -> bool:
        await asyncio.sleep(0)
        return False

    async with client(ready(database, authorize=nobody)) as opened:
        assert (await opened.get("/documents/1")).status_code == 404


def test_s30_authorize_is_required() -> None:
    """There is no router without it."""
    with pytest.raises(TypeError):
        file_router(Document.file, session=print)
    with pytest.raises(ConfigurationError):
        file_router(Document.file, session=print, authorize=None)


async def test_the_application_may_answer_errors_itself(database: Database) -> None:
    """Its own handlers come first."""
    app = ready(database)

    @app.exception_handler(FileRejectedError)
    async def refused(request: Request, error: FileRejectedError) -> JSONResponse:
        return JSONResponse({"mine": error.limit}, 418)

    async with client(app) as opened:
        answer = await opened.put("/documents/1", files={"file": ("a.txt", b"x" * 100_001)})
    assert (answer.status_code, answer.json()) == (418, {"mine": 100_000})


async def test_a_session_dependency_sees_the_error(database: Database) -> None:
    """So that one which commits at its end does not do so after a refusal."""
    seen = []

    def get_session() -> Iterator[Session]:
        with Session(database.sync_engine) as session:
            try:
                yield session
            except FileRejectedError as error:
                seen.append(error.code)
                raise

    app = ready(database, session=get_session)
    async with client(app) as opened:
        answer = await opened.put("/documents/1", files={"file": ("a.txt", b"x" * 100_001)})
    assert answer.status_code == 413
    assert seen == ["too_large"]


async def test_an_object_that_is_missing(database: Database, storage: StorageBackend) -> None:
    """The row is there, its bytes are not: what is not there is not found."""
    async with client(ready(database)) as opened:
        await opened.put("/documents/1", files={"file": ("a.txt", b"hello")})
        storage.delete(keys(storage))
        answer = await opened.get("/documents/1")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


class CutDriver(FaultyDriver):
    """Fails in the middle of an object."""

    async def read_async(self, key: str, start: int, end: int | None, chunk_size: int | None) -> AsyncIterator[bytes]:
        given = 0
        async for chunk in self.driver.read_async(key, start, end, 100_000):
            if (given := given + len(chunk)) > 600_000:
                raise UnavailableError("the storage went away")
            yield chunk


async def test_an_error_in_the_middle_of_a_file(database: Database) -> None:
    """The answer has begun, so it breaks off: no second one is begun inside of it."""
    driver = CutDriver(storages.get(STORAGE)._driver)
    storages.register_backend(StorageBackend(STORAGE, driver))
    app = FastAPI()
    app.include_router(file_router(Document.video, session=database.dependency, authorize=authorize))
    async with client(app) as opened:
        await opened.put("/1", files={"file": ("a.mp4", bytes(1_000_000))})
        with pytest.raises(UnavailableError, match="the storage went away"):
            await opened.get("/1")


# --- schemas


async def test_b46_openapi_shows_files(database: Database) -> None:
    """What is sent and what comes back, without a storage or a key; ids are unique."""
    app = ready(database)
    app.include_router(handlers(database).router, prefix="/own")
    async with client(app) as opened:
        schema = (await opened.get("/openapi.json")).json()
    paths = schema["paths"]
    form = paths["/images/{id}"]["put"]["requestBody"]["content"]["multipart/form-data"]
    assert form["schema"]["properties"]["file"] == {"type": "string", "format": "binary"}
    assert form["encoding"]["file"]["contentType"] == "image/png, image/jpeg"
    assert "encoding" not in paths["/documents/{id}"]["put"]["requestBody"]["content"]["multipart/form-data"]
    download = paths["/documents/{id}"]["get"]["responses"]["200"]["content"]
    assert list(download) == ["application/octet-stream"]
    shown = paths["/documents/{id}"]["put"]["responses"]["200"]["content"]["application/json"]["schema"]["properties"]
    assert set(shown) == {"filename", "content_type", "size", "last_modified", "checksum", "etag", "metadata", "url"}
    assert {"404", "413", "415"} <= set(paths["/documents/{id}"]["put"]["responses"])
    assert "url" in json.dumps(schema["components"]["schemas"]["DocumentRead"])
    assert paths["/documents/{id}"]["get"]["parameters"][0]["name"] == "id"
    assert paths["/images/{id}"]["get"]["tags"] == ["images"]
    ids = [operation["operationId"] for path in paths.values() for operation in path.values()]
    assert len(ids) == len(set(ids))
    text = json.dumps(schema)
    assert not [name for name in ("backend", "to_filename", "version_id", "source_path") if f'"{name}"' in text]


class Photo(SQLModel, table=True):
    __tablename__ = "fastapi_photo"
    id: int | None = Field(default=None, primary_key=True)
    file: FileObject | None = Field(default=None, sa_type=StoredObject(backend=STORAGE))


class PhotoRead(SQLModel):
    id: int
    file: FileObject | None


async def test_b46_sqlmodel(database: Database, storage: StorageBackend) -> None:
    """A table model is a response model like any other."""
    SQLModel.metadata.create_all(database.sync_engine, tables=[Photo.__table__])
    app = FastAPI()

    @app.post("/photos", response_model=PhotoRead)
    def create(file: UploadFile) -> Any:
        with Session(database.sync_engine, expire_on_commit=False) as session:
            photo = Photo(file=FileObject(content=file))
            session.add(photo)
            session.commit()
            return photo

    async with client(app) as opened:
        answer = await opened.post("/photos", files={"file": ("a.png", b"hello", "image/png")})
        assert answer.json()["file"]["size"] == 5
        assert answer.json()["file"]["url"].startswith(f"{HOST}/files/")
        properties = (await opened.get("/openapi.json")).json()["components"]["schemas"]["PhotoRead"]["properties"]
    assert "url" in json.dumps(properties["file"])
