"""What the drivers over fsspec promise beyond the contract: requests, freshness, errors, signatures, forks."""

import asyncio
import gc
import subprocess
import sys
import urllib.request

import fsspec
import pytest

from holdfast.backends.base import StorageBackend
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.drivers.fsspec.generic import FSSpecDriver
from holdfast.drivers.fsspec.s3fs import copying as s3fs_copying
from holdfast.drivers.local.folders import TEMPORARY
from holdfast.errors import (
    AccessDeniedError,
    ConfigurationError,
    InvalidKeyError,
    NotFoundError,
    StorageError,
    UnsupportedError,
)

MIB = 1024 * 1024


def through_s3fs(bucket, **more):
    """Return a storage on a bucket, by name."""
    options = bucket.s3fs
    options["username"], options["password"] = options.pop("key"), options.pop("secret")
    return FSSpecBackend("docs", "s3", f"{bucket.name}/folder", **{**options, **more})


@pytest.fixture
def storage(s3_bucket):
    """A storage on S3."""
    return through_s3fs(s3_bucket)


@pytest.fixture
def local(tmp_path):
    """A storage on local disk through a file system of fsspec's own."""
    return FSSpecBackend("docs", fsspec.filesystem("file"), str(tmp_path / "root"))


# --- requests


def test_requests_are_few(s3_bucket, counting_proxy):
    """Each operation on a small object costs one request, a deletion of a hundred as well."""
    proxy = counting_proxy(s3_bucket.server.endpoint)
    storage = through_s3fs(s3_bucket.at(proxy.endpoint))
    storage.put("warm", b"bytes")  # connects

    def cost(call):
        before = len(proxy.requests)
        call()
        return len(proxy.requests) - before

    assert cost(lambda: storage.put("x", b"bytes", if_absent=True, metadata={"a": 1})) == 1
    assert cost(lambda: asyncio.run(storage.put_async("y", b"bytes"))) == 1
    assert cost(lambda: storage.read("x")) == 1
    assert cost(lambda: storage.read("x", start=1, end=3)) == 1
    assert cost(lambda: list(storage.stream("x"))) == 1
    assert cost(lambda: storage.stat("x")) == 1
    assert cost(lambda: list(storage.list())) == 1
    assert cost(lambda: storage.delete(f"{number}" for number in range(100))) == 1
    assert cost(lambda: storage.delete(["x"])) == 1
    assert cost(lambda: storage.put("big", b"x" * 12 * MIB)) == 5  # begin, three parts, complete


def test_a_put_is_described_by_its_own_answer(s3_bucket, storage):
    """Etag and time come from the answer, and agree with what the server says later."""
    for name, data in [("small", b"bytes"), ("big", b"x" * 9 * MIB)]:
        info, found = storage.put(name, data), storage.stat(name)
        assert info.etag == found.etag
        assert abs(info.last_modified - found.last_modified) < 5
    assert s3_bucket.keys() == ["folder/big", "folder/small"]


# --- freshness


def test_nothing_is_answered_from_memory(s3_bucket):
    """What another client writes and deletes is seen at once, though fsspec remembers listings."""
    fs = fsspec.filesystem("s3", **s3_bucket.s3fs)
    storage, other = FSSpecBackend("docs", fs, f"{s3_bucket.name}/folder"), through_s3fs(s3_bucket)
    other.put("x", b"first")
    fs.ls(f"{s3_bucket.name}/folder")  # remembered from now on
    other.put("x", b"second, longer")
    other.put("y", b"bytes")
    for driven in [storage, StorageBackend("any", FSSpecDriver(fs, f"{s3_bucket.name}/folder"))]:
        assert driven.stat("x").size == 14
        assert [info.size for info in driven.list()] == [14, 5]
        assert driven.exists("y")
        assert driven.read("x", start=7) == b" longer"


# --- errors


def test_errors_say_what_they_are(s3_bucket):
    """Wrong credentials, a missing bucket and a dead endpoint each have their class, without the secret."""
    denied = through_s3fs(s3_bucket, password="canary-secret")
    for operation in [lambda: denied.put("x", b"bytes"), lambda: denied.read("x"), lambda: list(denied.list())]:
        with pytest.raises(AccessDeniedError) as caught:
            operation()
        assert "canary" not in repr(caught.value) + str(caught.value)
    options = s3_bucket.s3fs
    nowhere = FSSpecBackend("docs", fsspec.filesystem("s3", **options), "no-such-bucket-here")
    for operation in [lambda: nowhere.put("x", b"bytes"), lambda: nowhere.read("x"), lambda: list(nowhere.list())]:
        with pytest.raises(NotFoundError):
            operation()
    fs = fsspec.filesystem("s3", **{**options, "endpoint_url": "http://127.0.0.1:9"}, skip_instance_cache=True)
    fs.retries = 1
    with pytest.raises(StorageError, match="'docs'"):
        FSSpecBackend("docs", fs, "bucket").read("x")


def test_a_deletion_that_fails_in_part_raises(rclone_bucket):
    """What a bulk deletion could not delete is told; s3fs itself passes over it."""
    storage = through_s3fs(rclone_bucket)
    storage.put("folder/x", b"bytes")
    with pytest.raises(StorageError, match="folder/folder"):  # rclone does not delete folders
        storage.delete(["folder", "missing"])
    assert storage.exists("folder/x")


# --- copies


