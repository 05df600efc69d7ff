"""The documents' handlers, in the form that Litestar and Flask allow, with the real advanced-alchemy."""

import io
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pydantic
import pytest
from flask import Flask, jsonify, request
from litestar import get, patch, post
from litestar.datastructures import UploadFile
from litestar.di import Provide
from litestar.enums import RequestEncodingType
from litestar.exceptions import NotFoundException
from litestar.params import Body
from litestar.response import Stream
from sqlalchemy import MetaData, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, Session, mapped_column

from holdfast import FileObject, StoredObject, storages
from holdfast.backends.obstore import ObstoreBackend
from holdfast.contrib import flask as holdfast_flask
from holdfast.contrib.litestar import FileResponse, HoldfastPlugin, file_router
from holdfast.testing.s3 import S3Bucket
from tests.companions import (
    AdvancedAlchemy,
    FlaskConfig,
    Litestar,
    LitestarAsyncConfig,
    LitestarSyncConfig,
    SQLAlchemyAsyncRepository,
    SQLAlchemyAsyncRepositoryService,
    SQLAlchemyDTO,
    SQLAlchemyDTOConfig,
    SQLAlchemyPlugin,
    SQLAlchemySyncRepository,
    SQLAlchemySyncRepositoryService,
    UUIDAuditBase,
)

# The documents leave it to Litestar what an argument is, which its next major version wants to be told.
pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")

MultiPart = Annotated[UploadFile, Body(media_type=RequestEncodingType.MULTI_PART)]
SECRET = "a secret of this test's own, long enough"


class DocumentModel(UUIDAuditBase):
    """The model of the documents."""

    __tablename__ = "framework_documents"
    metadata = MetaData()
    title: Mapped[str]
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="s3-documents", max_size=3_000_000))

    @property
    def url(self) -> str | None:
        return None if self.file is None else self.file.link(expires_in=3600)


class DocumentService(SQLAlchemyAsyncRepositoryService[DocumentModel]):
    class Repository(SQLAlchemyAsyncRepository[DocumentModel]):
        """Its repository."""

        model_type = DocumentModel

    repository_type = Repository


class SyncDocumentService(SQLAlchemySyncRepositoryService[DocumentModel]):
    class Repository(SQLAlchemySyncRepository[DocumentModel]):
        """Its repository."""

        model_type = DocumentModel

    repository_type = Repository


class DocumentSchema(msgspec.Struct):
    id: UUID
    title: str
    file: FileObject | None


class DocumentRead(pydantic.BaseModel):
    id: UUID
    title: str
    file: FileObject | None


async def provide_service(db_session: AsyncSession) -> AsyncGenerator[DocumentService, None]:
    """Provide the service, as advanced-alchemy's documentation does."""
    async with DocumentService.new(session=db_session) as service:
        yield service


def provide_sync_service(db_session: Session) -> Any:
    """Provide the service in the sync world."""
    with SyncDocumentService.new(session=db_session) as service:
        yield service


@asynccontextmanager
async def configure_storage(app: Litestar) -> AsyncIterator[None]:
    """Register storages when the application starts."""
    storages.register_backend(ObstoreBackend(key="s3-documents", fs="memory://"))
    yield


# --- async handlers


@post("/upload", signature_namespace={"DocumentService": DocumentService})
async def upload_file(data: MultiPart, service: DocumentService) -> DocumentModel:
    """Upload file to storage backend."""
    doc_data = {
        "title": data.filename or "untitled",
        "file": FileObject(
            backend="s3-documents",
            filename=data.filename or "file",
            content_type=data.content_type or "application/octet-stream",
            content=await data.read(),
        ),
    }
    return await service.create(doc_data)


@post("/upload-model")
async def upload_model(data: MultiPart, service: DocumentService) -> DocumentSchema:
    """Upload with a model and a schema."""
    doc = await service.create(
        DocumentModel(
            title=data.filename or "untitled",
            file=FileObject(
                backend="s3-documents",
                filename=data.filename or "file",
                content_type=data.content_type,
                content=await data.read(),
            ),
        )
    )
    return service.to_schema(doc, schema_type=DocumentSchema)


@post("/upload-plain")
async def upload_plain(data: MultiPart, service: DocumentService) -> DocumentRead:
    """Hand over the upload itself."""
    doc = await service.create(DocumentModel(title=data.filename, file=data))
    return service.to_schema(doc, schema_type=DocumentRead)


@get("/documents")
async def list_documents(service: DocumentService) -> list[DocumentModel]:
    """Return all rows."""
    return list(await service.get_many())


