"""What the driver for SFTP promises beyond the contract: the documented forms, lost connections, forks, errors."""

import asyncio
import os
import secrets
import socket
import sys
import time
from dataclasses import replace
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.sftp import SFTPFileSystem
from sshfs import SSHFileSystem

from holdfast import FileObject, storages
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.drivers.local.files import TEMPORARY
from holdfast.drivers.protocol import PartialUploads
from holdfast.errors import (
    AlreadyExistsError,
    AuthenticationError,
    ConfigurationError,
    InvalidKeyError,
    MissingExtraError,
    NotFoundError,
    StorageError,
    UnavailableError,
)
from tests.servers.proxy import CuttingProxy

MIB = 1024 * 1024
LIBRARIES = {"paramiko": SFTPFileSystem, "sshfs": SSHFileSystem}


@pytest.fixture(params=LIBRARIES)
def library(request):
    """Each library in turn."""
    return request.param


def make(server, library, folder, **more):
    """Return a storage through a library, by name: its options tell which one is meant."""
    options = {**getattr(server, library), **more}
    return FSSpecBackend("docs", fs="sftp", prefix=server.path(folder), **options)


@pytest.fixture
def folder():
    """A folder of the test's own."""
    return secrets.token_hex(4)


@pytest.fixture
def cutting(sshd):
    """A proxy in front of sshd."""
    with CuttingProxy(int(sshd.port)) as proxy:
        yield proxy


def temporary(server, folder):
    """Return the names of temporary files."""
    return [path.name for path in Path(server.folder, folder).glob(f"{TEMPORARY}/*")]


# --- the documented forms


async def test_b13_password(rclone_sftp, folder):
    """`fsspec.filesystem("sftp", host=, username=, password=)`, with a file saved, read and deleted."""
    fs = fsspec.filesystem(
        "sftp",
        host="127.0.0.1",
        port=int(rclone_sftp.port),
        username=rclone_sftp.username,
        password=rclone_sftp.password,
    )
    backend = FSSpecBackend(key="sftp-uploads", fs=fs, prefix=rclone_sftp.path(folder))
    storages.register_backend(backend)
    try:
        file = FileObject(backend="sftp-uploads", filename="report.txt", content=b"over SFTP")
        await file.save_async()
        assert Path(rclone_sftp.folder, folder, file.path).read_bytes() == b"over SFTP"
        assert (await file.get_content_async(), file.get_content(start=5)) == (b"over SFTP", b"SFTP")
        assert file.size == 9
        assert abs(file.last_modified - time.time()) < 60
        file.delete()
        assert not await file.exists_async()
    finally:
        storages.unregister("sftp-uploads")


def test_b13_client_keys(sshd, folder):
    """`client_keys=[…]` is sshfs's option: given to fsspec, and by name."""
    keys = {"host": "127.0.0.1", "port": int(sshd.port), "username": sshd.username, "client_keys": [sshd.key]}
    for fs, options in [(fsspec.filesystem("sftp", **keys), {}), ("sftp", keys), ("ssh", keys)]:
        backend = FSSpecBackend(key="sftp-uploads", fs=fs, prefix=sshd.path(folder), **options)
        backend.put("new/folder/x", b"bytes")
        assert isinstance(backend.native, SSHFileSystem)
        assert Path(sshd.folder, folder, "new/folder/x").read_bytes() == b"bytes"
        backend.delete("new/folder/x")


def test_b13_paramikos_own_class(sshd, folder):
    """The file system of paramiko has to be imported: sshfs has taken its place in fsspec's registry."""
    backend = FSSpecBackend("docs", SFTPFileSystem(**sshd.paramiko, skip_instance_cache=True), sshd.path(folder))
    backend.put("x", b"bytes")
    assert asyncio.run(backend.read_async("x")) == b"bytes"
    assert isinstance(backend.native, SFTPFileSystem)


def test_b13_the_options_tell_the_library(sshd, folder):
    """By name, options that only paramiko has make its file system, also where sshfs is installed."""
    backend = make(sshd, "paramiko", folder)
    backend.put("x", b"bytes")
    assert isinstance(backend.native, SFTPFileSystem)
    assert isinstance(make(sshd, "sshfs", folder).native, SSHFileSystem)
    with pytest.raises(ConfigurationError, match="'client_keys' of sshfs"):
        FSSpecBackend("docs", "sftp", "/x", host="h", key_filename="id", client_keys=["id"])
    with pytest.raises(ConfigurationError, match="needs host="):
        FSSpecBackend("docs", "sftp", "/x", username="ada")


