"""Litestar: files in answers and bodies, downloads, forms that stream, ready-made routes, signed URLs."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
import msgspec
import pydantic
import pytest
from litestar import HttpMethod, Request, Response, asgi, get, post, route
from litestar.background_tasks import BackgroundTask
from litestar.datastructures import State, UploadFile
from litestar.di import Provide
from litestar.enums import RequestEncodingType
from litestar.exceptions import NotAuthorizedException, NotFoundException
from litestar.params import Body
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from holdfast import FileObject, StoredObject, storages
from holdfast.contrib.litestar import FileResponse, HoldfastPlugin, exception_handlers, file_router, upload_form
from holdfast.errors import FileRejectedError, NotFoundError
from holdfast.serving.asgi import ServePolicy, SignedFiles
from tests.companions import Litestar, SQLAlchemyDTO

MultiPart = Annotated[UploadFile, Body(media_type=RequestEncodingType.MULTI_PART)]
SECRET = "a secret of this test's own, long enough"


class Base(DeclarativeBase):
    pass


class Document(Base):
    __tablename__ = "litestar_document"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str | None]
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs", max_size=100_000))
    pages: Mapped[list[FileObject] | None] = mapped_column(StoredObject(backend="docs", multiple=True))


@pytest.fixture(autouse=True)
def docs(tmp_path: Any) -> Any:
    """A storage on the local disk."""
    (tmp_path / "docs").mkdir()
    return storages.register_backend(f"file://{tmp_path}/docs", key="docs")


def saved(content: bytes = b"0123456789", name: str = "Übersicht.txt") -> FileObject:
    """Return a stored file."""
    return FileObject(backend="docs", filename=name, content=content, metadata={"n": 1}).save()


@asynccontextmanager
async def started(*handlers: Any, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Start an application and return a client of it."""
    options = {"plugins": [HoldfastPlugin()], "logging_config": None} | options
    app = Litestar(handlers, **options)
    async with (
        app.lifespan(),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://litestar.test") as client,
    ):
        yield client


# --- files in answers and bodies


class Struct(msgspec.Struct):
    file: FileObject | None


class Model(pydantic.BaseModel):
    file: FileObject | None


@dataclass
class Data:
    file: FileObject | None


class Reading(SQLAlchemyDTO[Document]):
    """What is shown of a row."""


KINDS = [Struct, Model, Data]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_file_in_an_answer(kind: Any) -> None:
    """Its description and a URL, if somebody signs; neither storage nor key."""

    async def show() -> Any:
        return kind(file=file)

    show.__annotations__["return"] = kind
    file = saved()
    async with started(get("/")(show)) as client:
        answer = await client.get("/")
        assert answer.json()["file"] == {**file.describe(), "url": None}
        storages.sign_urls("http://litestar.test/files", SECRET)
        shown = (await client.get("/")).json()["file"]
    assert shown["url"].startswith("http://litestar.test/files/")
    assert file.path not in answer.text
    assert "docs" not in answer.text


async def test_a_file_in_a_dto() -> None:
    """A row with its columns of one file and of several."""

    @get("/", return_dto=Reading)
    async def show() -> Document:
        return Document(id=1, file=file, pages=[file, file])

    file = saved()
    async with started(show) as client:
        answer = await client.get("/")
    assert answer.json()["file"]["filename"] == "Übersicht.txt"
    assert [page["size"] for page in answer.json()["pages"]] == [10, 10]
    assert file.path not in answer.text


@pytest.mark.parametrize("kind", KINDS)
async def test_s7_a_file_in_a_body_is_a_description(kind: Any) -> None:
    """A client names no storage, no key, no state; what is no description is refused with 400."""

    async def take(data: Any) -> dict[str, Any]:
        taken.append(data.file)
        return {}

    take.__annotations__["data"] = Annotated[kind, Body()]
    taken: list[FileObject] = []
    async with started(post("/")(take)) as client:
        place = {"backend": "docs", "to_filename": "x", "path": "x", "checksum": "sha256:00", "etag": "1"}
        assert (await client.post("/", json={"file": {"filename": "a.txt", **place}})).status_code == 201
        for wrong in ({"filename": 1}, {"filename": "a", "size": -1}, [], "a.txt", {}):
            assert (await client.post("/", json={"file": wrong})).status_code == 400, wrong
    (file,) = taken
    assert (file.filename, file.backend_key, file.path, file.checksum) == ("a.txt", None, None, None)
    assert not file.is_stored


