"""File systems in front of others: `filecache`, `simplecache`, `blockcache` and `dir`."""

import asyncio
import os
import time

import fsspec
import pytest
from fsspec.implementations.dirfs import DirFileSystem

from holdfast.backends.fsspec import FSSpecBackend
from holdfast.errors import ConfigurationError, NotFoundError

CACHES = ["filecache", "simplecache", "blockcache"]


def files(folder):
    """Return the files in a folder and below."""
    return [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size]


@pytest.mark.parametrize("protocol", CACHES)
def test_b16_never_stale(protocol, s3_bucket, tmp_path):
    """The documented cache over S3: what is overwritten or deleted, by this storage or by others, is never served."""
    s3_fs = fsspec.filesystem("s3", **s3_bucket.s3fs)
    with pytest.raises(ValueError, match=r"fs.*target_protocol"):  # the documents' own call is fsspec's to refuse
        fsspec.filesystem(protocol, target_protocol="s3", cache_storage=str(tmp_path), fs=s3_fs)
    cached_fs = fsspec.filesystem(protocol, cache_storage=str(tmp_path), fs=s3_fs)
    storage = FSSpecBackend(key="s3-cached", fs=cached_fs, prefix=s3_bucket.name)
    other = FSSpecBackend("other", s3_fs, s3_bucket.name)
    for writer in [storage, other]:
        writer.put("x", b"first", content_type="text/x-first")
        assert (storage.read("x"), storage.read("x", start=1)) == (b"first", b"irst")
        writer.put("x", b"other")  # of the same size, within the same second
        assert (storage.read("x"), asyncio.run(storage.read_async("x", end=3))) == (b"other", b"oth")
        assert storage.stat("x").etag == other.stat("x").etag
        writer.delete("x")
        with pytest.raises(NotFoundError):
            storage.read("x")
    assert storage.put("y", b"bytes", content_type="image/png").content_type == "image/png"
    assert storage.stat("y").content_type == "image/png"


def test_b16_what_is_kept_is_served(s3_bucket, tmp_path, counting_proxy):
    """An object that has not changed is fetched once; each read asks for its state, and nothing more."""
    proxy = counting_proxy(s3_bucket.server.endpoint)
    s3_fs = fsspec.filesystem("s3", **s3_bucket.at(proxy.endpoint).s3fs)
    storage = FSSpecBackend(
        "docs", fsspec.filesystem("filecache", cache_storage=str(tmp_path), fs=s3_fs), s3_bucket.name
    )
    storage.put("x", b"bytes")
    storage._plain._clock = lambda: time.time() + 60  # what was written a moment ago is not kept
    assert storage.read("x") == b"bytes"
    before = len(proxy.requests)
    assert [storage.read("x") for _ in range(3)] == [b"bytes"] * 3
    assert [request.method for request in proxy.requests[before:]] == ["HEAD"] * 3


def test_b16_by_name(tmp_path):
    """`fs="filecache"` with `target_protocol` and `target_options`; a file of the disk that changed is read anew."""
    storage = FSSpecBackend(
        "docs",
        fs="filecache",
        prefix=str(tmp_path / "files"),
        target_protocol="file",
        target_options={"mode": 0o640},
        cache_storage=str(tmp_path / "cache"),
        check_files=True,
    )
    storage.put("x", b"bytes")
    path = tmp_path / "files" / "x"
    assert path.stat().st_mode & 0o777 == 0o640
    os.utime(path, (time.time() - 3600,) * 2)
    assert storage.read("x") == storage.read("x") == b"bytes"
    assert [file.read_bytes() for file in files(tmp_path / "cache") if file.stat().st_size == 5] == [b"bytes"]
    path.write_bytes(b"other")
    assert storage.read("x") == b"other"
    with pytest.raises(ConfigurationError, match="target_protocol"):
        FSSpecBackend("docs", fs="filecache", prefix="/x")
    with pytest.raises(ConfigurationError, match="'cache_storage'"):
        FSSpecBackend("docs", fs="filecache", prefix="/x", target_protocol="file", cache_storag="/x")
    packed = fsspec.filesystem("filecache", fs=fsspec.filesystem("memory"), compression="gzip")
    with pytest.raises(ConfigurationError, match="compression"):
        FSSpecBackend("docs", fs=packed, prefix="x")


def test_b16_dir(tmp_path, s3_bucket):
    """A folder of another file system keeps what that one keeps, by name and as it was made, also chained."""
    s3_fs = fsspec.filesystem("s3", **s3_bucket.s3fs)
    cache = fsspec.filesystem("simplecache", cache_storage=str(tmp_path / "cache"), fs=s3_fs)
    for fs, options in [
        (DirFileSystem(path=f"{s3_bucket.name}/a", fs=s3_fs), {}),
        (DirFileSystem(path="a", fs=DirFileSystem(path=s3_bucket.name, fs=cache)), {}),
        ("dir", {"path": f"{s3_bucket.name}/a", "target_protocol": "s3", "target_options": _named(s3_bucket)}),
    ]:
        storage = FSSpecBackend("docs", fs, "b", **options)
        info = storage.put("x", b"bytes", content_type="image/png", metadata={"ü": 1})
        found = asyncio.run(storage.stat_async("x"))
        assert (found.etag, found.content_type, found.metadata) == (info.etag, "image/png", {"ü": 1})
        assert s3_bucket.keys() == ["a/b/x"]
        storage.delete("x")
    with pytest.raises(ConfigurationError, match="leads out"):
        FSSpecBackend("docs", DirFileSystem(path="/srv", fs=fsspec.filesystem("file")), "../etc")


def _named(bucket):
    options = bucket.s3fs
    options["username"], options["password"] = options.pop("key"), options.pop("secret")
    return options


def test_b16_a_chained_url_shows_the_form():
    """URLs of several parts are answered with the file system that they stand for."""
    with pytest.raises(ConfigurationError, match=r'fsspec.filesystem\("filecache", fs=fsspec.filesystem\("s3"'):
        FSSpecBackend("docs", "filecache::s3://bucket/x")