def test_a_large_copy_goes_in_parts(storage, s3_bucket, monkeypatch):
    """Beyond the limit of one request a copy is made of parts, with type and metadata, and leaves no upload."""
    monkeypatch.setattr(s3fs_copying, "_LIMIT", 6 * MIB)
    monkeypatch.setattr(s3fs_copying, "_PART", 5 * MIB)
    data = bytes(range(256)) * 4096 * 11
    storage.put("x", data, content_type="image/png", metadata={"é": [1]})
    info = storage.copy("x", "copy +é")
    assert (info.size, info.content_type, info.metadata) == (len(data), "image/png", {"é": [1]})
    assert storage.read("copy +é") == data
    assert s3_bucket.uploads() == 0


# --- signatures


@pytest.mark.parametrize("key", ["x", "a b/é+%?#&=.txt", "what?versionId=1"])
def test_b17_signed_urls_work(s3_bucket, key):
    """A signed URL reads or writes its object and nothing else, also by a file system that the user made."""
    made = s3_bucket.s3fs
    del made["config_kwargs"]  # left alone, botocore signs URLs in the old way
    for storage in [through_s3fs(s3_bucket), FSSpecBackend("docs", fsspec.filesystem("s3", **made), s3_bucket.name)]:
        upload = urllib.request.Request(storage.sign(key, for_upload=True), data=b"bytes", method="PUT")
        upload.add_header("Content-Type", "")
        with urllib.request.urlopen(upload) as answer:
            assert answer.status == 200
        assert storage.read(key) == b"bytes"
        url = asyncio.run(storage.sign_async(key, expires_in=60))
        with urllib.request.urlopen(url) as answer:
            assert answer.read() == b"bytes"
        assert "X-Amz-Signature" in url
        for other in [url.replace("?", "z?", 1), url.replace("Expires=60", "Expires=600")]:
            with pytest.raises(urllib.error.HTTPError):
                urllib.request.urlopen(other)


def test_what_cannot_be_signed(local, storage):
    """A wrong expiry is an error, and so is a storage without signatures."""
    for expires_in in [0, -1, 8 * 24 * 3600, True, 1.5]:
        with pytest.raises(ConfigurationError):
            storage.sign("x", expires_in=expires_in)
    with pytest.raises(UnsupportedError):
        local.sign("x")


# --- event loops


@pytest.mark.parametrize("given", [False, True])
def test_connections_are_closed_in_their_own_event_loop(s3_bucket, given):
    """A storage that is dropped while some other loop runs leaves no error there, and no connection."""

    def make():
        if not given:
            return through_s3fs(s3_bucket)
        return FSSpecBackend(
            "docs", fsspec.filesystem("s3", **s3_bucket.s3fs, skip_instance_cache=True), s3_bucket.name
        )

    async def main():
        storage = make()
        await storage.put_async("x", b"bytes")
        (session,) = storage.native._s3._endpoint.http_session._sessions.values()
        connector = session.connector
        home, errors = storage.native.loop, []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
        del storage
        while not connector.closed:  # the thread that worked for it may hold it a moment longer
            gc.collect()
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(asyncio.sleep(0), home))
        gc.collect()
        return errors

    assert asyncio.run(asyncio.wait_for(main(), 10)) == []


# --- forks

FORKED = """
import os, sys, json
import fsspec
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.errors import ForkError

options, bucket = json.loads(sys.argv[1]), sys.argv[2]
made = FSSpecBackend("made", fsspec.filesystem("s3", **options), bucket)
options["username"], options["password"] = options.pop("key"), options.pop("secret")
named = FSSpecBackend("named", "s3", bucket, **options)
for storage in [named, made]:
    storage.put("x", b"bytes")
child = os.fork()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
assert named.read("x") == b"bytes"
try:
    made.read("x")
except ForkError:
    os._exit(0)
os._exit(1)
"""


def test_a_fork_is_survived_or_refused(s3_bucket):
    """In a forked child a storage declared by name connects anew; a file system of the parent's raises at once."""
    import json

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED, json.dumps(s3_bucket.s3fs), s3_bucket.name],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()


# --- any other file system


def test_no_name_holds_half_a_file(local, tmp_path):
    """While a file is being written its name holds nothing; afterwards no temporary file is left."""
    seen = []

    def content():
        for _ in range(3):
            yield b"x" * MIB
            seen.append([path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()])

    local.put("a/x", content())
    assert all(names and all(name.startswith(f"root/{TEMPORARY}/") for name in names) for names in seen)
    assert list((tmp_path / "root" / TEMPORARY).iterdir()) == []
    with pytest.raises(InvalidKeyError):
        local.put(f"{TEMPORARY}/x", b"bytes")


def test_a_folder_is_not_filled_by_a_put(local):
    """A put under the name of a folder fails; a rename would have moved the file into it."""
    local.put("a/x", b"bytes")
    with pytest.raises(StorageError):
        local.put("a", b"bytes")
    with pytest.raises(StorageError):
        local.put("a/x/y", b"bytes")
    assert [info.key for info in local.list()] == ["a/x"]


def test_links_are_not_listed(local, tmp_path):
    """A link to a folder above does not make a listing endless."""
    local.put("a/x", b"bytes")
    (tmp_path / "root" / "a" / "up").symlink_to(tmp_path / "root", target_is_directory=True)
    (tmp_path / "root" / "a" / "link").symlink_to(tmp_path / "root" / "a" / "x")
    assert [info.key for info in local.list()] == ["a/x"]