async def test_the_schema() -> None:
    """OpenAPI shows a file as an object without a place, and a download as bytes."""

    @get("/struct")
    async def struct() -> Struct:
        return Struct(None)

    @get("/row", return_dto=Reading)
    async def row() -> Document:
        return Document()

    @get("/download")
    async def download() -> FileResponse:
        return FileResponse(saved())

    async with started(struct, row, download) as client:
        schema = (await client.get("/schema/openapi.json")).json()
    file = schema["components"]["schemas"]["FileObject"]
    assert file["required"] == ["filename"]
    assert file["properties"].keys() == {*saved().describe(), "url"}
    assert file["properties"]["url"] == {"type": ["string", "null"], "readOnly": True}
    shown = json.dumps(schema["components"]["schemas"]["Struct"])
    assert "#/components/schemas/FileObject" in shown
    content = schema["paths"]["/download"]["get"]["responses"]["200"]["content"]
    assert content["application/octet-stream"]["schema"]["type"] == "string"


async def test_errors() -> None:
    """What goes wrong with a file has its status and its JSON; an application's own handler goes first."""

    @get("/rejected")
    async def rejected() -> None:
        raise FileRejectedError("no", code="too_large", field="file", limit=1, found=2)

    @get("/missing", exception_handlers=exception_handlers)
    async def missing() -> FileResponse:
        return FileResponse(FileObject(backend="docs", filename="missing"))

    async with started(rejected, missing) as client:
        answer = await client.get("/rejected")
        assert (answer.status_code, answer.json()["code"], answer.json()["limit"]) == (413, "too_large", 1)
        answer = await client.get("/missing")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    async with started(missing, plugins=[]) as client:
        assert (await client.get("/missing")).status_code == 404

    @get("/gone")
    async def gone() -> None:
        raise NotFoundError("gone")

    def own(request: Request[Any, Any, Any], error: NotFoundError) -> Response[str]:
        return Response("own", status_code=410)

    async with started(gone, exception_handlers={NotFoundError: own}) as client:
        assert (await client.get("/gone")).status_code == 410


async def test_errors_of_a_download_are_json(database: dict[str, Any]) -> None:
    """Also those of Litestar itself, which answers with the media type of the handler."""

    @get("/plain")
    async def plain() -> FileResponse:
        raise NotFoundException

    def refuse(request: Any, handler: Any) -> None:
        raise NotAuthorizedException

    router = file_router(Contract.file, session=open_session, authorize=may, guards=[refuse])
    async with started(plain, router, state=State(database)) as client:
        for path, status in (("/plain", 404), ("/1", 401)):
            answer = await client.get(path)
            assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
            assert answer.json()["status_code"] == status


LATE = """
from __future__ import annotations
from litestar import get

@get("/")
async def late() -> FileResponse:
    return answer()
"""


async def test_names_in_annotations() -> None:
    """A handler's module may import them for type checkers only; another class of that name stays what it is."""
    namespace = {"__name__": "builtins", "answer": lambda: FileResponse(saved())}
    exec(LATE, namespace)
    async with started(namespace["late"]) as client:
        assert (await client.get("/")).content == b"0123456789"
    other = type("FileObject", (), {})
    assert Litestar(plugins=[HoldfastPlugin()], signature_types=[other]).signature_namespace["FileObject"] is other


# --- downloads


async def test_a_download() -> None:
    """Ranges, conditions, HEAD, safe headers; headers, cookies and background tasks as on any response."""

    async def note() -> None:
        done.append(1)

    @route("/", http_method=[HttpMethod.GET, HttpMethod.HEAD], response_headers={"X-Layer": "1"})
    async def download() -> FileResponse:
        return FileResponse(
            file,
            policy=ServePolicy(cache_control="private, max-age=60"),
            headers={"X-Own": "2", "Cross-Origin-Resource-Policy": "cross-origin"},
            cookies={"seen": "yes"},
            background=BackgroundTask(note),
        )

    done: list[int] = []
    file = saved(bytes(range(256)) * 4096)
    async with started(download) as client:
        whole = await client.get("/")
        assert (whole.status_code, whole.content) == (200, file.get_content())
        assert (whole.headers["x-layer"], whole.headers["x-own"], whole.cookies["seen"]) == ("1", "2", "yes")
        assert whole.headers["cache-control"] == "private, max-age=60"
        assert whole.headers.get_list("cross-origin-resource-policy") == ["cross-origin"]
        assert whole.headers["content-length"] == str(file.size)
        assert whole.headers["x-content-type-options"] == "nosniff"
        assert whole.headers["content-disposition"].startswith("attachment;")
        part = await client.get("/", headers={"Range": "bytes=-3"})
        assert (part.status_code, part.content) == (206, b"\xfd\xfe\xff")
        unchanged = await client.get("/", headers={"If-None-Match": whole.headers["etag"]})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        head = await client.head("/")
        assert (head.status_code, head.headers["content-length"], head.content) == (200, str(file.size), b"")
        assert (await client.get("/", headers={"Range": "bytes=9999999-"})).status_code == 416
    assert len(done) == 5