@get("/download/{document_id:uuid}")
async def download_file(document_id: UUID, service: DocumentService) -> FileResponse:
    """Download file."""
    doc = await service.get(document_id)
    if doc.file is None:
        raise NotFoundException("file not found")
    return FileResponse(doc.file)


@get("/stream/{document_id:uuid}")
async def stream_file(document_id: UUID, service: DocumentService) -> Stream:
    """Download file with Litestar's own response."""
    doc = await service.get(document_id)
    if doc.file is None:
        raise NotFoundException("file not found")
    return Stream(
        content=doc.file.iter_content_async(),
        media_type=doc.file.content_type or "application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{doc.file.filename}"'},
    )


@get("/stream-bytes/{document_id:uuid}")
async def stream_bytes(document_id: UUID, service: DocumentService) -> Stream:
    """Download file that was read at once: bytes in a list, as bytes alone are an iterable of numbers."""
    doc = await service.get(document_id)
    content = await doc.file.get_content_async()
    return Stream(content=[content], media_type=doc.file.content_type)


@post("/fail")
async def fail_late(data: MultiPart, service: DocumentService) -> None:
    """Fail after the row was flushed."""
    await service.create(DocumentModel(title="x", file=data))
    raise NotFoundException


HANDLERS = [
    upload_file,
    upload_model,
    upload_plain,
    list_documents,
    download_file,
    stream_file,
    stream_bytes,
    fail_late,
]


# --- sync handlers


@post("/upload", sync_to_thread=True)
def upload_file_sync(data: MultiPart, service: SyncDocumentService) -> DocumentModel:
    """Upload in a sync handler, which Litestar runs in a thread."""
    return service.create({"title": data.filename, "file": FileObject(content=data)})


@post("/upload-model", sync_to_thread=True)
def upload_model_sync(data: MultiPart, service: SyncDocumentService) -> DocumentSchema:
    """Upload with a model and a schema."""
    doc = service.create(DocumentModel(title=data.filename, file=data))
    return service.to_schema(doc, schema_type=DocumentSchema)


@get("/download/{document_id:uuid}", sync_to_thread=True)
def download_file_sync(document_id: UUID, service: SyncDocumentService) -> FileResponse:
    """Download file."""
    return FileResponse(service.get(document_id).file)


@post("/fail", sync_to_thread=True)
def fail_late_sync(data: MultiPart, service: SyncDocumentService) -> None:
    """Fail after the row was flushed."""
    service.create(DocumentModel(title="x", file=data))
    raise NotFoundException


SYNC_HANDLERS = [upload_file_sync, upload_model_sync, download_file_sync, fail_late_sync]


@dataclass
class Running:
    """An application that has started."""

    client: httpx.AsyncClient
    config: Any

    async def upload(self, path: str, content: bytes = b"hello", name: str = "hello.txt") -> httpx.Response:
        """Send a form with a file."""
        return await self.client.post(path, files={"data": (name, content, "text/plain")})


def may(request: Any, action: str, document: DocumentModel) -> bool:
    """Allow everything that is done to rows of one title."""
    return document.title == "hello.txt"


def stored() -> list[bytes]:
    """Return the bytes of all that lies in the documents' storage."""
    storage = storages.get("s3-documents")
    return sorted(storage.read(info.key) for info in storage.list())


@asynccontextmanager
async def running(config: Any, handlers: Any, provide: Callable[..., Any]) -> AsyncIterator[Running]:
    """Start an application over an empty database."""
    engine = config.get_engine()
    if isinstance(config, LitestarAsyncConfig):
        async with engine.begin() as connection:
            await connection.run_sync(DocumentModel.metadata.create_all)
    else:
        DocumentModel.metadata.create_all(engine)
    app = Litestar(
        route_handlers=[*handlers, file_router(DocumentModel.file, session="db_session", authorize=may, path="/files")],
        plugins=[SQLAlchemyPlugin(config), HoldfastPlugin()],
        dependencies={"service": Provide(provide)},
        lifespan=[configure_storage],
        logging_config=None,
    )
    transport = httpx.ASGITransport(app)
    try:
        async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://documents.test") as client:
            yield Running(client, config)
    finally:  # the plugin disposes of the engine of a process's first configuration only
        disposed = engine.dispose()
        if disposed is not None:
            await disposed


def url_of(driver: str, request: pytest.FixtureRequest, folder: Any) -> str:
    """Return the URL of an empty database."""
    if driver.endswith("sqlite"):
        return f"sqlite+{driver}:///{folder}/documents.db"
    url: str = request.getfixturevalue("postgres").url(driver)
    return url


