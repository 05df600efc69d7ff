"""Copies from one storage to another that the service makes by itself: no bytes pass through this process."""

import asyncio
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import boto3
import pytest

from holdfast.backends.base import StorageBackend
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.wrappers import LimitedBackend, PrefixBackend, ReadOnlyBackend
from holdfast.drivers.fsspec.s3fs import copying as s3fs_copying
from holdfast.drivers.s3 import copying as s3_copying
from holdfast.errors import AlreadyExistsError, NotFoundError
from tests.drivers.s3.double import serving

MIB = 1024 * 1024
KEY = "a folder/ÿ+ ?%.txt"
METADATA = {"author": "Ada", "ville": "Orléans", "pages": [1, None]}
SETTINGS = {"cache_control": "max-age=60", "content_disposition": "inline", "tags": {"team": "red & blue"}}


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def copy_from(request):
    """`StorageBackend.copy_from`, in either half."""
    if request.param:
        return lambda target, *rest: asyncio.run(target.copy_from_async(*rest))
    return lambda target, *rest: target.copy_from(*rest)


def transfers(proxy: Any) -> list[str]:
    """Return the methods of the requests that came by, but for questions: HEAD, listings, and what was not there."""
    found = [each for each in proxy.requests if each.method != "HEAD" and "list-type" not in each.path]
    return [each.method for each in found if each.status != 404]


def sent(proxy: Any) -> int:
    """Return the bytes that were sent in bodies."""
    return sum(int(request.headers.get("content-length", 0)) for request in proxy.requests)


def s3fs_options(bucket: Any) -> dict[str, Any]:
    """Return options under names that are not those of a storage."""
    options = bucket.s3fs
    options["username"], options["password"] = options.pop("key"), options.pop("secret")
    return options


def opened(library: str, key: str, bucket: Any, prefix: str = "", **more: Any) -> StorageBackend:
    """Return a storage in a bucket."""
    if library == "obstore":
        return ObstoreBackend(key, f"{bucket.url}{prefix}", **bucket.options, **more)
    return FSSpecBackend(key, "s3", f"{bucket.name}/{prefix}".strip("/"), **s3fs_options(bucket), **more)


def head_of(bucket: Any, key: str) -> tuple[Any, Any]:
    """Return what another client sees of an object, and its tags."""
    server = bucket.server
    names = {"aws_access_key_id": server.access_key, "aws_secret_access_key": server.secret_key}
    client = boto3.client("s3", endpoint_url=server.endpoint, region_name=server.region, **names)
    tags = client.get_object_tagging(Bucket=bucket.name, Key=key)["TagSet"]
    return client.head_object(Bucket=bucket.name, Key=key), {tag["Key"]: tag["Value"] for tag in tags}


@pytest.fixture
def buckets(ministack, counting_proxy):
    """Two buckets behind one proxy, and the proxy."""
    proxy = counting_proxy(ministack.endpoint)
    return ministack.make_bucket().at(proxy.endpoint), ministack.make_bucket().at(proxy.endpoint), proxy


LIBRARIES = ["obstore", "s3fs"]


@pytest.mark.s3
@pytest.mark.parametrize("reader", LIBRARIES)
@pytest.mark.parametrize("writer", LIBRARIES)
def test_between_buckets(buckets, copy_from, reader, writer):
    """S3 copies; the copy has the type and metadata of the original, and the settings of the storage where it lies."""
    first, second, proxy = buckets
    source = opened(reader, "source", first)
    target = opened(writer, "target", second, object_settings={**SETTINGS, "storage_class": "STANDARD_IA"})
    source.put(
        KEY,
        b"x" * MIB,
        content_type="text/x",
        metadata=METADATA,
        object_settings={"tags": {"old": "1"}, "content_language": "fr"},
    )
    proxy.clear()
    info = copy_from(target, source, KEY, "copy/" + KEY)
    assert (info.key, info.size, info.content_type, info.metadata) == ("copy/" + KEY, MIB, "text/x", METADATA)
    assert info.checksum is None
    assert info.etag == source.stat(KEY).etag
    assert (transfers(proxy), sent(proxy)) == (["PUT"], 0)
    assert target.read("copy/" + KEY) == b"x" * MIB
    head, tags = head_of(second, "copy/" + KEY)
    assert (head["CacheControl"], head["ContentDisposition"], head["StorageClass"]) == (
        "max-age=60",
        "inline",
        "STANDARD_IA",
    )
    assert "ContentLanguage" not in head
    assert tags == {"team": "red & blue"}


@pytest.mark.s3
@pytest.mark.parametrize("library", LIBRARIES)
def test_between_folders_of_one_bucket(buckets, copy_from, library):
    """Also where the folders are options of the storages, or wrappers around them, one in the other."""
    bucket, _, proxy = buckets
    source = PrefixBackend("source", opened(library, "whole", bucket, "all"), "one")
    inner = PrefixBackend("inner", opened(library, "other", bucket, "other"), "two")
    target = LimitedBackend("target", PrefixBackend("prefixed", inner, "three"), retries=0)
    source.put("x", b"bytes")
    proxy.clear()
    assert copy_from(target, ReadOnlyBackend("safe", LimitedBackend("limited", source)), "x", "y").key == "y"
    assert (transfers(proxy), sent(proxy)) == (["PUT"], 0)
    assert bucket.keys() == ["all/one/x", "other/two/three/y"]
    assert target.read("y") == b"bytes"