# --- uploads


@post("/upload", request_max_body_size=None)
async def upload(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """Store a form's file, and put it into a row."""
    async with upload_form(request, {"file": Document.file}) as form, request.app.state.sessions() as session:
        document = Document(owner=form.get("owner"), file=form.files["file"])
        session.add(document)
        await session.commit()
        return {"id": document.id, "file": document.file}


@post("/upload-object")
async def upload_object(request: Request[Any, Any, Any], data: MultiPart) -> list[FileObject]:
    """Give a row the upload object, of which something was read."""
    await data.read(4)
    await data.seek(2)
    async with request.app.state.sessions() as session:
        document = Document(pages=[data, FileObject(content=data, filename="other")])
        session.add(document)
        await session.commit()
        return list(document.pages or ())


@post("/upload-sync", sync_to_thread=True)
def upload_sync(request: Request[Any, Any, Any], data: MultiPart) -> list[FileObject]:
    """Do the same in a sync handler."""
    data.file.read(4)
    with request.app.state.sync_sessions() as session:
        document = Document(pages=[data, FileObject(content=data, filename="other")])
        session.add(document)
        session.commit()
        return list(document.pages or ())


@pytest.fixture
async def database(tmp_path: Any) -> AsyncIterator[dict[str, Any]]:
    """Makers of sessions in both worlds, on one database, for the application's state."""
    path = f"{tmp_path}/a.db"
    engine, sync_engine = create_async_engine(f"sqlite+aiosqlite:///{path}"), create_engine(f"sqlite:///{path}")
    Base.metadata.create_all(sync_engine)
    yield {"sessions": async_sessionmaker(engine, expire_on_commit=False), "sync_sessions": sessionmaker(sync_engine)}
    await engine.dispose()
    sync_engine.dispose()


@asynccontextmanager
async def uploading(database: dict[str, Any], *handlers: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Start an application that has sessions."""
    async with started(*handlers, state=State(database)) as client:
        yield client


async def test_a_form_that_streams(database: dict[str, Any], docs: Any) -> None:
    """The file is in the storage when the handler goes on; a refused one leaves nothing, whatever was announced."""
    async with uploading(database, upload) as client:
        data = b"x" * 100_000
        form = {"files": {"file": ("ü.txt", data, "text/plain")}, "data": {"owner": "me"}}
        answer = await client.post("/upload", **form)
        assert (answer.status_code, answer.json()["file"]["size"]) == (201, 100_000)
        larger = await client.post("/upload", files={"file": ("a.txt", data + b"y")})
        assert (larger.status_code, larger.json()["code"], larger.json()["field"]) == (413, "too_large", "file")
        assert (await client.post("/upload", json={})).status_code == 415
        assert [info.size for info in docs.list()] == [100_000]


async def test_s9_the_limit_of_the_framework(database: dict[str, Any], docs: Any) -> None:
    """Litestar's own limit of 10 MB holds where a route does not raise it, and nothing of the form stays."""

    @post("/limited", request_max_body_size=1000)
    async def limited(request: Request[Any, Any, Any]) -> None:
        async with upload_form(request, {"file": Document.file}):
            pass

    async def chunks() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(10):
            yield b"x" * 500

    async with uploading(database, limited) as client:
        headers = {"content-type": "multipart/form-data; boundary=b"}
        assert (await client.post("/limited", content=chunks(), headers=headers)).status_code == 413
    assert list(docs.list()) == []


async def test_s10_a_client_that_leaves(database: dict[str, Any], docs: Any) -> None:
    """In the middle of a file: nothing of it stays, and it is no fault of the server's."""

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        answers.append(message)

    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    messages = [{"type": "http.request", "body": head + b"x" * 50_000, "more_body": True}, {"type": "http.disconnect"}]
    answers: list[Any] = []
    headers = [(b"content-type", b"multipart/form-data; boundary=b")]
    scope = {"type": "http", "method": "POST", "path": "/upload", "headers": headers, "query_string": b""}
    app = Litestar([upload], state=State(database), logging_config=None, plugins=[HoldfastPlugin()])
    await app(scope, receive, send)  # type: ignore[arg-type]
    assert messages == []
    assert answers[0]["status"] == 400
    assert list(docs.list()) == []


@pytest.mark.parametrize("size", [10, 3_000_000])
@pytest.mark.parametrize("path", ["/upload-object", "/upload-sync"])
async def test_upload_objects(database: dict[str, Any], docs: Any, path: str, size: int) -> None:
    """In memory or, as larger ones, on disk; fresh or read from: a row gets the whole file, in both worlds."""
    data = b"0123456789" * (size // 10)
    async with uploading(database, upload_object, upload_sync) as client:
        answer = await client.post(path, files={"data": ("ü.txt", data, "text/plain")})
    assert answer.status_code == 201
    assert [(page["filename"], page["size"]) for page in answer.json()] == [("ü.txt", size), ("other", size)]
    assert [docs.read(info.key) for info in docs.list()] == [data, data]


# --- ready-made routes


def may(request: Request[Any, Any, Any], action: str, document: Document) -> bool:
    """Allow what a row's owner does."""
    return document.owner == request.headers.get("x-user")


ME, OTHER = {"x-user": "me"}, {"x-user": "other"}


async def open_session(state: State) -> AsyncIterator[AsyncSession]:
    """Open a session for a request."""
    async with state.sessions() as session:
        yield session


def open_sync_session(state: State) -> Iterator[Session]:
    """Open one in the sync world."""
    with state.sync_sessions() as session:
        yield session


@pytest.fixture(params=["async", "sync", "named"])
async def routes(request: pytest.FixtureRequest, database: dict[str, Any]) -> AsyncIterator[httpx.AsyncClient]:
    """The routes of a column, with a session of each kind, and a row of mine without a file."""
    session: Any = {"async": Provide(open_session), "sync": open_sync_session, "named": "db_session"}[request.param]
    named = {"db_session": open_session} if request.param == "named" else {}
    with database["sync_sessions"]() as rows:
        rows.add(Document(id=1, owner="me"))
        rows.commit()
    async with started(
        file_router(Document.file, session=session, authorize=may, path="/documents", tags=["files"]),
        state=State(database),
        dependencies={name: Provide(opener) for name, opener in named.items()},
        request_max_body_size=99_000,
        plugins=[],
    ) as client:
        yield client


async def test_routes(routes: httpx.AsyncClient, docs: Any) -> None:
    """A file goes up, larger than what the application allows elsewhere, comes down, and goes."""
    data = b"x" * 100_000
    answer = await routes.put("/documents/1", files={"file": ("ü.txt", data)}, headers=ME)
    assert (answer.status_code, answer.json()["filename"], answer.json()["url"]) == (200, "ü.txt", None)
    assert (await routes.get("/documents/1", headers=ME)).content == data
    head = await routes.head("/documents/1", headers=ME)
    assert (head.headers["content-length"], head.content) == ("100000", b"")
    refused = await routes.put("/documents/1", files={"file": ("ü.txt", data + b"y")}, headers=ME)
    assert (refused.status_code, refused.json()["code"], refused.json()["limit"]) == (413, "too_large", 100_000)
    storages.sign_urls("http://litestar.test/files", SECRET)
    signed = await routes.get("/documents/1/url", headers=ME)
    assert signed.json()["url"].startswith("http://litestar.test/files/")
    assert (await routes.delete("/documents/1", headers=ME)).status_code == 204
    assert list(docs.list()) == []


async def test_s30_unknown_and_forbidden_alike(routes: httpx.AsyncClient) -> None:
    """Somebody else's row, one that is not there, what is no key, and a row without a file get one answer."""
    asked = {"filename": "a", "size": 1, "content_type": "text/plain"}
    for method, path, options in (
        ("GET", "", {}),
        ("GET", "/url", {}),
        ("DELETE", "", {}),
        ("PUT", "", {"files": {"file": ("a", b"a")}}),
        ("POST", "/ticket", {"json": asked}),
        ("POST", "/claim", {"json": {"token": "x"}}),
    ):
        answers = [await routes.request(method, f"/documents/1{path}", headers=OTHER, **options)]
        answers += [
            await routes.request(method, f"/documents/{key}{path}", headers=ME, **options) for key in ("2", "x", "%00")
        ]
        if (method, path) in {("GET", ""), ("GET", "/url"), ("DELETE", "")}:
            answers.append(await routes.request(method, f"/documents/1{path}", headers=ME))
        assert {answer.status_code for answer in answers} == {404}, (method, path)
        assert len({answer.content for answer in answers}) == 1
    with pytest.raises(TypeError):
        file_router(Document.file, session=open_session)


async def test_a_ticket_and_its_claim(routes: httpx.AsyncClient, docs: Any) -> None:
    """The client uploads by itself, to Holdfast's own URLs, which the application serves beside the routes."""
    served = asgi("/files", is_mount=True, copy_scope=True)(SignedFiles())
    storages.sign_urls("http://litestar.test/files", SECRET)
    asked = {"filename": "ü.txt", "size": 5, "content_type": "text/plain"}
    ticket = await routes.post("/documents/1/ticket", json=asked, headers=ME)
    assert ticket.status_code == 201
    async with started(served) as client:
        upload = ticket.json()
        sent = await client.request(upload["method"], upload["url"], headers=upload["headers"], content=b"hello")
        assert sent.is_success
    claim = {"token": upload["token"]}
    claimed = await routes.post("/documents/1/claim", json=claim, headers=ME)
    assert (claimed.status_code, claimed.json()["size"]) == (200, 5)
    assert (await routes.get("/documents/1", headers=ME)).content == b"hello"
    again = await routes.post("/documents/1/claim", json=claim, headers=ME)
    assert (again.status_code, again.json()["code"]) == (403, "invalid_token")
    for wrong in ({}, {"token": 1}, {"filename": "a", "size": True, "content_type": "x"}):
        assert (await routes.post("/documents/1/claim", json=wrong, headers=ME)).status_code == 400
        assert (await routes.post("/documents/1/ticket", json=wrong, headers=ME)).status_code == 400


async def test_more_json_than_a_ticket_needs(routes: httpx.AsyncClient) -> None:
    """The routes read no JSON of any size, whatever the application allows."""
    for path in ("ticket", "claim"):
        large = {"token": "x" * 80_000, "filename": "a", "size": 1, "content_type": "a/b"}
        assert (await routes.post(f"/documents/1/{path}", json=large, headers=ME)).status_code == 413


class Contract(Base):
    __tablename__ = "litestar_contract"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject] = mapped_column(StoredObject(backend="docs"))


async def test_a_file_that_must_be_there(database: dict[str, Any]) -> None:
    """It cannot be deleted."""
    router = file_router(Contract.file, session=open_session, authorize=may)
    async with started(router, state=State(database)) as client:
        assert (await client.delete("/1")).status_code == 405


async def test_a_session_from_a_function(database: dict[str, Any]) -> None:
    """One that only returns it runs where it is, in the event loop."""
    async with database["sessions"]() as session:
        router = file_router(Contract.file, session=lambda: session, authorize=may)
        async with started(router) as client:
            assert (await client.get("/1")).status_code == 404


async def test_the_schema_of_the_routes(routes: httpx.AsyncClient) -> None:
    """Every route is there, with its form, its file and its errors."""
    paths = (await routes.get("/schema/openapi.json")).json()["paths"]
    row = paths["/documents/{id}"]
    assert row.keys() == {"get", "head", "put", "delete"}
    assert "application/octet-stream" in row["get"]["responses"]["200"]["content"]
    assert "multipart/form-data" in row["put"]["requestBody"]["content"]
    assert {"400", "404", "413", "415", "422"} <= row["put"]["responses"].keys()
    assert [parameter["name"] for parameter in row["get"]["parameters"]] == ["id"]
    assert {"/documents/{id}/url", "/documents/{id}/ticket", "/documents/{id}/claim"} <= paths.keys()


async def test_signed_urls_of_a_local_folder() -> None:
    """The mounted application serves what `sign` returns."""
    storages.sign_urls("http://litestar.test/files", SECRET)
    file = saved()
    async with started(asgi("/files", is_mount=True, copy_scope=True)(SignedFiles())) as client:
        answer = await client.get(file.sign())
        assert (answer.status_code, answer.content) == (200, b"0123456789")
        assert (await client.get(file.sign()[:-20] + "x/a.txt")).status_code in {403, 404}
