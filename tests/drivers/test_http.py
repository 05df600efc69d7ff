"""What the driver for web servers promises beyond the contract: the documented forms, sizes, redirects, errors."""

import asyncio
import gzip
import secrets
import socket
from contextlib import contextmanager
from pathlib import Path

import fsspec
import pytest

from holdfast import FileObject, storages
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.errors import (
    AccessDeniedError,
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    StorageError,
    ThrottledError,
    UnavailableError,
    UnsupportedError,
)
from tests.servers.proxy.listener import listening


@pytest.fixture
def site(plain_http):
    """A folder of the test's own on a web server: its address and its path."""
    name = secrets.token_hex(4)
    folder = Path(plain_http.folder, name)
    folder.mkdir()
    return f"{plain_http.address}/{name}", folder


@contextmanager
def answering(*answers):
    """Serve one answer after the other, the last one for ever, to requests that are kept."""
    requests, left = [], list(answers)

    async def handle(reader, writer):
        requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(left.pop(0) if len(left) > 1 else left[0])
        await writer.drain()

    with listening(handle) as (port, _):
        yield f"http://127.0.0.1:{port}/base", requests


def answer(status, body=b"", **headers):
    """Return the bytes of an answer."""
    lines = [f"HTTP/1.1 {status} x", "Connection: close", *(f"{name}: {text}" for name, text in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


# --- the documented forms


async def test_b14_public_files(site):
    """`fs=fsspec.filesystem("http"), prefix="https://…"`: files are read, sync and async, whole and in part."""
    address, folder = site
    (folder / "docs").mkdir()
    (folder / "docs" / "report.txt").write_bytes(b"0123456789")
    http_fs = fsspec.filesystem("http")
    storages.register_backend(FSSpecBackend(key="cdn", fs=http_fs, prefix=address))
    try:
        file = FileObject(backend="cdn", filename="docs/report.txt")
        assert (file.get_content(), await file.get_content_async()) == (b"0123456789", b"0123456789")
        assert (file.get_content(start=2, end=5), await file.get_content_async(start=-3)) == (b"234", b"789")
        assert [chunk async for chunk in file.iter_content_async(chunk_size=4)] == [b"0123", b"4567", b"89"]
        await file.refresh_async()
        assert (file.size, file.content_type) == (10, "text/plain")
        for call in [file.delete, file.sign, lambda: file.save(b"new")]:
            with pytest.raises(UnsupportedError):
                call()
        with pytest.raises(UnsupportedError, match="read-only"):
            await file.delete_async()
    finally:
        storages.unregister("cdn")
    assert (folder / "docs" / "report.txt").read_bytes() == b"0123456789"


def test_b14_with_a_token():
    """`client_kwargs={"headers": …}` is sent with each request."""
    with answering(answer(200, b"bytes", **{"Content-Length": 5})) as (address, requests):
        fs = fsspec.filesystem("http", client_kwargs={"headers": {"Authorization": "Bearer token"}})
        storage = FSSpecBackend(key="api-storage", fs=fs, prefix=address)
        assert storage.read("a b/ü?%.txt") == b"bytes"
        assert asyncio.run(storage.read_async("x", start=1, end=3)) == b"yt"
    assert requests[0].startswith("GET /base/a%20b/%C3%BC%3F%25.txt HTTP/1.1")
    assert all("Authorization: Bearer token\r\n" in request for request in requests)
    assert "Range: bytes=1-2\r\n" in requests[1]


def test_b14_by_name(site):
    """By protocol and by address, with a prefix or without."""
    address, folder = site
    (folder / "x").write_bytes(b"bytes")
    scheme_free = address.partition("://")[2]
    for storage in [
        FSSpecBackend("docs", "http", address),
        FSSpecBackend("docs", address),
        FSSpecBackend("docs", f"http://{scheme_free.partition('/')[0]}", scheme_free.partition("/")[2]),
    ]:
        assert storage.read("x") == b"bytes"
    for wrong in ["cdn.example.com/files", "https://example.com/files?signature=canary", "ftp://example.com", ""]:
        with pytest.raises(ConfigurationError, match=r"https://example\.com/files") as caught:
            FSSpecBackend("docs", "http", wrong)
        assert "canary" not in str(caught.value)


def test_a_password_in_the_address_is_sent_and_never_shown(rclone_http):
    """Name and password go into a header, and into no error."""
    name = secrets.token_hex(4)
    Path(rclone_http.folder, name).write_bytes(b"bytes")
    assert FSSpecBackend("docs", rclone_http.with_login).read(name) == b"bytes"
    with pytest.raises(AuthenticationError):
        FSSpecBackend("docs", rclone_http.address).read(name)
    wrong = FSSpecBackend("docs", rclone_http.with_login.replace(rclone_http.password, "canary-secret"))
    for call in [lambda: wrong.read(name), lambda: wrong.exists(name), lambda: wrong.put(name, b"")]:
        with pytest.raises(StorageError) as caught:
            call()
        shown = f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"
        assert "canary" not in shown
        assert rclone_http.username not in shown


# --- answers


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AuthenticationError),
        (403, AccessDeniedError),
        (404, NotFoundError),
        (410, NotFoundError),
        (418, StorageError),
        (429, ThrottledError),
        (500, UnavailableError),
        (503, ThrottledError),
    ],
)
def test_a_status_has_its_class(status, kind):
    """Reading and describing tell the same class; only what is missing counts as missing."""
    with answering(answer(status, **{"Content-Length": 0})) as (address, _):
        storage = FSSpecBackend("docs", address)
        for call in [lambda: storage.read("x"), lambda: storage.stat("x"), lambda: next(storage.stream("x"))]:
            with pytest.raises(StorageError, match=str(status)) as caught:
                call()
            assert type(caught.value) is kind
        if kind is NotFoundError:
            assert not storage.exists("x")
        else:
            with pytest.raises(kind):
                storage.exists("x")


