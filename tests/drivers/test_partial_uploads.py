"""What uploads that were cut off leave behind is found and cleared, and nothing else is."""

import asyncio
import os
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from textwrap import dedent

import boto3
import pytest
from botocore.config import Config
from obstore.store import S3Store

from holdfast.backends.base import StorageBackend
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers.local import LocalDriver
from holdfast.drivers.local.folders import TEMPORARY
from holdfast.errors import AccessDeniedError, NotFoundError, StorageError, UnsupportedError
from tests.drivers.s3.double import listing, make_certificate, serving

DAY = timedelta(days=1)
HALVES = pytest.mark.parametrize("half", ["sync", "async"])
FAR = 10**6  # seconds, on either side of now


def cleared(storage, older_than, *, delete, half="sync"):
    """Clear in one half."""
    if half == "sync":
        return storage.clear_partial_uploads(older_than, delete=delete)
    return asyncio.run(storage.clear_partial_uploads_async(older_than, delete=delete))


def through_obstore(bucket, prefix="", **more):
    """Return a storage over obstore."""
    options = {name: value for name, value in bucket.obstore.items() if name != "bucket"}
    return ObstoreBackend("docs", f"s3://{bucket.name}/{prefix}", **{**options, **more})


def through_s3fs(bucket, prefix=""):
    """Return a storage over s3fs."""
    names = {"key": "username", "secret": "password"}
    options = {names.get(name, name): value for name, value in bucket.s3fs.items()}
    return FSSpecBackend("docs", "s3", f"{bucket.name}/{prefix}", **options)


LIBRARIES = pytest.mark.parametrize("storage_on", [through_obstore, through_s3fs])


def client_of(bucket):
    """Return AWS's own client."""
    server = bucket.server
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name=server.region,
        config=Config(s3={"addressing_style": "path"}),
    )


def begin(bucket, *keys):
    """Begin multipart uploads, with a part each, and leave them."""
    client = client_of(bucket)
    for key in keys:
        upload = client.create_multipart_upload(Bucket=bucket.name, Key=key)["UploadId"]
        client.upload_part(Bucket=bucket.name, Key=key, UploadId=upload, PartNumber=1, Body=b"x")


# --- S3


@HALVES
@LIBRARIES
def test_unfinished_uploads_are_aborted(each_s3_bucket, storage_on, half):
    """Only with `delete`, and only below the storage's prefix; a finished object stays."""
    storage = storage_on(each_s3_bucket, "docs/in")
    storage.put("whole.txt", b"whole")
    begin(each_s3_bucket, "docs/in/a.txt", "docs/in/b c/é+%41.txt", "docs/in-other/x", "docs/x", "in/x")
    found = ["a.txt", "b c/é+%41.txt"]
    assert sorted(cleared(storage, time.time() + FAR, delete=False, half=half)) == found
    assert each_s3_bucket.uploads() == 5
    assert sorted(cleared(storage, time.time() + FAR, delete=True, half=half)) == found
    assert each_s3_bucket.uploads() == 3
    assert cleared(storage, time.time() + FAR, delete=True, half=half) == []
    assert storage.read("whole.txt") == b"whole"


@LIBRARIES
def test_a_young_upload_is_left_alone(each_s3_bucket, storage_on):
    """It may be under way."""
    begin(each_s3_bucket, "x")
    assert cleared(storage_on(each_s3_bucket), time.time() - FAR, delete=True) == []
    assert each_s3_bucket.uploads() == 1


@LIBRARIES
def test_a_storage_without_prefix_is_the_whole_bucket(each_s3_bucket, storage_on):
    """Its keys are those of the bucket."""
    begin(each_s3_bucket, "x", "a/y")
    assert sorted(cleared(storage_on(each_s3_bucket), time.time() + FAR, delete=True)) == ["a/y", "x"]
    assert each_s3_bucket.uploads() == 0


@LIBRARIES
def test_a_bucket_that_is_gone(ministack, storage_on):
    """It is named, as for every other operation."""
    bucket = ministack.make_bucket()
    ministack.request("DELETE", f"/{bucket.name}")
    with pytest.raises(NotFoundError, match="clear_partial_uploads in storage 'docs' failed"):
        cleared(storage_on(bucket), time.time(), delete=True)


@LIBRARIES
def test_wrong_credentials(s3_bucket, storage_on):
    """An error of the tree, which tells no secret."""
    canary = "CANARY" * 6
    bucket = replace(s3_bucket, server=replace(s3_bucket.server, secret_key=canary))
    with pytest.raises(AccessDeniedError) as caught:
        cleared(storage_on(bucket), time.time(), delete=True)
    assert canary not in str(caught.value)


def test_a_server_that_does_not_answer():
    """A refused connection is an error of the storage."""
    options = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "aws_allow_http": True}
    storage = ObstoreBackend("docs", "s3://bucket/", aws_endpoint="http://127.0.0.1:9", **options)
    with pytest.raises(StorageError, match="clear_partial_uploads in storage 'docs'"):
        cleared(storage, time.time(), delete=True)


# --- S3: where the credentials come from


@HALVES
def test_credentials_of_the_environment(s3_bucket, half, monkeypatch):
    """The same variables that obstore reads."""
    begin(s3_bucket, "x")
    server = s3_bucket.server
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    for storage in (ObstoreBackend("docs", f"s3://{s3_bucket.name}/"), ObstoreBackend("docs", S3Store(s3_bucket.name))):
        assert cleared(storage, time.time() + FAR, delete=False, half=half) == ["x"]