DRIVERS = [
    "aiosqlite",
    "pysqlite",
    pytest.param("asyncpg", marks=pytest.mark.postgres),
    pytest.param("psycopg", marks=pytest.mark.postgres),
]


@pytest.fixture(params=DRIVERS)
async def each_app(request: pytest.FixtureRequest, tmp_path: Any) -> AsyncIterator[Running]:
    """The application in both worlds, on both databases; a request's transaction ends with its answer."""
    url = url_of(request.param, request, tmp_path)
    if request.param in {"aiosqlite", "asyncpg"}:
        config: Any = LitestarAsyncConfig(connection_string=url, before_send_handler="autocommit")
        async with running(config, HANDLERS, provide_service) as app:
            yield app
    else:
        config = LitestarSyncConfig(connection_string=url, before_send_handler="autocommit")
        async with running(config, SYNC_HANDLERS, provide_sync_service) as app:
            yield app


@pytest.fixture
async def app(tmp_path: Any) -> AsyncIterator[Running]:
    """The application in the async world."""
    url = f"sqlite+aiosqlite:///{tmp_path}/documents.db"
    config = LitestarAsyncConfig(connection_string=url, before_send_handler="autocommit")
    async with running(config, HANDLERS, provide_service) as started:
        yield started


async def test_b66_upload_and_download_in_litestar(each_app: Running) -> None:
    """A dict for the service, and the model as the answer: its DTO shows metadata and no place; the bytes come back."""
    answer = await each_app.upload("/upload", b"hello", "Übersicht.txt")
    assert answer.status_code == 201
    shown = answer.json()
    assert (shown["title"], shown["file"]["filename"]) == ("Übersicht.txt", "Übersicht.txt")
    assert (shown["file"]["size"], shown["file"]["content_type"]) == (5, "text/plain")
    assert shown["file"]["url"] is None
    (place,) = storages.get("s3-documents").list()
    assert place.key not in answer.text
    assert "s3-documents" not in answer.text
    download = await each_app.client.get(f"/download/{shown['id']}")
    assert (download.status_code, download.content) == (200, b"hello")
    assert download.headers["content-type"].startswith("text/plain")
    assert download.headers["content-disposition"].startswith("attachment; filename=")
    assert download.headers["x-content-type-options"] == "nosniff"


async def test_b66_upload_with_a_model_and_a_schema(each_app: Running) -> None:
    """An instance for the service, and a struct that `to_schema` makes of it."""
    answer = await each_app.upload("/upload-model")
    assert answer.status_code == 201
    assert answer.json().keys() == {"id", "title", "file"}
    assert answer.json()["file"]["checksum"].startswith("sha256:")
    assert stored() == [b"hello"]


async def test_b66_ready_made_routes(each_app: Running) -> None:
    """With advanced-alchemy's own session, whose keys are UUIDs."""
    row = (await each_app.upload("/upload-model")).json()["id"]
    answer = await each_app.client.put(f"/files/{row}", files={"file": ("new.txt", b"newer")})
    assert (answer.status_code, answer.json()["filename"]) == (200, "new.txt")
    assert (await each_app.client.get(f"/files/{row}")).content == b"newer"
    assert (await each_app.client.delete(f"/files/{row}")).status_code == 204
    assert (await each_app.client.get(f"/files/{row}")).status_code == 404
    assert stored() == []
    other = (await each_app.upload("/upload-model", name="other.txt")).json()["id"]
    for key in (other, uuid4()):
        assert (await each_app.client.get(f"/files/{key}")).json()["code"] == "not_found"


async def test_b66_a_handler_that_fails_leaves_nothing(each_app: Running) -> None:
    """The answer's status rolls the transaction back, and the file goes with the row."""
    assert (await each_app.upload("/fail")).status_code == 404
    assert stored() == []


async def test_b66_a_rule_of_the_column(each_app: Running) -> None:
    """The service's flush refuses the file, and the client is told why."""
    answer = await each_app.upload("/upload", b"x" * 3_000_001)
    assert answer.status_code == 413
    assert answer.json()["limit"] == 3_000_000
    assert stored() == []


async def test_b66_the_upload_itself_and_a_pydantic_schema(app: Running) -> None:
    """Without reading it: name and type come along, also of a file that is on disk already."""
    data = bytes(range(256)) * 8192  # 2 MiB: Litestar has put it on disk
    answer = await app.upload("/upload-plain", data)
    assert answer.status_code == 201
    assert (answer.json()["file"]["filename"], answer.json()["file"]["size"]) == ("hello.txt", len(data))
    assert "url" in answer.json()["file"]
    assert stored() == [data]