def test_b13_without_sshfs(monkeypatch):
    """Without sshfs its options are an error that names the package, and all else goes to paramiko."""
    monkeypatch.setitem(sys.modules, "sshfs", None)
    with pytest.raises(MissingExtraError, match="'client_keys' needs sshfs") as caught:
        FSSpecBackend("docs", "sftp", "/x", host="h", username="u", client_keys=["id"])
    assert 'pip install "holdfast[sftp]"' in str(caught.value)
    backend = FSSpecBackend("docs", "sftp", "/x", host="127.0.0.1", port=9, username="u", password="p")
    assert backend._plain._make.args[0].func is SFTPFileSystem
    monkeypatch.setitem(sys.modules, "paramiko", None)
    monkeypatch.delitem(sys.modules, "fsspec.implementations.sftp", raising=False)
    with pytest.raises(MissingExtraError, match="SFTP needs sshfs or paramiko"):
        FSSpecBackend("docs", "sftp", "/x", host="h", username="u", password="p")


def test_a_prefix_begins_at_the_root_or_at_home(sshd, folder, library):
    """`/` is the root of the server; without a slash a prefix is below the home of the login."""
    options = getattr(sshd, library)
    path = f"{sshd.path(folder)}/x"
    make(sshd, library, folder).put("x", b"bytes")
    assert FSSpecBackend("docs", "sftp", "/", **options).read(path.removeprefix("/")) == b"bytes"
    relative = os.path.relpath(sshd.path(folder), Path.home())
    assert FSSpecBackend("docs", "sftp", relative, **options).read("x") == b"bytes"


# --- writing


def test_no_name_ever_holds_half_a_file(sshd, folder, library):
    """While a put is under way the old file is there in whole, and the new one is under a temporary name."""
    storage = make(sshd, library, folder)
    storage.put("a/x", b"old bytes")
    seen = []

    def content():
        for _ in range(4):
            yield b"x" * MIB
            seen.append((storage.read("a/x"), temporary(sshd, folder)))

    assert storage.put("a/x", content()).size == 4 * MIB
    assert [data for data, _ in seen] == [b"old bytes"] * 4
    assert all(len(names) == 1 for _, names in seen)
    assert storage.read("a/x") == b"x" * 4 * MIB
    assert temporary(sshd, folder) == []
    with pytest.raises(InvalidKeyError):
        storage.put(f"{TEMPORARY}/x", b"bytes")


def test_what_is_in_the_way_is_named(sshd, folder, library):
    """A folder is not replaced by a file, nor a file by a folder, nor a file if that is not wanted."""
    storage = make(sshd, library, folder)
    storage.put("a/x", b"bytes")
    with pytest.raises(StorageError, match="a folder of that name"):
        storage.put("a", b"bytes")
    with pytest.raises(StorageError):
        storage.put("a/x/y", b"bytes")
    with pytest.raises(AlreadyExistsError):
        storage.put("a/x", b"other", if_absent=True)
    assert [info.key for info in storage.list()] == ["a/x"]
    assert temporary(sshd, folder) == []


def test_a_server_that_cannot_replace_in_one_step(rclone_sftp, folder, library):
    """Rclone has no such rename, and its other one replaces: a file is replaced if that is wanted, and only then."""
    storage = make(rclone_sftp, library, folder)
    storage.put("a/x", b"first")
    storage.put("a/x", b"second")
    with pytest.raises(AlreadyExistsError):
        storage.put("a/x", b"third", if_absent=True)
    assert storage.read("a/x") == b"second"
    assert storage.put("a/y", b"bytes", if_absent=True).size == 5
    assert [info.key for info in storage.list()] == ["a/x", "a/y"]


def test_links_are_no_files(sshd, folder, library):
    """A link is neither listed nor read, wherever it leads."""
    storage, root = make(sshd, library, folder), Path(sshd.folder, folder)
    storage.put("a/x", b"bytes")
    (root / "a" / "link").symlink_to("/etc/passwd")
    (root / "a" / "up").symlink_to(root, target_is_directory=True)
    assert [info.key for info in storage.list()] == ["a/x"]
    assert not storage.exists("a/link")
    with pytest.raises(NotFoundError):
        storage.read("a/link")


