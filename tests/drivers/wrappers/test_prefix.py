"""A folder as a storage."""

import pytest

from holdfast.backends.base import StorageBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.wrappers import PrefixBackend
from holdfast.drivers.local import LocalDriver
from holdfast.errors import ConfigurationError, InvalidKeyError, NotFoundError
from tests.drivers.test_partial_uploads import begin

S3 = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "aws_region": "us-east-1"}


@pytest.fixture
def inner(tmp_path):
    """The storage around it."""
    return StorageBackend("inner", LocalDriver(tmp_path, durable=False))


@pytest.fixture
def avatars(inner):
    """The folder."""
    return PrefixBackend("avatars", inner, "/public/avatars/")


def test_it_sees_its_folder_only(avatars, inner, in_half):
    """Objects beside it, and in folders that begin alike, are not there."""
    for key in ["x", "public/x", "public/avatars2/x", "public/avatars/sub/x", "public/avatars/y"]:
        inner.put(key, b"bytes")
    half = in_half(avatars)
    assert [info.key for info in half.call("list")] == ["sub/x", "y"]
    assert [info.key for info in half.call("list", after="sub/x")] == ["y"]
    assert [info.key for info in half.call("list", "sub")] == ["sub/x"]
    half.call("delete", ["x", "y", "sub/x"])
    assert [info.key for info in inner.list()] == ["public/avatars2/x", "public/x", "x"]


@pytest.mark.parametrize("key", ["../x", "../avatars2/x", "/x", "a/../../x"])
def test_nothing_climbs(avatars, in_half, key):
    """A key that would leave the folder is refused."""
    half = in_half(avatars)
    for operation, *more in [("read",), ("stat",), ("delete",), ("put", b"x"), ("copy", "y")]:
        with pytest.raises(InvalidKeyError):
            half.call(operation, key, *more)


def test_errors_name_the_relative_key(avatars, in_half):
    """The storage and the key are those that the caller knows."""
    half = in_half(avatars)
    with pytest.raises(NotFoundError, match=r"stat of 'x' in storage 'avatars'") as caught:
        half.call("stat", "x")
    assert (caught.value.storage, caught.value.path) == ("avatars", "x")


def test_together_too_long(avatars, inner):
    """A key that has no room behind the folder is refused before anything is sent."""
    with pytest.raises(InvalidKeyError, match="longer than 1024 bytes"):
        avatars.put("/".join(["d" * 101] * 10), b"x")


def test_urls_are_for_the_folder(in_half):
    """A signed URL holds the whole path."""
    storage = PrefixBackend("avatars", ObstoreBackend("inner", "s3://bucket/some/", **S3), "public/avatars")
    assert "/some/public/avatars/x.png?" in in_half(storage).call("sign", "x.png")


@pytest.mark.parametrize("prefix", ["", "/", "..", "a/../b", "a//b", None, 5, b"a"])
def test_what_is_no_folder(inner, prefix):
    """It is refused when the storage is made."""
    with pytest.raises(ConfigurationError, match="must be a folder"):
        PrefixBackend("avatars", inner, prefix)


def test_unfinished_uploads_of_the_folder(s3_bucket):
    """Those for keys in it are cleared, those beside it stay."""
    options = {name: value for name, value in s3_bucket.obstore.items() if name != "bucket"}
    inner = ObstoreBackend("inner", f"s3://{s3_bucket.name}/some/", **options)
    begin(s3_bucket, "some/public/avatars/x", "some/public/avatars2/x", "some/x")
    avatars = PrefixBackend("avatars", inner, "public/avatars")
    assert avatars.clear_partial_uploads(2.0**40, delete=False) == ["x"]
    assert avatars.clear_partial_uploads(2.0**40, delete=True) == ["x"]
    assert avatars.clear_partial_uploads(2.0**40, delete=True) == []
    assert inner.clear_partial_uploads(2.0**40, delete=False) == ["public/avatars2/x", "x"]