async def test_b66_download_with_a_stream(app: Running) -> None:
    """Litestar's own `Stream` takes an iterator of bytes, or a list of them."""
    made = (await app.upload("/upload")).json()
    for path in ("stream", "stream-bytes"):
        answer = await app.client.get(f"/{path}/{made['id']}")
        assert (answer.content, answer.headers["content-type"]) == (b"hello", "text/plain; charset=utf-8")
    assert (await app.client.get(f"/download/{uuid4()}")).status_code == 404


async def test_b66_a_list_of_models(app: Running) -> None:
    """Rows with and without a file."""
    await app.upload("/upload")
    async with app.config.get_session() as session:
        session.add(DocumentModel(title="none"))
        await session.commit()
    answer = await app.client.get("/documents")
    assert sorted((row["title"], row["file"] and row["file"]["size"]) for row in answer.json()) == [
        ("hello.txt", 5),
        ("none", None),
    ]


async def test_b66_without_a_commit_nothing_stays(tmp_path: Any) -> None:
    """advanced-alchemy's plugin commits only when it is told to: row and bytes share that fate."""
    config = LitestarAsyncConfig(connection_string=f"sqlite+aiosqlite:///{tmp_path}/documents.db")
    async with running(config, HANDLERS, provide_service) as app:
        assert (await app.upload("/upload")).status_code == 201
        assert (await app.client.get("/documents")).json() == []
        assert stored() == []


class Writing(SQLAlchemyDTO[DocumentModel]):
    config = SQLAlchemyDTOConfig(exclude={"id", "created_at", "updated_at"}, partial=True)


@post("/described", dto=Writing)
async def create_described(data: DocumentModel, service: DocumentService) -> DocumentModel:
    """Create a row from JSON."""
    return await service.create(data)


@patch("/described/{document_id:uuid}", dto=Writing)
async def update_described(document_id: UUID, data: DocumentModel, service: DocumentService) -> DocumentModel:
    """Update a row from JSON."""
    return await service.update(data, item_id=document_id)


async def test_b66_a_client_cannot_choose_a_place(tmp_path: Any) -> None:
    """JSON that a DTO takes for the model describes a file at most: no row points to an object by it."""
    url = f"sqlite+aiosqlite:///{tmp_path}/documents.db"
    config = LitestarAsyncConfig(connection_string=url, before_send_handler="autocommit")
    handlers = [*HANDLERS, create_described, update_described]
    async with running(config, handlers, provide_service) as app:
        storages.get("s3-documents").put("secret/salaries.txt", b"secret")
        file = {"filename": "a.txt", "backend": "s3-documents", "to_filename": "secret/salaries.txt"}
        file |= {"path": "secret/salaries.txt", "size": 6, "etag": "1"}
        made = (await app.upload("/upload")).json()
        assert (await app.client.post("/described", json={"title": "x", "file": file})).status_code == 422
        assert (await app.client.patch(f"/described/{made['id']}", json={"file": file})).status_code == 422
        assert (await app.client.get(f"/download/{made['id']}")).content == b"hello"
        renamed = await app.client.patch(f"/described/{made['id']}", json={"title": "renamed"})
        assert renamed.status_code == 200
        assert (renamed.json()["title"], renamed.json()["file"]["size"]) == ("renamed", 5)
        async with config.get_session() as session:
            rows = (await session.scalars(select(DocumentModel))).all()
            assert [row.file.size for row in rows] == [5]


@post("/bare")
async def upload_bare(data: UploadFile) -> str:
    """Leave out that the body is a form."""
    return data.filename


@get("/bytes")
async def stream_numbers() -> Stream:
    """Stream bytes as they are."""
    return Stream(content=b"abc")


