"""Starlette: files as responses, forms in requests, answers to errors, over a real server where it matters."""

import asyncio
import socket
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from packaging.requirements import Requirement
from packaging.version import Version
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from holdfast import FileObject, StorageBackend, StoredObject, storages
from holdfast.contrib.starlette import FileResponse, exception_handlers, upload_form
from holdfast.serving.reply import ServePolicy
from tests.uploads.forms import CONTENT_TYPE, part

STORAGE = "starlette"


class Base(DeclarativeBase):
    pass


class Document(Base):
    __tablename__ = "starlette_document"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend=STORAGE, max_size=1_000_000))


@pytest.fixture(params=["memory", "local"])
def storage(request: pytest.FixtureRequest, tmp_path: Any) -> StorageBackend:
    """A storage of each kind."""
    url = "memory://" if request.param == "memory" else f"file://{tmp_path}/starlette/"
    return storages.register_backend(url, key=STORAGE)


def keys(storage: StorageBackend) -> list[str]:
    """Return what lies in a storage."""
    return [info.key for info in storage.list()]


def client(app: Any) -> httpx.AsyncClient:
    """Return a client of an application."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app.example.com")


async def test_a_file_is_a_response(storage: StorageBackend) -> None:
    """Headers, cookies and background tasks are those of any response."""
    file = await FileObject(backend=STORAGE, filename="a.txt", content=b"hello").save_async()
    done = []

    async def download(request: Request) -> Response:
        policy = ServePolicy(cache_control="private, max-age=60")
        headers = {"X-Mine": "1", "Cache-Control": "no-store"} if "mine" in request.query_params else None
        response = FileResponse(file, policy=policy, headers=headers, background=BackgroundTask(done.append, 1))
        response.set_cookie("seen", "1")
        response.set_cookie("twice", "2")
        return response

    async with client(Starlette(routes=[Route("/", download)])) as opened:
        answer = await opened.get("/")
        assert (answer.status_code, answer.content) == (200, b"hello")
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.headers["cache-control"] == "private, max-age=60"
        assert answer.cookies == {"seen": "1", "twice": "2"}
        assert done == [1]
        mine = await opened.get("/?mine")
        assert (mine.headers["x-mine"], mine.headers.get_list("cache-control")) == ("1", ["no-store"])
        part_of_it = await opened.get("/", headers={"Range": "bytes=-2"})
        assert (part_of_it.status_code, part_of_it.content) == (206, b"lo")
        assert (await opened.head("/")).headers["content-length"] == "5"


async def test_middleware_is_no_obstacle(storage: StorageBackend) -> None:
    """A response passes those that look at it."""
    file = await FileObject(backend=STORAGE, filename="a.txt", content=b"hello" * 1000).save_async()

    async def note(request: Request, call_next: Any) -> Response:
        response = await call_next(request)
        response.headers["X-Noted"] = "1"
        return response

    async def download(request: Request) -> Response:
        return FileResponse(file)

    middleware = [Middleware(BaseHTTPMiddleware, dispatch=note), Middleware(GZipMiddleware)]
    async with client(Starlette(routes=[Route("/", download)], middleware=middleware)) as opened:
        answer = await opened.get("/")
    assert answer.content == b"hello" * 1000
    assert answer.headers["x-noted"] == "1"


async def receive(request: Request) -> Response:
    """Receive a form, and tell what it had."""
    async with upload_form(request, {"file": Document.file}, max_fields=2) as form:
        file = form.files.get("file")
        return JSONResponse({"title": form.get("title"), "size": file and file.size})


FORMS = Starlette(routes=[Route("/", receive, methods=["POST"])], exception_handlers=exception_handlers)


async def test_a_form(storage: StorageBackend) -> None:
    """Its fields and its file; what no row took is gone."""
    async with client(FORMS) as opened:
        answer = await opened.post("/", data={"title": "t"}, files={"file": ("a.txt", b"hello")})
    assert answer.json() == {"title": "t", "size": 5}
    assert keys(storage) == []


async def test_limits_are_passed_on(storage: StorageBackend) -> None:
    """Three fields are more than two."""
    async with client(FORMS) as opened:
        answer = await opened.post("/", data={"a": "1", "b": "2", "c": "3"}, files={"file": ("a.txt", b"hello")})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[int]:
    """Serve an application with uvicorn, in this loop; yields the port."""
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="critical", ws="none"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            async with asyncio.timeout(60):
                yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await running


def request_head(length: int | None) -> bytes:
    """Return the head of a POST; without a length, the body comes in chunks."""
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {CONTENT_TYPE}\r\n{size}\r\n\r\n".encode()


async def test_s9_a_refusal_while_the_client_still_sends(storage: StorageBackend) -> None:
    """The answer comes when the limit is passed, long before the announced end."""
    async with serving(FORMS) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request_head(10**12) + part("file", b"", "a.bin").removesuffix(b"\r\n"))
        for _ in range(20):
            writer.write(bytes(65536))
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 413")
        writer.close()
        await wait_closed(writer)
    assert keys(storage) == []


@pytest.mark.parametrize("length", [100, None, 10**9])
async def test_s9_lengths_that_lie(storage: StorageBackend, length: int | None) -> None:
    """A body that ends before its parts, a chunked one that is too large, one that never ends."""
    async with serving(FORMS) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        sent = part("file", bytes(1_100_000), "a.bin")
        chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(sent), sent)
        writer.write(request_head(length) + (chunked if length is None else sent))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400" if length == 100 else b"HTTP/1.1 413")
        writer.close()
        await wait_closed(writer)
    assert keys(storage) == []


async def wait_closed(writer: asyncio.StreamWriter) -> None:
    """Wait for the end of a connection that the server may have reset."""
    with suppress(ConnectionError):
        await writer.wait_closed()


async def test_s10_a_client_that_leaves(storage: StorageBackend) -> None:
    """In the middle of its file: the handler ends, and nothing stays."""
    ended = asyncio.Event()

    async def handler(request: Request) -> Response:
        try:
            return await receive(request)
        finally:
            ended.set()

    app = Starlette(routes=[Route("/", handler, methods=["POST"])])
    async with serving(app) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request_head(10**6) + part("file", bytes(500_000), "a.bin")[:-2])
        await writer.drain()
        writer.close()
        await wait_closed(writer)
        await asyncio.wait_for(ended.wait(), 20)
    assert keys(storage) == []


def test_s14_the_oldest_parsers_are_safe_ones() -> None:
    """What the extras ask for has no known hole in its parser."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    named = [Requirement(text) for texts in project["optional-dependencies"].values() for text in texts]
    for name, least in (("python-multipart", "0.0.30"), ("starlette", "0.49.1"), ("werkzeug", "2.2.3")):
        found = [requirement for requirement in named if requirement.name == name]
        assert found, name
        for requirement in found:
            lower = [Version(bound.version) for bound in requirement.specifier if bound.operator == ">="]
            assert lower, requirement
            assert min(lower) >= Version(least)
