"""What ASGI and WSGI leave to an application, called without a server: ends of bodies, other kinds of connections."""

import asyncio
import io
from typing import Any

import pytest
from obstore.store import MemoryStore

from holdfast import StorageBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers.obstore.driver import ObstoreDriver
from holdfast.drivers.optional import UploadTerms
from holdfast.errors import StorageError
from holdfast.registry import StorageRegistry
from holdfast.serving import asgi, wsgi
from holdfast.testing.faults import Fault, FaultyDriver

MIB = 1024 * 1024


@pytest.fixture
def registry() -> StorageRegistry:
    """Return storages that sign."""
    made = StorageRegistry()
    made.sign_urls("http://localhost", "a secret that nobody else knows")
    return made


@pytest.fixture
def docs(registry: StorageRegistry) -> StorageBackend:
    """Return a storage in memory."""
    return registry.register_backend(ObstoreBackend("docs", "memory://"))


def path_of(url: str) -> str:
    """Return the path of a URL."""
    return url.removeprefix("http://localhost")


async def exchange(app: Any, messages: list[Any], **scope: Any) -> list[Any]:
    """Call an ASGI application; a message that is needed and not there is a failure."""
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": "http", "http_version": "1.1", "headers": [], **scope}, receive, send)
    return sent


async def call_asgi(registry: StorageRegistry, method: str, path: str, body: bytes = b"") -> Any:
    """Send a request, as a whole."""
    app = asgi.SignedFiles(registry)
    start, *rest = await exchange(app, [{"type": "http.request", "body": body}], method=method, path=path)
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], headers, b"".join(message["body"] for message in rest)


async def call_wsgi(registry: StorageRegistry, method: str, path: str, body: bytes = b"", **more: Any) -> Any:
    """Send a request, as a whole."""
    found: list[Any] = []
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path.encode().decode("latin-1"),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        **more,
    }
    chunks = wsgi.SignedFiles(registry)(environ, lambda *args: found.extend(args))
    content = b"".join(chunks)
    return int(found[0][:3]), dict(found[1]), content


WORLDS = pytest.mark.parametrize("call", [call_asgi, call_wsgi])


def upload(storage: StorageBackend, size: int = 3) -> str:
    """Return the path for an upload."""
    return path_of(storage.sign("a", for_upload=True, size=size))


# --- ASGI


