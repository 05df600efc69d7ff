"""What the driver for FTP promises beyond the contract: old servers, lost connections, errors."""

import asyncio
import os
import secrets
import socket
import ssl
import time
from pathlib import Path

import fsspec
import pytest

from holdfast.backends.fsspec import FSSpecBackend
from holdfast.drivers.fsspec.folders import Entry
from holdfast.drivers.fsspec.ftp.driver import FTPDriver
from holdfast.drivers.local.folders import TEMPORARY
from holdfast.errors import (
    AccessDeniedError,
    AlreadyExistsError,
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    StorageError,
    UnavailableError,
)
from tests.servers.ftp import TLSFront
from tests.servers.proxy import CuttingProxy

MIB = 1024 * 1024


@pytest.fixture
def folder():
    """A folder of the test's own."""
    return secrets.token_hex(4)


@pytest.fixture
def storage(pyftpdlib, folder):
    """A storage, by name."""
    return FSSpecBackend("docs", "ftp", f"/{folder}", **pyftpdlib.options)


@pytest.fixture
def cutting(pyftpdlib):
    """A proxy in front of the server's control connections."""
    with CuttingProxy(int(pyftpdlib.port)) as proxy:
        yield proxy


async def test_b15_ftp(pyftpdlib, folder):
    """FTP by name, by URL and through a file system that the user made, sync and async."""
    site = pyftpdlib
    url = f"ftp://{site.username}:{site.password}@127.0.0.1:{site.port}/{folder}"
    for storage in [
        FSSpecBackend("docs", "ftp", folder, **site.options),
        FSSpecBackend("docs", url),
        FSSpecBackend("docs", fsspec.filesystem("ftp", **site.options), f"/{folder}"),
    ]:
        info = await storage.put_async("a folder/été 🎉.bin", b"\r\n\n bytes \xff\xfe")
        assert (info.size, abs(info.last_modified - time.time()) < 60) == (12, True)
        assert storage.read("a folder/été 🎉.bin", start=2) == b"\n bytes \xff\xfe"
        assert [found.key async for found in storage.list_async()] == ["a folder/été 🎉.bin"]
        assert Path(site.folder, folder, "a folder/été 🎉.bin").stat().st_size == 12
        storage.delete("a folder/été 🎉.bin")


def test_an_old_server(pyftpdlib, folder):
    """A server without MLSD and MLST is asked by SIZE, MDTM, CWD and LIST."""
    storage = FSSpecBackend("docs", "ftp", folder, **{**pyftpdlib.options, "port": int(pyftpdlib.old_port)})
    info = storage.put("a/with space.bin", b"bytes\r\n")
    assert (info.size, abs(info.last_modified - time.time()) < 60) == (7, True)
    storage.put("a/b/x", b"")
    assert [(found.key, found.size) for found in storage.list()] == [("a/b/x", 0), ("a/with space.bin", 7)]
    assert storage.read("a/with space.bin") == b"bytes\r\n"
    for name in ["a", "a/b", "missing", "a/b/x/y"]:
        assert not storage.exists(name)
    storage.delete(["a/b/x", "a", "missing"])
    assert [found.key for found in storage.list()] == ["a/with space.bin"]


def test_an_old_listing(pyftpdlib, folder):
    """What is neither a file nor a folder is none, and names begin and end where they do."""
    storage = FSSpecBackend("docs", "ftp", folder, **{**pyftpdlib.options, "port": int(pyftpdlib.old_port)})
    names = [" two spaces before", "a -> b", "été\u2028two lines", "x  y"]
    for name in names:
        storage.put(name, b"bytes")
    Path(pyftpdlib.folder, folder, "link").symlink_to("x  y")
    os.mkfifo(Path(pyftpdlib.folder, folder, "pipe"))
    assert [info.key for info in storage.list()] == sorted(names)
    new = FSSpecBackend("docs", "ftp", folder, **pyftpdlib.options)
    assert [new.stat(name).size for name in names] == [5] * 4
    assert {info.key for info in new.list()} >= set(names)


@pytest.mark.parametrize("names", [(".", "..", "a"), ("../x", "/x", "a/b", "a")])
def test_names_that_lead_elsewhere_are_no_names(names):
    """A server that lists them is not believed."""

    class Listing(FTPDriver):
        def _scan(self, path):
            del path
            return [Entry(name) for name in names]

    driver = Listing(lambda: None, "")
    assert [info.key for info in driver.list("", None)] == ["a"]


@pytest.mark.parametrize("implicit", [False, True], ids=["explicit", "implicit"])
def test_b15_ftps(pyftpdlib, folder, tmp_path, implicit):
    """With `tls=` the certificate is checked before the password is sent, and every transfer is encrypted."""
    with TLSFront(tmp_path, int(pyftpdlib.port), implicit=implicit) as front:
        tls = {"tls": "implicit" if implicit else True}
        options = {**pyftpdlib.options, "host": "localhost", "port": front.port, **tls}
        trusted = {**options, "verify": str(front.certificate)}
        for refused in [options, {**trusted, "host": "127.0.0.1"}]:
            with pytest.raises(UnavailableError, match=r"(?i)certificate.verify.failed"):
                FSSpecBackend("docs", "ftp", folder, **refused).exists("x")
        assert not {"USER", "PASS"} & set(front.commands)
        context = ssl.create_default_context(cafile=front.certificate)
        for accepted in [trusted, {**options, "verify": False}, {**options, "ssl_context": context}]:
            storage = FSSpecBackend("docs", "ftp", folder, **accepted)
            storage.put("x", bytes(MIB))
            assert storage.read("x", start=5) == bytes(MIB - 5)
            assert [info.key for info in storage.list()] == ["x"]
        assert front.transfers == 9


