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
from asyncssh import SFTPFailure, SFTPOpUnsupported
from fsspec.implementations.sftp import SFTPFileSystem
from sshfs import SSHFileSystem

from holdfast import FileObject, storages
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.drivers.local.folders import TEMPORARY
from holdfast.drivers.optional import PartialUploads
from holdfast.errors import (
    AlreadyExistsError,
    AuthenticationError,
    ConfigurationError,
    InvalidKeyError,
    MissingExtraError,
    NotFoundError,
    StorageError,
    StorageTimeoutError,
    UnavailableError,
)
from tests.servers.proxy import CuttingProxy
from tests.servers.sshd import OddSFTP

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
    assert issubclass(backend._plain._make.args[0].func, SFTPFileSystem)
    monkeypatch.setitem(sys.modules, "paramiko", None)
    monkeypatch.delitem(sys.modules, "holdfast.drivers.fsspec.sftp.paramiko_known_hosts", raising=False)
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


def test_a_list_of_names_in_any_encoding(sshd, folder, library):
    """A name that is not UTF-8 is none of ours, and the others are listed."""
    storage = make(sshd, library, folder)
    storage.put("a/été", b"bytes")
    Path(os.fsdecode(os.fsencode(f"{sshd.folder}/{folder}/a/") + b"\xe9t\xe9")).write_bytes(b"Latin-1")
    assert [info.key for info in storage.list()] == ["a/été"]


def test_linked_folders_are_not_entered(sshd, folder, library):
    """Nothing is read, written, listed or deleted through a link to a folder outside; the root may be a link."""
    Path(sshd.folder, folder, "outside").mkdir(parents=True)
    Path(sshd.folder, folder, "root").mkdir()
    Path(sshd.folder, folder, "linked root").symlink_to("root")
    secret = Path(sshd.folder, folder, "outside", "secret")
    secret.write_bytes(b"of others")
    Path(sshd.folder, folder, "root", "link").symlink_to(secret.parent)
    storage = make(sshd, library, f"{folder}/linked root")
    storage.put("a/x", b"bytes")
    assert not storage.exists("link/secret")
    for operation in [
        lambda: storage.read("link/secret"),
        lambda: storage.put("link/new", b"bytes"),
        lambda: storage.put("link/secret", b"bytes"),
        lambda: storage.put("link/below/new", b"bytes"),
        lambda: storage.copy("a/x", "link/new"),
    ]:
        with pytest.raises(StorageError):
            operation()
    storage.delete("link/secret")
    assert [info.key for info in storage.list("link")] == []
    assert [info.key for info in storage.list()] == ["a/x"]
    assert list(secret.parent.iterdir()) == [secret]
    assert secret.read_bytes() == b"of others"


def test_a_file_that_becomes_shorter_is_an_error(sshd, folder, library):
    """A stream of a file that somebody cuts short does not end as if that were all."""
    storage = make(sshd, library, folder)
    storage.put("x", bytes(3 * MIB))
    stream = storage.stream("x", chunk_size=MIB)
    next(stream)
    os.truncate(Path(sshd.folder, folder, "x"), MIB + 5)
    with pytest.raises(UnavailableError, match="shorter"):
        list(stream)


# --- servers that lack something


@pytest.fixture
def odd(tmp_path):
    """A server that refuses what a test tells it to."""
    with OddSFTP(tmp_path) as server:
        yield server


@pytest.fixture
def oddly(odd, library):
    """A storage on it, with the file x."""
    storage = FSSpecBackend("docs", "sftp", "/docs", **getattr(odd, library))
    storage.put("x", b"old")
    return storage


@pytest.mark.parametrize("text", ["Operation unsupported", "we do not have that here"])
def test_a_server_that_does_not_know_fsync_or_posix_rename(odd, oddly, text):
    """It says so with the code of the protocol, whatever its words: the file is replaced all the same."""
    odd.refuse("fsync", SFTPOpUnsupported(text))
    odd.refuse("posix_rename", SFTPOpUnsupported(text))
    assert oddly.put("x", b"newer").size == 5
    assert oddly.read("x") == b"newer"
    assert odd.files() == {"docs/x": b"newer"}


def test_a_server_that_says_unsupported_with_the_code_of_any_failure(odd, oddly):
    """Its words are read then."""
    odd.refuse("fsync", SFTPFailure("Request not implemented"))
    odd.refuse("posix_rename", SFTPFailure("Extension not supported"))
    assert oddly.put("x", b"newer").size == 5
    assert odd.files() == {"docs/x": b"newer"}


def test_a_refused_rename_is_no_taken_name(odd, oddly):
    """Replacing a file never fails because there is one; the old one stays."""
    odd.refuse("posix_rename", SFTPFailure("quota exceeded"))
    with pytest.raises(StorageError, match="quota") as caught:
        oddly.put("x", b"newer")
    assert not isinstance(caught.value, AlreadyExistsError)
    assert odd.files() == {"docs/x": b"old"}