def test_left_temporary_files_are_cleared(sshd, folder, library):
    """What a crash left is found by its age; what is young stays."""
    storage = make(sshd, library, folder)
    assert isinstance(storage._plain, PartialUploads)
    assert storage.clear_partial_uploads(time.time(), delete=True) == []
    storage.put("x", b"bytes")
    left = Path(sshd.folder, folder, TEMPORARY, "left")
    left.write_bytes(b"half a fi")
    now = time.time()
    assert storage.clear_partial_uploads(now - 3600, delete=True) == []
    os.utime(left, (now - 7200, now - 7200))
    assert storage.clear_partial_uploads(now - 3600, delete=False) == [f"{TEMPORARY}/left"]
    assert left.exists()
    found = asyncio.run(storage.clear_partial_uploads_async(now - 3600, delete=True))
    assert found == [f"{TEMPORARY}/left"]
    assert not left.exists()
    assert storage.read("x") == b"bytes"


# --- the connection


def test_a_lost_connection_is_opened_again(sshd, cutting, folder, library):
    """After a cut every operation works again, without a word to anybody."""
    storage = make(replace(sshd, port=str(cutting.port)), library, folder)
    storage.put("x", b"bytes")
    for call in [
        lambda: storage.read("x"),
        lambda: storage.put("y", b"bytes").size,
        lambda: storage.stat("x").size,
        lambda: [info.key for info in storage.list()],
        lambda: storage.copy("x", f"copy-{cutting.connections}").size,
        lambda: storage.delete("y"),
        lambda: asyncio.run(storage.read_async("x")),
    ]:
        cutting.cut()
        before = cutting.connections
        call()
        assert cutting.connections > before


def test_a_file_system_that_was_given_is_opened_again(sshd, cutting, folder, library):
    """The same for one that the user made: it is made again with its own options."""
    options = getattr(replace(sshd, port=str(cutting.port)), library)
    storage = FSSpecBackend("docs", LIBRARIES[library](**options, skip_instance_cache=True), sshd.path(folder))
    storage.put("x", b"bytes")
    cutting.cut()
    assert storage.read("x") == b"bytes"


def test_cut_in_the_middle_of_a_put(sshd, cutting, folder, library):
    """A put that is cut off is an error; the old file stays, and the temporary one is removed."""
    storage = make(replace(sshd, port=str(cutting.port)), library, folder)
    storage.put("x", b"old bytes")
    cutting.limit = 3 * MIB
    with pytest.raises(UnavailableError):
        storage.put("x", iter([b"x" * MIB] * 8))
    assert storage.read("x") == b"old bytes"
    assert temporary(sshd, folder) == []
    assert storage.put("x", b"new bytes").size == 9


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_in_a_forked_child(sshd, folder, library):
    """A child opens a connection of its own."""
    storage = make(sshd, library, folder)
    storage.put("x", b"bytes")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            storage.put("y", storage.read("x") + b" of the child")
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert storage.read("y") == b"bytes of the child"


# --- errors


def closed_port():
    """Return a port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def test_errors_say_what_they_are(sshd, rclone_sftp, folder, library):
    """Wrong password, refused connection, unknown host and missing key file each have their class, and no secret."""
    wrong = make(rclone_sftp, library, folder, password="canary-secret")
    for operation in [lambda: wrong.put("x", b"bytes"), lambda: wrong.exists("x"), lambda: list(wrong.list())]:
        with pytest.raises(AuthenticationError) as caught:
            operation()
        assert "canary" not in str(caught.value) + repr(caught.value)
    with pytest.raises(UnavailableError):
        make(sshd, library, folder, port=closed_port()).read("x")
    with pytest.raises(UnavailableError):
        make(sshd, library, folder, host="host.invalid").exists("x")
    name = {"paramiko": "key_filename", "sshfs": "client_keys"}[library]
    missing = "/no/such/key" if library == "paramiko" else ["/no/such/key"]
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        make(sshd, library, folder, **{name: missing}).exists("x")