@pytest.mark.s3
@pytest.mark.parametrize("library", LIBRARIES)
def test_in_parts(buckets, copy_from, library, monkeypatch):
    """What is too large for one request goes in parts side by side, with all that a put would write."""
    monkeypatch.setattr(s3_copying, "_LIMIT", 6 * MIB)
    monkeypatch.setattr(s3_copying, "_PART", 5 * MIB)
    monkeypatch.setattr(s3fs_copying, "_LIMIT", 6 * MIB)
    monkeypatch.setattr(s3fs_copying, "_PART", 5 * MIB)
    first, second, proxy = buckets
    source, target = opened(library, "source", first), opened(library, "target", second, object_settings=SETTINGS)
    content = os.urandom(11 * MIB)
    source.put("x", content, content_type="text/x", metadata=METADATA)
    proxy.clear()
    info = copy_from(target, source, "x", "y")
    parts = [request for request in proxy.requests if request.method == "PUT"]
    assert sorted(request.headers["x-amz-copy-source-range"] for request in parts) == [
        "bytes=0-5242879",
        "bytes=10485760-11534335",
        "bytes=5242880-10485759",
    ]
    assert all("x-amz-copy-source-if-match" in request.headers for request in parts)
    assert (info.size, info.content_type, info.metadata) == (11 * MIB, "text/x", METADATA)
    assert target.read("y") == content
    assert head_of(second, "y")[0]["CacheControl"] == "max-age=60"
    begun, completed = (request.headers for request in proxy.requests if request.method == "POST")
    assert begun["x-amz-tagging"] == "team=red%20%26%20blue"  # which this server does not keep
    assert completed["if-none-match"] == "*"
    assert second.uploads() == 0


@pytest.mark.s3
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_copy_in_parts_that_fails_leaves_nothing(buckets, copy_from, library, monkeypatch):
    """The upload is dropped when a part does not come about."""
    monkeypatch.setattr(s3_copying, "_LIMIT", 6 * MIB)
    monkeypatch.setattr(s3_copying, "_PART", 5 * MIB)
    monkeypatch.setattr(s3fs_copying, "_LIMIT", 6 * MIB)
    monkeypatch.setattr(s3fs_copying, "_PART", 5 * MIB)
    first, second, proxy = buckets
    source, target = opened(library, "source", first), opened(library, "target", second)
    source.put("x", os.urandom(11 * MIB))
    original = source.stat("x")
    monkeypatch.setattr(source, "stat", lambda _: original._replace(etag="0" * 32))

    async def stat_async(_):
        return original._replace(etag="0" * 32)

    monkeypatch.setattr(source, "stat_async", stat_async)
    assert copy_from(target, source, "x", "y") is None
    assert second.keys() == []
    assert second.uploads() == 0
    assert proxy.count("DELETE", "uploadId") == 1


@pytest.mark.s3
@pytest.mark.parametrize("library", LIBRARIES)
def test_encryption(buckets, copy_from, library):
    """The copy is encrypted as the storage says."""
    first, second, _ = buckets
    settings = {"encryption": "aws:kms", "encryption_key": "a-key", "checksum_algorithm": "SHA256"}
    source, target = opened(library, "source", first), opened(library, "target", second, object_settings=settings)
    source.put("x", b"bytes")
    assert copy_from(target, source, "x", "y").size == 5
    head, _ = head_of(second, "y")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"].endswith("a-key")) == ("aws:kms", True)


@pytest.mark.s3
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_taken_key(buckets, copy_from, library):
    """Nothing is replaced."""
    first, second, proxy = buckets
    source, target = opened(library, "source", first), opened(library, "target", second)
    source.put("x", b"bytes")
    target.put("y", b"other")
    with pytest.raises(AlreadyExistsError, match="copy of 'y' in storage 'target'"):
        copy_from(target, source, "x", "y")
    proxy.clear()
    copy_from(target, source, "x", "z")
    # This server overlooks it; Amazon refuses to replace what came there meanwhile.
    assert [each.headers["if-none-match"] for each in proxy.requests if each.method == "PUT"] == ["*"]
    assert target.read("y") == b"other"


@pytest.mark.s3
@pytest.mark.parametrize("library", LIBRARIES)
def test_an_original_that_changes_meanwhile(buckets, ministack, copy_from, library):
    """What would have the type and metadata of another object is not copied, and can be streamed."""
    first, second, proxy = buckets
    source, target = opened(library, "source", first), opened(library, "target", second)
    source.put("x", b"bytes")
    held = proxy.fail(how="hold_before", method="PUT", match="/y")
    with ThreadPoolExecutor() as pool:
        copying = pool.submit(copy_from, target, source, "x", "y")
        held.wait()
        opened("obstore", "theirs", first.at(ministack.endpoint)).put("x", b"other")
        held.release()
        assert copying.result() is None
    assert second.keys() == []


