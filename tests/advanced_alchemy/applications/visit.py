"""Visits an application in a process of its own, where one line has put Holdfast in the place of that library's files.

It writes down what it saw, as JSON: each answer, and what lay in the storage after it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from socket import create_server
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import holdfast.contrib.advanced_alchemy

    holdfast.contrib.advanced_alchemy.install()  # the one line

    import httpx
    import uvicorn
    from werkzeug.serving import make_server

FORM = ("hello.txt", b"hello", "text/plain")


class Visit:
    """What happens, step by step.

    Args:
        client: Sends requests.
        folder: Where the objects are.
    """

    def __init__(self, client: httpx.Client, folder: Path) -> None:
        self._client, self._folder = client, folder
        self._operations: list[Any] = []
        self.steps: dict[str, Any] = {}
        handler = logging.Handler()
        handler.emit = self._operations.append  # type: ignore[method-assign]
        log = logging.getLogger("holdfast.storage")
        log.setLevel(logging.DEBUG)
        log.addHandler(handler)

    def send(self, step: str, method: str, path: str, form: tuple[str, bytes, str] | None = None) -> httpx.Response:
        """Send a request, and note what came of it."""
        self._operations.clear()
        answer = self._client.request(method, path, files={"data": form} if form else None)
        stored = sorted(path.read_text() for path in self._folder.rglob("*") if path.is_file())
        done: Counter[str] = Counter()
        for record in self._operations:
            done[record.holdfast_operation.removesuffix("_many")] += record.holdfast_objects or 1
        self.steps[step] = {
            "status": answer.status_code,
            "type": answer.headers.get("content-type", "").partition(";")[0],
            "text": answer.text,
            "stored": stored,
            "put": done["put"],
            "delete": done["delete"],
        }
        return answer


@contextmanager
def client_of(app: Any, how: str) -> Iterator[httpx.Client]:
    """Reach an application with its framework's test client, or with a real server in front of it."""
    framework = type(app).__module__.partition(".")[0]
    if how == "server":
        with (_wsgi_server if framework == "flask" else _asgi_server)(app) as (url, wait):
            # That library's extensions for FastAPI and Starlette commit after the answer was sent.
            hooks = {"response": [wait]} if wait else {}
            with httpx.Client(base_url=url, timeout=60, event_hooks=hooks) as client:
                yield client
    elif framework == "flask":
        with httpx.Client(transport=httpx.WSGITransport(app), base_url="http://test") as client:
            yield client
    else:
        module = import_module("litestar.testing" if framework == "litestar" else "starlette.testclient")
        with module.TestClient(app, raise_server_exceptions=False) as client:
            yield client


@contextmanager
def _asgi_server(app: Any) -> Iterator[tuple[str, Any]]:
    finished = threading.Semaphore(0)

    async def noticed(scope: Any, receive: Any, send: Any) -> None:
        try:
            await app(scope, receive, send)
        finally:
            if scope["type"] == "http":
                finished.release()

    listener = create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(noticed, log_config=None, ws="none"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
    thread.start()
    try:
        # Connections wait until it accepts them.
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", lambda _: finished.acquire(timeout=60)
    finally:
        server.should_exit = True
        thread.join(30)


@contextmanager
def _wsgi_server(app: Any) -> Iterator[tuple[str, Any]]:
    with make_server("127.0.0.1", 0, app, threaded=True) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", None
        server.shutdown()
        thread.join(30)


def main(framework: str, how: str, folder: str, **options: Any) -> None:
    """Visit, and report."""
    module = import_module(f"tests.advanced_alchemy.applications.{framework}_app")
    files = Path(folder) / "files"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        app = module.create_app(storage=f"file://{files}", **options)
        with client_of(app, how) as client:
            visit = Visit(client, files)
            number = visit.send("upload", "POST", "/upload", FORM).json()["id"]
            visit.send("download", "GET", f"/download/{number}")
            visit.send("replace", "PUT", f"/documents/{number}", ("new.txt", b"newer", "text/csv"))
            visit.send("download again", "GET", f"/download/{number}")
            visit.send("fail", "POST", "/fail", ("x", b"x", "text/plain"))
            if framework == "litestar" and options["world"] == "async":
                visit.send("model", "POST", "/upload-model", FORM)
                visit.send("list", "GET", "/documents")
                visit.send("answered", "POST", "/upload-answered", FORM)
            visit.send("delete", "DELETE", f"/documents/{number}")
            visit.send("gone", "GET", f"/download/{number}")
    Path(folder, "steps.json").write_text(json.dumps(visit.steps))


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