@pytest.mark.parametrize("kind", ["sync", "async"])
@HALVES
def test_a_credential_provider(s3_bucket, kind, half):
    """It is asked; obstore takes an async one in async calls only, and so does this."""
    begin(s3_bucket, "x")
    server = s3_bucket.server
    answer = {"access_key_id": server.access_key, "secret_access_key": server.secret_key, "expires_at": None}

    def provide():
        return answer

    async def provide_async():
        return answer

    options = {name: value for name, value in s3_bucket.obstore.items() if "key" not in name}
    store = S3Store(**options, credential_provider=provide if kind == "sync" else provide_async)
    storage = ObstoreBackend("docs", store)
    if (kind, half) == ("async", "sync"):
        with (
            pytest.warns(RuntimeWarning, match="never awaited"),
            pytest.raises(AccessDeniedError, match="no running event loop"),
        ):
            cleared(storage, time.time() + FAR, delete=True)
        return
    assert cleared(storage, time.time() + FAR, delete=True, half=half) == ["x"]


@HALVES
def test_hidden_credentials(half, monkeypatch):
    """Where only obstore sees them, the error names the lifecycle rule and the options; nothing is asked for."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UnsupportedError, match=r"'docs'.*AbortIncompleteMultipartUpload.*aws_secret_access_key\."):
        cleared(ObstoreBackend("docs", "s3://bucket/"), time.time(), delete=True, half=half)


def test_an_endpoint_without_encryption():
    """It is used only as the user said."""
    store = S3Store("bucket", endpoint="http://127.0.0.1:9", access_key_id="k", secret_access_key="s")
    with pytest.raises(UnsupportedError, match="aws_allow_http=True"):
        cleared(ObstoreBackend("docs", store), time.time(), delete=True)


# --- S3: certificates


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for this machine that nobody signed, and its key."""
    return make_certificate(tmp_path_factory.mktemp("tls") / "both.pem")


def test_certificates(certificate):
    """One of the user's own is trusted as the user said, and only then."""
    pem = certificate.read_text().partition("-----END PRIVATE KEY-----\n")[2]
    options = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}
    with serving(certificate) as double:
        for trust in ({"root_certificate": pem}, {"allow_invalid_certificates": True}):
            double.answers = [(200, listing("x"))]
            storage = ObstoreBackend("docs", "s3://bucket/", aws_endpoint=double.url, **options, **trust)
            assert cleared(storage, time.time() + FAR, delete=False) == ["x"]
        storage = ObstoreBackend("docs", "s3://bucket/", aws_endpoint=double.url, **options)
        with pytest.raises(StorageError, match="CERTIFICATE_VERIFY_FAILED"):
            cleared(storage, time.time(), delete=True)


# --- local disk


@pytest.fixture
def root(tmp_path):
    """A folder that does not exist yet."""
    return tmp_path / "root"


def leave_behind(root):
    """Let a process die in the middle of a put."""
    program = """
        import os, signal, sys
        from pathlib import Path
        from holdfast.backends.base import StorageBackend
        from holdfast.drivers.local import LocalDriver

        def chunks():
            yield b"half"
            os.kill(os.getpid(), signal.SIGKILL)

        StorageBackend("docs", LocalDriver(Path(sys.argv[1]))).put("x", chunks())
    """
    subprocess.run([sys.executable, "-c", dedent(program), str(root)], check=False)
    (left,) = (root / TEMPORARY).iterdir()
    return left


@HALVES
def test_a_file_that_a_crash_left(root, half):
    """It is found, and with `delete` it goes; stored files stay."""
    storage = StorageBackend("docs", LocalDriver(root))
    storage.put("stored", b"bytes")
    left = leave_behind(root)
    assert cleared(storage, time.time() - FAR, delete=True, half=half) == []
    assert cleared(storage, time.time() + FAR, delete=False, half=half) == [f"{TEMPORARY}/{left.name}"]
    assert left.exists()
    assert cleared(storage, time.time() + FAR, delete=True, half=half) == [f"{TEMPORARY}/{left.name}"]
    assert not left.exists()
    assert [info.key for info in storage.list()] == ["stored"]


def test_a_file_that_is_being_written(root):
    """However old: its source may be slow."""
    storage = StorageBackend("docs", LocalDriver(root))

    def chunks():
        yield b"first "
        assert cleared(storage, time.time() + FAR, delete=True) == []
        assert len(list((root / TEMPORARY).iterdir())) == 1
        yield b"second"

    storage.put("x", chunks())
    assert storage.read("x") == b"first second"
    assert list((root / TEMPORARY).iterdir()) == []


def test_what_else_lies_in_the_temporary_folder(root, tmp_path):
    """Links, folders and pipes are not ours; a link's target least of all."""
    storage = StorageBackend("docs", LocalDriver(root))
    storage.put("x", b"bytes")
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    folder = root / TEMPORARY
    (folder / "link").symlink_to(target)
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    assert cleared(storage, time.time() + FAR, delete=True) == []
    assert len(list(folder.iterdir())) == 3
    assert target.read_bytes() == b"precious"


def test_nothing_was_ever_written(root):
    """A folder that does not exist has nothing to clear, and is not made."""
    assert cleared(StorageBackend("docs", LocalDriver(root)), time.time(), delete=True) == []
    assert not root.exists()


@HALVES
def test_other_storages_have_none(half):
    """Memory keeps no parts."""
    for storage in (ObstoreBackend("docs", "memory://"), FSSpecBackend("docs", "memory")):
        assert cleared(storage, time.time() + FAR, delete=True, half=half) == []