@pytest.mark.s3
@pytest.mark.parametrize("library", LIBRARIES)
def test_nothing_to_copy(buckets, copy_from, library):
    """A missing original is missing in the storage where it should be."""
    first, second, _ = buckets
    source, target = opened(library, "source", first), opened(library, "target", second)
    with pytest.raises(NotFoundError, match="'x' in storage 'source'"):
        copy_from(target, source, "x", "y")


def stranger_to(server: Any, bucket: str) -> Any:
    """Return the server for somebody who may use one bucket only."""
    root, user = replace(server, access_key="test", secret_key="test"), f"user-{bucket}"
    arn = f"arn:aws:s3:::{bucket}"
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": [arn, f"{arn}/*"]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    def asked(**parameters: str) -> ET.Element:
        form = {"Version": "2010-05-08", "UserName": user, **parameters}
        return ET.fromstring(root.request("POST", "/", service="iam", body=urlencode(form).encode()))

    asked(Action="CreateUser")
    asked(Action="PutUserPolicy", PolicyName="s3", PolicyDocument=policy)
    key = asked(Action="CreateAccessKey")
    names = (key.findtext(".//{*}AccessKeyId"), key.findtext(".//{*}SecretAccessKey"))
    return replace(server, access_key=names[0], secret_key=names[1])


@pytest.mark.s3
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_service_that_refuses(ministack, buckets, copy_from, library, caplog):
    """Whoever may not read the original where the copy is to be: it is streamed, and not asked for again."""
    first, second, proxy = buckets
    second = replace(second, server=stranger_to(ministack, second.name).at(proxy.endpoint))
    source, target = opened(library, "source", first), opened(library, "target", second)
    source.put("x", b"bytes")
    source.put("z", b"bytes")
    proxy.clear()
    caplog.set_level("INFO", "holdfast")
    assert source.copy("x", "y", to=target).checksum is not None
    assert proxy.count("PUT") == 2
    assert "storage 'target' does not copy 'x' from storage 'source' by itself: " in caplog.text
    proxy.clear()
    assert copy_from(target, source, "z", "z") is None
    assert proxy.requests == []
    assert target.read("y") == b"bytes"


@pytest.mark.s3
def test_rclone(rclone_s3, counting_proxy, copy_from):
    """Another author's server copies as well, and its conditions are looked after here."""
    proxy = counting_proxy(rclone_s3.endpoint)
    first, second = (rclone_s3.make_bucket().at(proxy.endpoint) for _ in range(2))
    for library in LIBRARIES:
        source, target = opened(library, "source", first), opened(library, "target", second)
        source.put(library, b"bytes", content_type="text/x", metadata={"a": "1"})
        proxy.clear()
        info = copy_from(target, source, library, library)
        assert (transfers(proxy), sent(proxy)) == (["PUT"], 0)
        assert (info.size, info.metadata["a"], target.read(library)) == (5, "1", b"bytes")
        with pytest.raises(AlreadyExistsError):
            copy_from(target, source, library, library)


HEAD = (200, "", ("ETag", '"tag"'), ("Last-Modified", "Sat, 21 Nov 2026 10:00:00 GMT"), ("Content-Length", "5"))
MISSING = (404, "<Error><Code>NoSuchKey</Code><Message>no</Message></Error>")
UNKNOWN = (501, "<Error><Code>NotImplemented</Code><Message>no</Message></Error>")
COPIED = (200, "<CopyObjectResult><ETag>&quot;tag&quot;</ETag></CopyObjectResult>")
TAKEN = (412, "<Error><Code>PreconditionFailed</Code><Message>no</Message></Error>")


@pytest.fixture
def double():
    """A server of one's own choice of answers, and two storages of it through s3fs."""
    with serving() as server:
        options = {"endpoint_url": server.url, "username": "k", "password": "s"}
        yield server, *(FSSpecBackend(name, "s3", name, **options) for name in ("source", "target"))


def test_s3fs_and_a_server_without_conditions_or_tags(double, copy_from):
    """It is asked again without."""
    server, source, target = double
    server.answers = [HEAD, MISSING, MISSING, UNKNOWN, UNKNOWN, COPIED, HEAD]
    assert copy_from(target, source, "x", "y").etag == "tag"
    told = [(headers["if-none-match"], headers["x-amz-tagging-directive"]) for headers, _ in server.sent[3:6]]
    assert told == [("*", "REPLACE"), (None, "REPLACE"), (None, None)]


def test_s3fs_at_the_last_moment(double, copy_from):
    """What came there meanwhile stays."""
    server, source, target = double
    server.answers = [HEAD, MISSING, MISSING, TAKEN, HEAD]
    with pytest.raises(AlreadyExistsError):
        copy_from(target, source, "x", "y")
    assert server.answers == []
