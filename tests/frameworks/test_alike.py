"""What all frameworks answer alike: no file, another method, an incomplete form, a description, a doubtful yes."""

from typing import Any

import flask
import httpx
import litestar
import pytest
from fastapi import FastAPI, Request, Response
from sqlalchemy import create_engine, delete
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StoredObject, storages
from holdfast.contrib import fastapi as in_fastapi
from holdfast.contrib import flask as in_flask
from holdfast.contrib import litestar as in_litestar
from holdfast.contrib.routes.rows import Rows
from holdfast.errors import ConfigurationError, NotFoundError
from tests.companions import Litestar


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "alike_note"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="alike"))


@pytest.fixture(autouse=True)
def file() -> FileObject:
    """A file of a storage in memory."""
    storages.register_backend("memory://", key="alike")
    return FileObject(backend="alike", filename="a.txt", content=b"0123456789").save()


def store_description() -> dict[str, Any]:
    """Try to put what a client's JSON describes into a row."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Note(file=FileObject.describing({"filename": "a.txt"})))
        session.commit()
    return {}


def fastapi_app(file: FileObject) -> Any:
    """Return an application that answers with the file, without one, and with what a form has."""
    app = FastAPI(exception_handlers=in_fastapi.exception_handlers)

    @app.post("/file", response_class=in_fastapi.FileResponse)
    async def whole() -> Response:
        return in_fastapi.FileResponse(file)

    @app.get("/none")
    async def none() -> Response:
        return in_fastapi.FileResponse(None)

    @app.post("/form/{part}")
    async def form(part: str, request: Request) -> dict[str, Any]:
        async with in_fastapi.upload_form(request, {"file": Note.file}) as received:
            return {"found": received.files["file"] if part == "file" else received["title"]}

    @app.post("/described")
    async def described() -> dict[str, Any]:
        return store_description()

    return app


def litestar_app(file: FileObject) -> Any:
    """Do the same in Litestar."""

    @litestar.post("/file")
    async def whole() -> in_litestar.FileResponse:
        return in_litestar.FileResponse(file)

    @litestar.get("/none")
    async def none() -> in_litestar.FileResponse:
        return in_litestar.FileResponse(None)

    @litestar.post("/form/{part:str}")
    async def form(request: litestar.Request[Any, Any, Any]) -> dict[str, Any]:
        part = request.path_params["part"]
        async with in_litestar.upload_form(request, {"file": Note.file}) as received:
            return {"found": received.files["file"] if part == "file" else received["title"]}

    @litestar.post("/described")
    async def described() -> dict[str, Any]:
        return store_description()

    plugins = [in_litestar.HoldfastPlugin()]
    return Litestar([whole, none, form, described], plugins=plugins, logging_config=None)


def flask_app(file: FileObject) -> Any:
    """Do the same in Flask."""
    app = flask.Flask(__name__)
    in_flask.init_app(app)
    app.post("/file", endpoint="whole")(lambda: in_flask.FileResponse(file))
    app.get("/none", endpoint="none")(lambda: in_flask.FileResponse(None))

    @app.post("/form/<part>")
    def form(part: str) -> dict[str, Any]:
        with in_flask.upload_form(flask.request, {"file": Note.file}) as received:
            return {"found": received.files["file"] if part == "file" else received["title"]}

    @app.post("/described")
    def described() -> dict[str, Any]:
        return store_description()

    return app


@pytest.fixture(params=["fastapi", "litestar", "flask"])
async def send(request: pytest.FixtureRequest, file: FileObject) -> Any:
    """Send a request to an application of each framework, and get status, body and the code in its JSON."""

    async def ask(method: str, path: str, *, form: str = "", **headers: str) -> Any:
        parts: Any = {form: (None, "x") if form == "title" else ("x", b"x")} if form else None
        if request.param == "flask":
            with httpx.Client(transport=httpx.WSGITransport(flask_app(file)), base_url="http://alike.test") as client:
                found = client.request(method, path, files=parts, headers=headers)
        else:
            app = (fastapi_app if request.param == "fastapi" else litestar_app)(file)
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://alike.test") as opened:
                found = await opened.request(method, path, files=parts, headers=headers)
        is_json = found.headers.get("content-type") == "application/json"
        return found.status_code, found.content, is_json and found.json().get("code")

    return ask


async def test_no_file(send: Any) -> None:
    """What a column holds that is NULL is not found."""
    status, _, code = await send("GET", "/none")
    assert (status, code) == (404, "not_found")


async def test_an_answer_to_a_post(send: Any) -> None:
    """The view is for that method, so it gets the whole file: ranges and conditions are of GET."""
    assert (await send("POST", "/file", Range="bytes=0-1"))[:2] == (200, b"0123456789")
    assert (await send("POST", "/file", **{"If-None-Match": "*"}))[:2] == (200, b"0123456789")


async def test_a_form_that_lacks_something(send: Any) -> None:
    """It is the client's fault."""
    for asked, sent in (("file", "title"), ("title", "file")):
        status, body, code = await send("POST", f"/form/{asked}", form=sent)
        assert (status, code) == (400, "malformed")
        assert f"the form has no {'file' if asked == 'file' else 'field'} '{asked}'".encode() in body


async def test_a_description(send: Any) -> None:
    """A client that sends JSON in place of a file learns so."""
    status, _, code = await send("POST", "/described")
    assert (status, code) == (422, "described")


def test_the_schema_of_a_download(file: FileObject) -> None:
    """FastAPI finds the status that it looks for in `response_class`."""
    assert "200" in fastapi_app(file).openapi()["paths"]["/file"]["post"]["responses"]


async def test_s10_a_client_that_leaves(file: FileObject) -> None:
    """It is no fault of the server: nothing is raised."""

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        answers.append(message)

    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    messages = [{"type": "http.request", "body": head + b"x" * 50_000, "more_body": True}, {"type": "http.disconnect"}]
    answers: list[Any] = []
    headers = [(b"content-type", b"multipart/form-data; boundary=b")]
    scope = {"type": "http", "method": "POST", "path": "/form/file", "headers": headers, "query_string": b""}
    await fastapi_app(file)(scope, receive, send)
    assert answers[0]["status"] == 400


def test_s30_a_doubtful_yes() -> None:
    """A response that says no is no yes."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Note(id=1))
        session.commit()
        rows = Rows(Note.file, lambda *_: ("forbidden", 403))  # type: ignore[arg-type, return-value]
        with pytest.raises(ConfigurationError, match="True or False"):
            rows.admit(None, session, "download", ["1"])


async def test_a_row_that_goes_meanwhile(tmp_path: Any, file: FileObject) -> None:
    """Also in a session that keeps what it knows after a commit."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/a.db")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    async with sessions() as session, AsyncSession(engine) as other:
        note = Note(id=1)  # held, as `authorize` may do
        session.add(note)
        await session.commit()
        rows = Rows(Note.file, lambda *_: True)
        await rows.admit_async(None, session, "upload", ["1"])
        await other.execute(delete(Note))
        await other.commit()
        with pytest.raises(NotFoundError):
            await rows.put_async(session, ["1"], file)
    await engine.dispose()
