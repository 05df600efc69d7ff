"""The application below a path, in the frameworks and servers that people have."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.routing import Mount
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

from holdfast import StorageBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers.optional import UploadTerms
from holdfast.registry import StorageRegistry
from holdfast.serving import asgi, wsgi
from tests.companions import Litestar
from tests.servers.ports import free_port, is_listening
from tests.servers.shared import State, launch, start_once, start_or_skip
from tests.serving.signed.worlds import HOST

SECRET = "a secret that nobody else knows"
KEY = "2025/Été 1.txt"


def litestar(registry: StorageRegistry) -> Any:
    """Mount it in Litestar."""
    from litestar import asgi as mounted

    app = asgi.SignedFiles(registry)

    @mounted("/files", is_mount=True, copy_scope=True)
    async def files(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)

    return Litestar([files])


def fastapi(registry: StorageRegistry) -> Any:
    """Mount it in FastAPI."""
    app = FastAPI()
    app.mount("/files", asgi.SignedFiles(registry))
    return app


def flask(registry: StorageRegistry) -> Any:
    """Put it beside Flask."""
    return DispatcherMiddleware(Flask("app"), {"/files": wsgi.SignedFiles(registry)})  # type: ignore[arg-type]


@contextmanager
def by_uvicorn(app: Any, **options: Any) -> Iterator[str]:
    """Run an ASGI application, its start and its end included."""
    server = uvicorn.Server(uvicorn.Config(app, HOST, 0, log_config=None, lifespan="on", interface="asgi3", **options))
    bound = server.config.bind_socket()
    bound.listen()  # from now on a request waits
    thread = Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    try:
        yield f"http://{HOST}:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        bound.close()


@contextmanager
def by_werkzeug(app: Any) -> Iterator[str]:
    """Run a WSGI application by the server of Flask's own command."""
    server = make_server(HOST, 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


MOUNTS: dict[str, tuple[Callable[[StorageRegistry], Any], Any, str]] = {
    "uvicorn": (asgi.SignedFiles, by_uvicorn, ""),
    "uvicorn behind a proxy": (asgi.SignedFiles, lambda app: by_uvicorn(app, root_path="/files"), ""),
    "Starlette": (
        lambda registry: Starlette(routes=[Mount("/files", asgi.SignedFiles(registry))]),
        by_uvicorn,
        "/files",
    ),
    "FastAPI": (fastapi, by_uvicorn, "/files"),
    "Litestar": (litestar, by_uvicorn, "/files"),
    "werkzeug": (wsgi.SignedFiles, by_werkzeug, ""),
    "Flask": (flask, by_werkzeug, "/files"),
}


def use(client: httpx.Client, storage: StorageBackend) -> None:
    """Upload a file, read it, and meet a refusal."""
    offered = storage.offer_upload(UploadTerms(KEY, 5, 60, "text/plain"))
    answer = client.put(offered.url, content=b"hello", headers=dict(offered.headers))
    assert (answer.status_code, answer.text) == (201, "")
    answer = client.get(storage.sign(KEY))
    assert (answer.status_code, answer.content) == (200, b"hello")
    assert client.get(storage.sign(KEY), headers={"range": "bytes=-2"}).content == b"lo"
    assert client.head(storage.sign(KEY)).headers["content-length"] == "5"
    assert client.options(storage.sign(KEY)).status_code == 204
    for url in (storage.sign(KEY) + "x", storage.sign(KEY).replace("/Z", "/")[:-40] + "/x"):
        assert client.get(url).status_code == 403
    form = storage.offer_upload(UploadTerms("form.txt", 5, 60, "text/plain", as_form=True))
    assert client.post(form.url, files={"file": ("x", b"12345")}).status_code == 201


@pytest.mark.parametrize("mount", MOUNTS)
def test_wherever_it_is_mounted(mount: str) -> None:
    """The token is found in a path of any length; names that are not ASCII come through."""
    make, run, path = MOUNTS[mount]
    registry = StorageRegistry()
    storage = registry.register_backend(ObstoreBackend("docs", "memory://"))
    with run(make(registry)) as base_url, httpx.Client() as client:
        registry.sign_urls(base_url + path, SECRET)
        use(client, storage)


MODULE = """
from holdfast import storages
from holdfast.serving import {world}

storages.register_backend("file://{folder}/docs/", key="docs", durable=False)
storages.sign_urls("http://127.0.0.1:{port}", "{secret}")
app = {world}.SignedFiles()
"""
COMMANDS = {
    "gunicorn": ("wsgi", ["gunicorn", "--threads", "4", "--bind", "127.0.0.1:{port}"]),
    "granian": ("asgi", ["granian", "--interface", "asgi", "--port", "{port}"]),
    "hypercorn": ("asgi", ["hypercorn", "--bind", "127.0.0.1:{port}"]),
}


def start(server: str, folder: Path) -> State:
    """Start a server by its own command."""
    world, command = COMMANDS[server]
    port = free_port()
    folder.joinpath("site_app.py").write_text(MODULE.format(world=world, folder=folder, port=port, secret=SECRET))
    words = [sys.executable, "-m", *(part.format(port=port) for part in command), "site_app:app"]
    launch(folder, words, ready=lambda: is_listening(port), env={"PYTHONPATH": str(folder)})
    return {"folder": str(folder), "base_url": f"http://127.0.0.1:{port}"}


@pytest.mark.parametrize("server", COMMANDS)
def test_servers_of_others(server: str) -> None:
    """Files come and go, and a connection is of use after a refusal, however much of the upload was left."""
    site = start_or_skip(lambda: start_once(f"signed-{server}", partial(start, server)))
    registry = StorageRegistry()
    registry.sign_urls(site["base_url"], SECRET)
    storage = registry.register_backend(ObstoreBackend("docs", f"file://{site['folder']}/docs/", durable=False))
    with httpx.Client(timeout=30) as client:
        use(client, storage)
        for megabytes, status in ((4, 413), (9, 413), (3, 201), (3, 409), (9, 409)):
            offered = storage.offer_upload(UploadTerms("large", 3_000_000, 60, "text/plain"))
            content = iter([bytes(1_000_000)] * megabytes)
            assert client.put(offered.url, content=content, headers=dict(offered.headers)).status_code == status
            assert client.get(storage.sign(KEY)).content == b"hello"
