"""What the driver for WebDAV promises beyond the contract: the documented forms, names, errors."""

import asyncio
import os
import secrets
import socket
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import fsspec
import pytest
from webdav4.fsspec import WebdavFileSystem
from webdav4.http import Client

from holdfast.backends.fsspec import FSSpecBackend
from holdfast.drivers.local.folders import TEMPORARY
from holdfast.errors import (
    AccessDeniedError,
    AlreadyExistsError,
    AuthenticationError,
    ConfigurationError,
    ForkError,
    StorageError,
    UnavailableError,
    UnsupportedError,
)
from tests.servers.proxy.listener import listening

LOST = object()
"""Stands for an answer that never arrives, to a request that has been done."""


@pytest.fixture
def folder():
    """A folder of the test's own."""
    return secrets.token_hex(4)


@pytest.fixture
def storage(wsgidav, folder):
    """A storage, by name."""
    return FSSpecBackend("docs", "webdav", folder, **wsgidav.options)


@contextmanager
def before(wsgidav, folder, instead):
    """Give a storage whose requests are answered by `instead`, or by the server where that returns None or `LOST`."""
    server = urlsplit(wsgidav.base_url)

    async def handle(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        size = next((int(line[15:]) for line in head.splitlines() if line.lower().startswith(b"content-length:")), 0)
        body = await reader.readexactly(size)
        method, path = head.decode().split()[:2]
        reply = instead(method, path)
        if reply in {None, LOST}:
            up, down = await asyncio.open_connection(server.hostname, server.port)
            down.write(head.replace(b"keep-alive", b"close") + body)
            found = await up.read()
            down.close()
            reply = found if reply is None else b""
        writer.write(reply)
        await writer.drain()

    with listening(handle) as (port, _):
        address = f"http://127.0.0.1:{port}"
        options = {**wsgidav.options, "base_url": f"{address}/dav"}
        yield FSSpecBackend("docs", "webdav", folder, **options)


def answer(status, body=b"", **headers):
    """Return the bytes of an answer."""
    about = {"Connection": "close", "Content-Length": len(body), **headers}
    lines = [f"HTTP/1.1 {status} x", *(f"{name}: {text}" for name, text in about.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def test_b15_webdav(wsgidav, folder):
    """WebDAV by name and through a file system that the user made, sync and async."""
    for storage in [
        FSSpecBackend("docs", "webdav", folder, **wsgidav.options),
        FSSpecBackend("docs", fsspec.filesystem("webdav", **wsgidav.options), f"/{folder}/"),
    ]:
        info = await storage.put_async("a folder/été 🎉.txt", b"bytes")
        assert info.etag == storage.stat("a folder/été 🎉.txt").etag
        assert storage.read("a folder/été 🎉.txt", start=2) == b"tes"
        assert [found.key async for found in storage.list_async()] == ["a folder/été 🎉.txt"]
        assert Path(wsgidav.folder, folder, "a folder/été 🎉.txt").read_bytes() == b"bytes"
        storage.delete("a folder/été 🎉.txt")
    with pytest.raises(ConfigurationError, match="needs base_url="):
        FSSpecBackend("docs", "webdav", folder)


def test_b15_names_that_others_put_there(storage, wsgidav, folder):
    """Files with a % or ? in their names are listed, read and deleted."""
    root = Path(wsgidav.folder, folder)
    root.mkdir()
    names = ["100%.txt", "a%20b", "ha#sh", "semi;colon", "what?.txt"]
    for name in names:
        (root / name).write_text(name)
    assert [info.key for info in storage.list()] == names
    assert [storage.read(name).decode() for name in names] == names
    storage.delete(names)
    assert list(root.iterdir()) == []


def test_a_name_that_the_server_misreads_replaces_nothing(storage):
    """WsgiDAV would take `what?` for `what` as the destination of a move: it is refused, and nothing is harmed."""
    storage.put("what", b"bytes")
    for name in ["what?", "what#x", "what?x"]:
        with pytest.raises(UnsupportedError, match="WebDAV server"):
            storage.put(name, b"other")
        with pytest.raises(UnsupportedError, match="WebDAV server"):
            storage.copy("what", name)
    assert storage.read("what") == b"bytes"
    assert [info.key for info in storage.list()] == ["what"]


def test_a_folder_is_not_replaced(storage, wsgidav, folder):
    """A move onto a folder would delete all that is in it."""
    storage.put("a/x", b"bytes")
    with pytest.raises(StorageError, match="a folder of that name"):
        storage.put("a", b"bytes")
    with pytest.raises(StorageError):
        storage.put("a/x/y", b"bytes")
    with pytest.raises(AlreadyExistsError):
        storage.put("a/x", b"other", if_absent=True)
    storage.delete(["a", "missing"])
    assert storage.read("a/x") == b"bytes"
    assert list(Path(wsgidav.folder, folder, TEMPORARY).iterdir()) == []


def test_the_folder_of_temporary_files_may_be_deleted(storage, wsgidav, folder):
    """After somebody has tidied up, the first put at worst fails, and the next ones work."""
    storage.put("x", b"bytes")
    Path(wsgidav.folder, folder, TEMPORARY).rmdir()
    try:
        storage.put("y", b"bytes")
    except StorageError:
        storage.put("y", b"bytes")
    assert storage.read("y") == b"bytes"


def test_errors_say_what_they_are(wsgidav, folder):
    """Wrong password, refused connection and unknown host each have their class, and no secret."""
    options = wsgidav.options
    wrong = FSSpecBackend("docs", "webdav", folder, **{**options, "auth": ("holdfast", "canary-secret")})
    for operation in [lambda: wrong.put("x", b"bytes"), lambda: wrong.exists("x"), lambda: list(wrong.list())]:
        with pytest.raises(AuthenticationError) as caught:
            operation()
        assert "canary" not in str(caught.value)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        for address in [f"http://127.0.0.1:{sock.getsockname()[1]}", "http://host.invalid"]:
            with pytest.raises(UnavailableError):
                FSSpecBackend("docs", "webdav", folder, **{**options, "base_url": address}).exists("x")


# --- answers


@pytest.mark.parametrize("method", ["MKCOL", "PUT", "MOVE", "COPY", "DELETE"])
def test_a_redirect_is_no_success(storage, wsgidav, folder, method):
    """Nothing was written, moved or deleted: the error says where the server is now."""
    storage.put("x", b"old bytes")
    moved = answer(301, Location="https://cloud.example.com/dav?canary")
    with before(wsgidav, folder, lambda asked, _: moved if asked == method else None) as front:
        calls = [lambda: front.put("x", b"new bytes"), lambda: front.copy("x", "y"), lambda: front.delete("x")]
        concerned = {"MKCOL": calls[:2], "PUT": calls[:1], "MOVE": calls[:2], "COPY": calls[1:2], "DELETE": calls[2:]}
        for call in concerned[method]:
            with pytest.raises(
                StorageError, match=r"to https://cloud\.example\.com; give the new .* base_url="
            ) as caught:
                call()
            assert "canary" not in str(caught.value)
    assert [(info.key, storage.read(info.key)) for info in storage.list()] == [("x", b"old bytes")]


def test_a_folder_that_somebody_else_makes_at_the_same_moment(wsgidav, folder):
    """WsgiDAV answers one of the two with 500: what counts is whether the folder is there."""

    def instead(method, path):
        if method != "MKCOL":
            return None
        if "lost" not in path:
            Path(wsgidav.folder, path.removeprefix("/dav/")).mkdir(parents=True, exist_ok=True)
        return answer(500)

    with before(wsgidav, folder, instead) as front:
        front.put("made/x", b"bytes")
        assert front.read("made/x") == b"bytes"
        with pytest.raises(UnavailableError, match="500"):
            front.put("lost/x", b"bytes")


@pytest.mark.parametrize("status", [300, 304])
def test_an_answer_that_leads_nowhere_is_no_success(storage, wsgidav, folder, status):
    """Only 200 to 299 mean that something was done."""
    storage.put("x", b"old bytes")
    with before(wsgidav, folder, lambda asked, _: answer(status) if asked in {"DELETE", "MOVE"} else None) as front:
        for call in [lambda: front.put("x", b"new bytes"), lambda: front.delete("x")]:
            with pytest.raises(StorageError, match=str(status)):
                call()
    assert storage.read("x") == b"old bytes"


def test_a_redirect_is_followed_where_nothing_changes(storage, wsgidav, folder):
    """On the same server, to read and to look."""
    storage.put("x", b"bytes")
    moved = {}

    def instead(_, path):
        if path.startswith("/dav/moved/"):
            moved[path] = answer(301, Location=path.replace("/moved", ""))
        return moved.get(path)

    with before(wsgidav, f"moved/{folder}", instead) as front:
        assert front.read("x", start=1, end=3) == b"yt"
        assert front.stat("x").size == 5
        with pytest.raises(StorageError, match="301"):
            front.delete("x")
    assert moved
    assert storage.read("x") == b"bytes"


def test_a_redirect_to_another_server_tells_no_secret(storage, wsgidav, folder):
    """Content may lie elsewhere, as in front of an object store: what is sent there is the request alone."""
    storage.put("x", b"bytes")
    asked = []

    async def elsewhere(reader, writer):
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(answer(200, b"bytes"))
        await writer.drain()

    with listening(elsewhere) as (port, _):
        away = answer(302, Location=f"http://ada:login@127.0.0.1:{port}/x")
        with before(wsgidav, folder, lambda method, _: away if method == "GET" else None) as front:
            options = {**wsgidav.options, "base_url": str(front.native.client.base_url)}
            told = {"headers": {"PRIVATE-TOKEN": "canary"}, "cookies": {"session": "canary"}}
            assert FSSpecBackend("docs", "webdav", folder, **options, **told).read("x", start=1, end=3) == b"yt"
        with before(wsgidav, folder, lambda method, _: away if method == "PROPFIND" else None) as front:
            for call in [lambda: front.exists("x"), lambda: front.read("x"), lambda: list(front.list())]:
                with pytest.raises(StorageError, match="base_url="):
                    call()
    assert len(asked) == 1
    assert "Range: bytes=1-2\r\n" in asked[0]
    assert not any(word in asked[0].lower() for word in ("canary", "authorization", "cookie", "login"))


@pytest.mark.parametrize("method", ["PUT", "MOVE", "COPY", "DELETE"])
def test_half_a_success_is_none(storage, wsgidav, folder, method):
    """207 to a change means that a part of it has failed: the error is that of the part."""
    storage.put("x", b"old bytes")
    part = b"<response><href>/x</href><status>HTTP/1.1 %d x</status></response>"
    document = b'<multistatus xmlns="DAV:">' + part % 200 + part % 424 + part % 403 + b"</multistatus>"
    with before(wsgidav, folder, lambda asked, _: answer(207, document) if asked == method else None) as front:
        call = {"DELETE": lambda: front.delete("x"), "COPY": lambda: front.copy("x", "y")}.get(method)
        with pytest.raises(AccessDeniedError, match="403"):
            (call or (lambda: front.put("x", b"new bytes")))()
    assert [(info.key, storage.read(info.key)) for info in storage.list()] == [("x", b"old bytes")]


@pytest.mark.parametrize("written", [None, b"", b"new b"])
def test_a_write_that_did_not_happen(storage, wsgidav, folder, written):
    """A server or proxy that answers with success and has less than it was sent replaces nothing."""
    storage.put("x", b"old bytes")

    def instead(method, path):
        if method != "PUT":
            return None
        if written is not None:
            Path(wsgidav.folder, path.removeprefix("/dav/")).write_bytes(written)
        return answer(201)

    with before(wsgidav, folder, instead) as front, pytest.raises(StorageError, match="the server"):
        front.put("x", b"new bytes")
    assert storage.read("x") == b"old bytes"
    assert list(Path(wsgidav.folder, folder, TEMPORARY).iterdir()) == []


def test_a_page_is_no_listing(wsgidav, folder):
    """What answers PROPFIND with a page, or with anything else, is no WebDAV server."""
    documents = [answer(200, b"<html>"), answer(207, b"<html>"), answer(207, b'<multistatus xmlns="DAV:"><x/>')]
    for document in documents:
        with before(wsgidav, folder, lambda *_, document=document: document) as front:
            for call in [lambda: front.exists("x"), lambda: list(front.list())]:
                with pytest.raises(StorageError, match="not one of a WebDAV server's"):
                    call()


@pytest.mark.parametrize("wrong", [answer(206, b"b", **{"Content-Range": "bytes 0-0/5"}), answer(204), answer(304)])
def test_bytes_that_were_not_asked_for_are_refused(storage, wsgidav, folder, wrong):
    """An answer to a range has to be that range."""
    storage.put("x", b"bytes")
    with (
        before(wsgidav, folder, lambda method, _: wrong if method == "GET" else None) as front,
        pytest.raises(StorageError),
    ):
        front.read("x", start=1, end=3)


# --- moves


@pytest.mark.parametrize("lost", [False, True])
def test_a_temporary_file_that_has_vanished(storage, wsgidav, folder, lost):
    """A file that was removed before its move is an error, also after a lost connection; the old bytes stay."""
    storage.put("x", b"old bytes")
    storage.put("source", b"new bytes")
    moves = []

    def instead(method, path):
        if method == "MOVE":
            Path(wsgidav.folder, path.removeprefix("/dav/")).unlink(missing_ok=True)
            moves.append(path)
            return b"" if lost and len(moves) == 1 else None
        return None

    with before(wsgidav, folder, instead) as front:
        for change in [lambda: front.put("x", b"new bytes"), lambda: front.copy("source", "new")]:
            moves.clear()
            with pytest.raises(StorageError, match="somebody has removed it"):
                change()
            assert len(moves) == 1 + lost
    assert storage.read("x") == b"old bytes"
    assert not storage.exists("new")


@pytest.mark.parametrize("if_absent", [False, True])
def test_an_answer_to_a_move_that_was_lost(storage, wsgidav, folder, if_absent):
    """The move is sent again, and that there is nothing left to move is known for what it is."""
    if not if_absent:
        storage.put("x", b"old bytes")
    moves = []

    def instead(method, path):
        if method == "MOVE":
            moves.append(path)
            return LOST if len(moves) == 1 else None
        return None

    with before(wsgidav, folder, instead) as front:
        assert front.put("x", b"new bytes", if_absent=if_absent).size == 9
        assert len(moves) == 2
    assert storage.read("x") == b"new bytes"


# --- forks

FOUND = b"""<multistatus xmlns="DAV:"><response><href>/x</href><propstat><prop><resourcetype/>
<getcontentlength>5</getcontentlength></prop></propstat></response></multistatus>"""


def in_child(call):
    """Return whether a forked child did something without an error."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            call()
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1] == 0


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_in_a_forked_child():
    """A child opens a connection of its own, also with a file system that was given, and leaves its parent's alone."""
    connections = []

    async def handle(reader, writer):
        connections.append(0)
        mine = len(connections) - 1
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            size = next(int(line[15:]) for line in head.splitlines() if line.lower().startswith(b"content-length:"))
            await reader.readexactly(size)
            connections[mine] += 1
            writer.write(answer(207, FOUND, Connection="keep-alive"))
            await writer.drain()

    with listening(handle) as (port, _):
        address = f"http://127.0.0.1:{port}"
        for storage in [
            FSSpecBackend("docs", WebdavFileSystem(address)),
            FSSpecBackend("docs", "webdav", base_url=address),
        ]:
            connections.clear()
            assert storage.stat("x").size == 5
            assert in_child(lambda storage=storage: storage.stat("x"))
            assert storage.stat("x").size == 5
            assert connections == [2, 1]
            storage.native.client.http.close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_client_that_was_given_is_not_shared_with_a_child(wsgidav, folder):
    """Two processes on one connection would read each other's answers: the child is told what to do."""
    with Client(base_url=wsgidav.base_url, auth=wsgidav.options["auth"]) as client:
        storage = FSSpecBackend("docs", WebdavFileSystem(wsgidav.base_url, http_client=client), folder)
        storage.put("x", b"bytes")

        def refused():
            with pytest.raises(ForkError, match="base_url="):
                storage.read("x")

        assert in_child(refused)
        assert storage.read("x") == b"bytes"


def test_a_base_url_that_is_none_is_not_shown():
    """A part of a password could be taken for the port."""
    storage = FSSpecBackend("docs", "webdav", base_url="https://ada:canary/x@example.com")
    with pytest.raises(ConfigurationError, match="base_url=") as caught:
        storage.exists("x")
    assert "canary" not in str(caught.value)
    assert caught.value.__suppress_context__
