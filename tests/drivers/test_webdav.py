"""What the driver for WebDAV promises beyond the contract: the documented forms, names, errors."""

import secrets
import socket
from pathlib import Path

import fsspec
import pytest

from holdfast.backends.fsspec import FSSpecBackend
from holdfast.drivers.local.files import TEMPORARY
from holdfast.errors import (
    AlreadyExistsError,
    AuthenticationError,
    ConfigurationError,
    StorageError,
    UnavailableError,
    UnsupportedError,
)


@pytest.fixture
def folder():
    """A folder of the test's own."""
    return secrets.token_hex(4)


@pytest.fixture
def storage(wsgidav, folder):
    """A storage, by name."""
    return FSSpecBackend("docs", "webdav", folder, **wsgidav.options)


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