def test_no_answer_has_its_class():
    """A refused connection, an unknown host and a body that is cut off are told apart from what is missing."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        for address in [f"http://127.0.0.1:{sock.getsockname()[1]}", "http://host.invalid"]:
            with pytest.raises(UnavailableError):
                FSSpecBackend("docs", address).exists("x")
    with answering(answer(200, b"half", **{"Content-Length": 8})) as (address, _), pytest.raises(UnavailableError):
        FSSpecBackend("docs", address).read("x")


def test_a_size_that_nobody_tells_is_counted():
    """A server that knows no HEAD and sends no length is read to the end."""
    with answering(answer(405), answer(200, b"12345", ETag='W/"tag"')) as (address, requests):
        found = FSSpecBackend("docs", address).stat("x")
    assert (found.size, found.etag) == (5, "tag")
    assert [request.partition(" ")[0] for request in requests] == ["HEAD", "GET"]


def test_a_redirect_is_followed(site):
    """An object that has moved is read where it is now, and a folder's page is none."""
    address, folder = site
    (folder / "x").write_bytes(b"bytes")
    (folder / "folder").mkdir()
    with answering(answer(302, Location=f"{address}/x")) as (moved, _):
        storage = FSSpecBackend("docs", moved)
        assert storage.read("y", start=1) == b"ytes"
        assert storage.stat("y").size == 5
    assert not FSSpecBackend("docs", address).exists("folder")


@pytest.mark.parametrize("kept", [{"headers": {"PRIVATE-TOKEN": "canary"}}, {"cookies": {"session": "canary"}}])
@pytest.mark.parametrize("declared", ["client_kwargs", "options"])
def test_a_redirect_to_another_server_tells_no_secret(kept, declared):
    """Headers, cookies and login are sent to the server that was named, and to no other one."""
    options = {"client_kwargs": kept} if declared == "client_kwargs" else kept
    with answering(answer(200, b"bytes", **{"Content-Length": 5})) as (other, asked):
        moved = [answer(307, Location="/elsewhere"), answer(302, Location=f"{other}/x")]
        with answering(*moved) as (address, requests):
            storage = FSSpecBackend("docs", "http", address.replace("//", "//ada:canary-password@"), **options)
            assert storage.read("x", start=1, end=3) == b"yt"
    assert len(requests) == 2
    assert all("canary" in request and "Authorization: Basic " in request for request in requests)
    assert len(asked) == 1
    assert "canary" not in asked[0]
    assert "Authorization" not in asked[0]
    assert "Range: bytes=1-2\r\n" in asked[0]


@pytest.mark.parametrize("location", ["/round", "ftp://127.0.0.1/x", "http://127.0.0.1:port/x", ""])
def test_a_redirect_that_leads_nowhere(location):
    """A circle and what is no address are errors, not endless."""
    with answering(answer(302, Location=location)) as (address, requests):
        with pytest.raises(StorageError, match="302 Found"):
            FSSpecBackend("docs", address).read("x")
        assert len(requests) <= 11