def test_b15_ftps_with_a_file_system_that_was_given(pyftpdlib, folder, tmp_path):
    """What fsspec has connected to unseen is connected to again, and looked at."""
    with TLSFront(tmp_path, int(pyftpdlib.port)) as front:
        options = {**pyftpdlib.options, "host": "localhost", "port": front.port, "tls": True}
        with pytest.raises(UnavailableError, match=r"(?i)certificate.verify.failed"):
            FSSpecBackend("docs", fsspec.filesystem("ftp", **options), folder).exists("x")
        fs = fsspec.filesystem("ftp", **options, verify=str(front.certificate))
        assert FSSpecBackend("docs", fs, folder).put("x", b"bytes").size == 5


@pytest.mark.parametrize("options", [{"verify": False}, {"tls": True, "verify": "/no/such.pem"}, {"tls": "maybe"}])
def test_b15_options_of_tls_that_cannot_work(pyftpdlib, options):
    """None of them leads to a connection that is less safe than it looks."""
    with pytest.raises(ConfigurationError):
        FSSpecBackend("docs", "ftp", **pyftpdlib.options, **options).exists("x")


def test_what_is_in_the_way(storage):
    """A folder is not replaced by a file, nor a file if that is not wanted."""
    storage.put("a/x", b"bytes")
    with pytest.raises(StorageError, match="a folder of that name"):
        storage.put("a", b"bytes")
    with pytest.raises(StorageError):
        storage.put("a/x/y", b"bytes")
    with pytest.raises(AlreadyExistsError):
        storage.put("a/x", b"other", if_absent=True)
    assert storage.read("a/x") == b"bytes"
    assert [info.key for info in storage.list()] == ["a/x"]


def test_a_lost_connection_is_opened_again(pyftpdlib, cutting, folder):
    """After a cut, as after an idle hour, every operation works again."""
    storage = FSSpecBackend("docs", "ftp", folder, **{**pyftpdlib.options, "port": cutting.port})
    storage.put("x", b"bytes")
    for call in [
        lambda: storage.read("x"),
        lambda: storage.put("y", b"bytes").size,
        lambda: [info.key for info in storage.list()],
        lambda: storage.delete("y"),
        lambda: asyncio.run(storage.read_async("x")),
    ]:
        cutting.cut()
        call()


def test_a_stream_keeps_nobody_out(storage):
    """While one file is streamed in one thread, others are read, written and listed."""
    storage.put("x", b"x" * 3 * MIB)
    stream = storage.stream("x", chunk_size=MIB)
    next(stream)
    storage.put("y", b"bytes")
    assert storage.read("y") == b"bytes"
    assert sum(map(len, stream)) == 2 * MIB


def test_a_source_that_fails_hangs_up(storage):
    """The answers to a transfer that was given up are never taken for those to the next command."""

    def content():
        yield b"x" * MIB
        raise FileNotFoundError("the content's own")

    for _ in range(3):
        with pytest.raises(FileNotFoundError, match="own"):
            storage.put("x", content())
        assert not storage.exists("x")
    assert list(storage.list()) == []


def test_left_temporary_files_are_cleared(storage, pyftpdlib, folder):
    """What a crash left is found by its age."""
    storage.put("x", b"bytes")
    left = Path(pyftpdlib.folder, folder, TEMPORARY, "left")
    left.write_bytes(b"half")
    now = time.time()
    os.utime(left, (now - 7200, now - 7200))
    assert storage.clear_partial_uploads(now - 3600, delete=True) == [f"{TEMPORARY}/left"]
    assert not left.exists()


def test_errors_say_what_they_are(pyftpdlib, folder):
    """Wrong password, missing permission, refused connection and unknown host each have their class, and no secret."""
    options = pyftpdlib.options
    wrong = FSSpecBackend("docs", "ftp", folder, **{**options, "password": "canary-secret"})
    for operation in [lambda: wrong.put("x", b"bytes"), lambda: wrong.exists("x"), lambda: list(wrong.list())]:
        with pytest.raises(AuthenticationError) as caught:
            operation()
        assert "canary" not in str(caught.value)
    FSSpecBackend("docs", "ftp", folder, **options).put("x", b"bytes")
    reader = FSSpecBackend("docs", "ftp", folder, **{**options, "username": "reader"})
    assert reader.read("x") == b"bytes"
    for operation in [lambda: reader.put("y", b"bytes"), lambda: reader.delete("x"), lambda: reader.copy("x", "y")]:
        with pytest.raises(AccessDeniedError):
            operation()
    with pytest.raises(NotFoundError):
        reader.read("missing")
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        for change in [{"port": sock.getsockname()[1]}, {"host": "host.invalid"}]:
            with pytest.raises(UnavailableError):
                FSSpecBackend("docs", "ftp", folder, **{**options, **change}).exists("x")