async def test_b66_what_litestar_does_not_take() -> None:
    """An upload without its media type is read as JSON, and bytes are an iterable of numbers."""
    app = Litestar([upload_bare, stream_numbers], plugins=[HoldfastPlugin()], logging_config=None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://documents.test") as client:
        assert (await client.post("/bare", files={"data": ("a", b"a")})).status_code == 400
        with pytest.raises(Exception, match="after response started"):
            await client.get("/bytes")


@post("/upload-url")
async def generate_upload_url(filename: str, content_type: str) -> dict[str, str | int]:
    """Generate signed upload URL for client-side upload."""
    file_obj = FileObject(backend="s3", filename=filename, content_type=content_type)
    upload_url = await file_obj.sign_async(expires_in=3600, for_upload=True)
    return {"upload_url": upload_url, "filename": filename, "expires_in": 3600}


async def test_b66_a_signed_url_for_an_upload(s3_bucket: S3Bucket) -> None:
    """The client writes the object without credentials, and the file of that name reads it."""
    storages.register_backend(ObstoreBackend(key="s3", fs=s3_bucket.url, **s3_bucket.options))
    app = Litestar([generate_upload_url], logging_config=None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://documents.test") as client:
        answer = await client.post("/upload-url", params={"filename": "a/ü.txt", "content_type": "text/plain"})
    assert answer.status_code == 201
    assert answer.json()["expires_in"] == 3600
    async with httpx.AsyncClient() as client:
        url, headers = answer.json()["upload_url"], {"content-type": "text/plain"}
        written = await client.put(url, content=b"direct", headers=headers)
        assert written.status_code == 200
    file = FileObject(backend="s3", filename="a/ü.txt")
    assert await file.get_content_async() == b"direct"


async def test_b69_a_url_in_the_answer(app: Running) -> None:
    """The property stands in the model's DTO, and the file has its own URL as soon as somebody can sign one."""
    storages.sign_urls("http://documents.test/files", SECRET)
    shown = (await app.upload("/upload")).json()
    pattern = r"http://documents\.test/files/[\w-]+/[^/]+"
    assert re.fullmatch(pattern, shown["url"])
    assert re.fullmatch(pattern, shown["file"]["url"])


# --- Flask


def create_app(url: str) -> tuple[Flask, AdvancedAlchemy]:
    """Make the application, as the documents do, with advanced-alchemy's extension."""
    app = Flask(__name__)
    with app.app_context():
        storages.register_backend(ObstoreBackend(key="s3-documents", fs="memory://"))
    alchemy = AdvancedAlchemy(FlaskConfig(connection_string=url, commit_mode="autocommit"), app)
    holdfast_flask.init_app(app)
    routes = holdfast_flask.file_blueprint(DocumentModel.file, session=alchemy.get_sync_session, authorize=may)
    app.register_blueprint(routes, url_prefix="/files")

    @app.post("/upload")
    def upload() -> Any:
        sent = request.files["data"]
        service = SyncDocumentService(session=alchemy.get_sync_session())
        document = service.create({"title": sent.filename, "file": FileObject(content=sent)})
        if "fail" in request.args:
            return {"error": "refused"}, 400
        return jsonify(id=document.id, file=document.file), 201

    @app.post("/upload-schema")
    def upload_schema() -> Any:
        service = SyncDocumentService(session=alchemy.get_sync_session())
        document = service.create(DocumentModel(title="hello.txt", file=request.files["data"]))
        return service.to_schema(document, schema_type=DocumentRead).model_dump(mode="json"), 201

    @app.get("/download/<uuid:document_id>")
    def download(document_id: UUID) -> Any:
        service = SyncDocumentService(session=alchemy.get_sync_session())
        return holdfast_flask.FileResponse(service.get(document_id).file)

    return app, alchemy


@pytest.mark.parametrize("driver", ["pysqlite", pytest.param("psycopg", marks=pytest.mark.postgres)])
def test_b68_flask_with_advanced_alchemy(driver: str, request: pytest.FixtureRequest, tmp_path: Any) -> None:
    """Its extension's session and service, sync from end to end; what is refused leaves nothing."""
    app, alchemy = create_app(url_of(driver, request, tmp_path))
    engine: Any = alchemy.config[0].get_engine()
    DocumentModel.metadata.create_all(engine)
    client = app.test_client()

    def send(path: str) -> Any:
        upload = {"data": (io.BytesIO(b"hello"), "Übersicht.txt", "text/plain")}
        with client.post(path, data=upload, buffered=True) as answer:
            return answer

    answer = send("/upload")
    assert answer.status_code == 201
    assert (answer.json["file"]["filename"], answer.json["file"]["url"]) == ("Übersicht.txt", None)
    assert stored() == [b"hello"]
    with client.get(f"/download/{answer.json['id']}", headers={"Range": "bytes=1-3"}) as part:
        assert (part.status_code, part.data) == (206, b"ell")
    assert send("/upload?fail=1").status_code == 400
    assert stored() == [b"hello"]
    made = send("/upload-schema").json
    assert (made["file"]["size"], len(stored())) == (5, 2)
    assert client.delete(f"/files/{made['id']}").status_code == 204
    assert client.delete(f"/files/{answer.json['id']}").status_code == 404
    assert stored() == [b"hello"]
    engine.dispose()