# --- bytes


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (206, b"01234", {"Content-Range": "bytes 0-4/100"}),
        (206, b"0123456789", {"Content-Range": "bytes 0-9/100"}),
        (206, b"56", {"Content-Range": "bytes 5-6/100"}),
        (206, b"56", {"Content-Range": "bytes 5-9/100"}),
        (206, b"56789", {"Content-Range": "bytes */100"}),
        (206, b"56789", {"Content-Range": "5-9"}),
        (206, b"--x\r\nContent-Range: bytes 5-9/100\r\n\r\n56789\r\n--x--", {"Content-Type": "multipart/byteranges"}),
        (416, b"", {"Content-Range": "bytes */100"}),
        (204, b"", {}),
        (300, b"choose", {}),
        (304, b"", {}),
    ],
)
def test_bytes_that_were_not_asked_for_are_refused(status, body, headers):
    """An answer to a range has to be that range."""
    with answering(answer(status, body, **{"Content-Length": len(body), **headers})) as (address, _):
        storage = FSSpecBackend("docs", address)
        with pytest.raises(StorageError):
            storage.read("x", start=5, end=10)
        with pytest.raises(StorageError):
            b"".join(storage.stream("x", start=5, end=10))


@pytest.mark.parametrize(
    ("status", "body", "headers", "found"),
    [
        (206, b"56789", {"Content-Range": "bytes 5-9/100"}, b"56789"),
        (206, b"56789", {"Content-Range": "bytes 5-9/*"}, b"56789"),
        (206, b"56", {"Content-Range": "bytes 5-6/7"}, b"56"),
        (200, b"0123456789abc", {}, b"56789"),
        (416, b"", {"Content-Range": "bytes */3"}, b""),
        (416, b"", {}, b""),
    ],
)
def test_bytes_that_were_asked_for(status, body, headers, found):
    """The range, what there is of it, or the whole from a server without ranges."""
    with answering(answer(status, body, **{"Content-Length": len(body), **headers})) as (address, _):
        assert FSSpecBackend("docs", address).read("x", start=5, end=10) == found


@pytest.mark.parametrize("status", [204, 206, 300, 304, 416])
def test_an_answer_that_is_not_the_file_is_refused(status):
    """Only 200 answers a request for the whole."""
    headers = {"Content-Length": 0, "Content-Range": "bytes 0-0/1"}
    with answering(answer(status, **headers)) as (address, _):
        storage = FSSpecBackend("docs", address)
        for call in [lambda: storage.read("x"), lambda: storage.stat("x")]:
            with pytest.raises(StorageError, match=str(status)):
                call()


def test_bytes_are_not_unpacked():
    """Of what a server sends packed, in spite of the request, size and bytes are those that it sends."""
    packed = gzip.compress(b"bytes" * 100)
    with answering(answer(200, packed, **{"Content-Length": len(packed), "Content-Encoding": "gzip"})) as (address, _):
        storage = FSSpecBackend("docs", address)
        assert storage.read("x") == packed
        assert storage.read("x", start=2, end=9) == packed[2:9]


# --- secrets


@pytest.mark.parametrize(
    "prefix",
    [
        "ada:canary@cdn.example.com/files",
        "https:/ada:canary@cdn.example.com/files",
        "https://ada:canary@cdn.example.com:port/files",
        "https://ada:canary@cdn.example.com:99999/files",
        "https://ada:canary/x@cdn.example.com/files",
        "https://ada:canary#canary@cdn.example.com/files",
        "https://[ada:canary@cdn.example.com/files",
        "https://cdn.example.com/files?signature=a@canary",
    ],
)
def test_an_address_that_is_none_is_shown_without_secrets(prefix):
    """Whatever is wrong with it, no part of a password or signature is shown."""
    for declare in [lambda: FSSpecBackend("docs", "http", prefix), lambda: FSSpecBackend("docs", prefix)]:
        with pytest.raises(ConfigurationError) as caught:
            declare()
        assert "canary" not in str(caught.value)
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    "url", ["sftp://u:canary@h:bad/x", "ftp://u:canary@h:99999/x", "ftp://u:canary/x@h/x", "sftp://[u:canary@h"]
)
def test_a_url_that_is_none_is_shown_without_secrets(url):
    """The same for other services: a class of Holdfast, and no part of the password."""
    with pytest.raises(ConfigurationError, match="cannot be read as a URL") as caught:
        FSSpecBackend("docs", url)
    assert "canary" not in str(caught.value)
    assert caught.value.__suppress_context__
