"""Both S3 servers, through both clients."""

import obstore
import pytest
import s3fs
from obstore.exceptions import BaseError
from obstore.store import S3Store

from holdfast.testing.s3 import S3Bucket


def test_obstore_puts_gets_and_lists(each_s3_bucket: S3Bucket) -> None:
    """Obstore reads back what it wrote, and the bench sees the same key."""
    store = S3Store(**each_s3_bucket.obstore)
    obstore.put(store, "a/b é.txt", b"hello")
    assert obstore.get(store, "a/b é.txt").bytes() == b"hello"
    assert [item["path"] for item in obstore.list(store, "a").collect()] == ["a/b é.txt"]
    assert each_s3_bucket.keys() == ["a/b é.txt"]


async def test_obstore_async(each_s3_bucket: S3Bucket) -> None:
    """The async half of obstore works on the same servers."""
    store = S3Store(**each_s3_bucket.obstore)
    await obstore.put_async(store, "x", b"hello")
    assert await (await obstore.get_async(store, "x")).bytes_async() == b"hello"


def test_s3fs_puts_gets_and_lists(each_s3_bucket: S3Bucket) -> None:
    """s3fs reads back what it wrote."""
    fs = s3fs.S3FileSystem(**each_s3_bucket.s3fs)
    fs.pipe_file(f"{each_s3_bucket.name}/a/b.txt", b"hello")
    assert fs.cat_file(f"{each_s3_bucket.name}/a/b.txt") == b"hello"
    assert fs.ls(f"{each_s3_bucket.name}/a", detail=False) == [f"{each_s3_bucket.name}/a/b.txt"]


def test_a_wrong_secret_is_refused(each_s3_bucket: S3Bucket) -> None:
    """The servers verify signatures, so a test that passes has signed well."""
    store = S3Store(**{**each_s3_bucket.obstore, "secret_access_key": "guess"})
    with pytest.raises(BaseError, match="403"):
        obstore.put(store, "x", b"hello")
    assert each_s3_bucket.keys() == []


def test_an_unfinished_multipart_upload_is_counted(s3_bucket: S3Bucket) -> None:
    """`uploads` sees what an upload that was never completed has left behind."""
    assert s3_bucket.uploads() == 0
    s3_bucket.server.request("POST", f"/{s3_bucket.name}/big", query={"uploads": ""})
    assert s3_bucket.uploads() == 1