def test_a_failed_fsync_is_a_failed_put(odd, oddly):
    """A disk that is full may show there first."""
    odd.refuse("fsync", SFTPFailure("No space left on device"))
    with pytest.raises(StorageError, match="No space"):
        oddly.put("x", b"newer")
    assert odd.files() == {"docs/x": b"old"}


def test_an_old_file_comes_back_when_the_new_one_cannot_take_its_place(odd, oddly):
    """Without a rename that replaces there are two steps, and the second one fails here."""
    odd.refuse("posix_rename", SFTPOpUnsupported("no"))
    odd.refuse("rename", SFTPFailure("quota exceeded"), after=1, times=1)
    with pytest.raises(StorageError, match="quota"):
        oddly.put("x", b"newer")
    assert odd.files() == {"docs/x": b"old"}
    assert oddly.put("x", b"newer").size == 5
    assert odd.files() == {"docs/x": b"newer"}


def test_an_old_file_that_cannot_come_back_is_kept_and_named(odd, oddly):
    """The error says where it is, and no clearing takes it for a left-over."""
    odd.refuse("posix_rename", SFTPOpUnsupported("no"))
    odd.refuse("rename", SFTPFailure("quota exceeded"), after=1)
    with pytest.raises(StorageError, match=rf"{TEMPORARY}/replaced-"):
        oddly.put("x", b"newer")
    (left,) = odd.files()
    assert left.startswith(f"docs/{TEMPORARY}/replaced-")
    assert oddly.clear_partial_uploads(time.time() + 60, delete=True) == []
    assert odd.files() == {left: b"old"}


# --- the key of the server


@pytest.fixture
def known_hosts(sshd, tmp_path):
    """The file with the key of the server."""
    path = tmp_path / ".ssh" / "known_hosts"
    path.parent.mkdir()
    path.write_text(f"[127.0.0.1]:{sshd.port} {Path(sshd.folder).with_name('host.pub').read_text()}")
    return path


def test_a_server_is_known_by_its_key(sshd, folder, library, known_hosts, caplog):
    """`known_hosts=` is an option with both libraries: the right key is taken, any other refused."""
    storage = make(sshd, library, folder, known_hosts=str(known_hosts))
    assert storage.put("x", b"bytes").size == 5
    assert "host key" not in caplog.text
    other = Path(sshd.key).with_name("client.pub").read_text()
    known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {other}")
    for content in [known_hosts.read_text(), ""]:
        known_hosts.write_text(content)
        with pytest.raises(StorageError):
            make(sshd, library, folder, known_hosts=str(known_hosts)).read("x")


def test_reject_means_the_servers_that_the_user_knows(sshd, folder, known_hosts, monkeypatch):
    """`host_key_policy="reject"` of paramiko's reads the file of the user."""
    monkeypatch.setenv("HOME", str(known_hosts.parent.parent))
    assert make(sshd, "paramiko", folder, host_key_policy="reject").put("x", b"bytes").size == 5
    known_hosts.write_text("")
    with pytest.raises(StorageError, match="known_hosts"):
        make(sshd, "paramiko", folder, host_key_policy="reject").read("x")


def test_an_unchecked_key_is_told_once(sshd, folder, library, caplog):
    """Whoever checks no key reads so in the log."""
    storage = make(sshd, library, folder)
    storage.put("x", b"bytes")
    storage.read("x")
    assert caplog.text.count("nobody checks the host key") == 1


# --- the connection


class SilentProxy(CuttingProxy):
    """Some connections of it stay open and carry nothing any more."""

    def __init__(self, port):
        super().__init__(port)
        self._silent = set()

    def fall_silent(self):
        """Do so, with all connections that there are."""
        self._silent |= self._writers

    async def _pass(self, reader, writer, *, counted=False):
        while block := await reader.read(65536):
            if writer not in self._silent:
                writer.write(block)
        writer.write_eof()


@pytest.mark.parametrize("reads", [1, 4])
def test_a_silent_connection_is_replaced(sshd, folder, monkeypatch, reads):
    """Paramiko waits for ever in places: one operation fails in time, and the next has a new connection.

    After one read some channels are yet to be opened, after four all are open.
    """
    monkeypatch.setattr("holdfast.drivers.fsspec.sftp.paramiko._STALLED", 1.0)
    with SilentProxy(int(sshd.port)) as proxy:
        make(sshd, "paramiko", folder).put("x", b"bytes")
        storage = make(replace(sshd, port=str(proxy.port)), "paramiko", folder)
        for _ in range(reads):
            storage.stat("x")
        proxy.fall_silent()
        with pytest.raises(StorageTimeoutError):
            storage.stat("x")
        assert storage.read("x") == b"bytes"
        assert proxy.connections == 2


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