async def test_the_end_of_a_server(registry: StorageRegistry) -> None:
    """Mounted as the whole application, it takes part in its start and its end."""
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent = await exchange(asgi.SignedFiles(registry), messages, type="lifespan")
    assert [each["type"] for each in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_a_web_socket(registry: StorageRegistry) -> None:
    """It is refused."""
    [sent] = await exchange(asgi.SignedFiles(registry), [{"type": "websocket.connect"}], type="websocket")
    assert sent == {"type": "websocket.close"}


@pytest.mark.parametrize(("version", "expected"), [("1.1", b"close"), ("1.0", b"close"), ("2", None), ("3", None)])
async def test_s9_a_refusal_does_not_take_everything(docs, registry, version, expected):
    """Of what is left of a refused upload some is taken, then the connection ends, where it is one of its own."""
    part = {"type": "http.request", "body": bytes(MIB), "more_body": True}
    messages = [dict(part) for _ in range(40)]
    scope = {"method": "PUT", "path": upload(docs), "http_version": version}
    start, _ = await exchange(asgi.SignedFiles(registry), messages, **scope)
    assert (start["status"], dict(start["headers"]).get(b"connection")) == (413, expected)
    assert 0 < len(messages) < 39


async def test_s9_who_waits_for_leave_is_answered_at_once(docs, registry):
    """Not a byte is asked for."""
    headers = [(b"expect", b"100-continue"), (b"content-length", b"999")]
    start, _ = await exchange(asgi.SignedFiles(registry), [], method="PUT", path=upload(docs), headers=headers)
    assert (start["status"], dict(start["headers"])[b"connection"]) == (413, b"close")


async def test_s8_a_second_upload_is_refused_before_its_body(docs, registry):
    """Whatever its service does with a large object: it is never begun."""
    path = path_of(docs.offer_upload(UploadTerms("a", 3, 60, "a/b")).url)
    docs.put("a", b"abc")
    headers = [(b"expect", b"100-continue"), (b"content-length", b"3"), (b"content-type", b"a/b")]
    start, _ = await exchange(asgi.SignedFiles(registry), [], method="PUT", path=path, headers=headers)
    assert start["status"] == 409
    stream = io.BytesIO(b"xyz")
    more = {"CONTENT_TYPE": "a/b", "CONTENT_LENGTH": "3", "HTTP_EXPECT": "100-continue", "wsgi.input": stream}
    assert (await call_wsgi(registry, "PUT", path, **more))[0] == 409
    assert stream.tell() == 0
    assert docs.read("a") == b"abc"


async def test_a_client_that_leaves_is_not_answered(docs, registry):
    """In the middle of an upload, and of one that is refused."""
    left = {"type": "http.disconnect"}
    part = {"type": "http.request", "body": b"ab", "more_body": True}
    for path in (upload(docs), upload(docs) + "x"):
        assert await exchange(asgi.SignedFiles(registry), [dict(part), left], method="PUT", path=path) == []
    assert not docs.exists("a")


STALLED = [{"type": "http.request", "body": b"ab", "more_body": True}]


@pytest.mark.parametrize(("name", "status"), [("a", 408), ("ax", 403)])
async def test_s10_a_client_that_is_gone_without_a_word(docs, registry, name, status):
    """An upload that stands still ends, one that is refused as well: nothing of it stays, and the connection ends."""
    sent: list[Any] = []
    messages = [dict(each) for each in STALLED]

    async def receive() -> Any:
        return messages.pop() if messages else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    path = upload(docs).removesuffix("a") + name
    scope = {"type": "http", "method": "PUT", "path": path, "headers": []}
    await asgi.SignedFiles(registry, idle_timeout=0.01)(scope, receive, send)
    assert (sent[0]["status"], dict(sent[0]["headers"])[b"connection"]) == (status, b"close")
    assert not docs.exists("a")


# --- WSGI


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, 201),
        ({"CONTENT_LENGTH": "", "wsgi.input_terminated": True}, 201),
        ({"CONTENT_LENGTH": ""}, 422),
        ({"CONTENT_LENGTH": "x", "wsgi.input_terminated": True}, 422),
        ({"CONTENT_LENGTH": "-3"}, 422),
        ({"CONTENT_LENGTH": "٣"}, 422),
        ({"wsgi.input": io.BytesIO(b"ab")}, 400),
        ({"CONTENT_LENGTH": "9" * 5000}, 422),
        ({"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}, 411),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, 411),
        ({"CONTENT_LENGTH": "1", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}, 201),
    ],
)
async def test_s9_where_a_body_ends(docs, registry, more, status):
    """At the length that was announced, or where the server says that it ends it; never later."""
    found = await call_wsgi(registry, "PUT", upload(docs), b"abc", **more)
    assert found[0] == status
    assert docs.exists("a") == (status == 201)


async def test_nothing_is_read_behind_a_body(docs, registry):
    """On some servers the next request follows at once."""
    stream = io.BytesIO(b"abcGET / HTTP/1.1")
    for path, length in ((upload(docs), "3"), (upload(docs) + "x", "3")):
        stream.seek(0)
        await call_wsgi(registry, "PUT", path, CONTENT_LENGTH=length, **{"wsgi.input": stream})
        assert stream.tell() == 3


async def test_s9_some_of_a_refused_body_is_taken(docs, registry):
    """And not all of it."""
    stream = io.BytesIO(bytes(40 * MIB))
    more = {"CONTENT_LENGTH": str(40 * MIB), "wsgi.input": stream}
    status, headers, _ = await call_wsgi(registry, "PUT", upload(docs), **more)
    assert (status, "connection" in headers) == (413, False)
    assert 0 < stream.tell() < 20 * MIB
    stream.seek(0)
    await call_wsgi(registry, "PUT", upload(docs), **more, HTTP_EXPECT="100-continue")
    assert stream.tell() == 0


# --- both


@WORLDS
@pytest.mark.parametrize(
    ("method", "error", "status"),
    [
        ("GET", TimeoutError(), 503),
        ("HEAD", ConnectionError(), 503),
        ("PUT", TimeoutError(), 503),
        ("PUT", PermissionError(), None),
        ("PUT", FileNotFoundError(), None),
        ("GET", PermissionError(), None),
    ],
)
async def test_a_storage_that_fails(registry, call, method, error, status):
    """Out of reach for the moment: the client may try again. Else it is the server's own error, which nobody hides."""
    driver = FaultyDriver(ObstoreDriver(MemoryStore))
    storage = registry.register_backend(StorageBackend("docs", driver))
    path = path_of(storage.sign("a", for_upload=method == "PUT"))
    driver.fail(Fault("put" if method == "PUT" else "stat", "before", error))
    if status is None:
        with pytest.raises(StorageError):
            await call(registry, method, path)
    else:
        found = await call(registry, method, path)
        assert (found[0], b"docs" in found[2]) == (status, False)
