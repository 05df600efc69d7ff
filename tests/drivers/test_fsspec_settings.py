"""Settings of objects through fsspec: storage class, tags, encryption, headers, as each service tells them back."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote

import boto3
import pytest

from holdfast.backends.fsspec import FSSpecBackend
from holdfast.errors import ConfigurationError

MIB = 1024 * 1024
HEADERS = {
    "cache_control": "max-age=60",
    "content_disposition": 'attachment; filename="a.txt"',
    "content_encoding": "gzip",
    "content_language": "fr",
}
BODIES = pytest.mark.parametrize("body", [b"bytes", b"x" * 9 * MIB], ids=["small", "large"])


class Place(NamedTuple):
    """A service.

    Attributes:
        open: Opens a storage with settings.
        headers: Tells the headers of an object.
    """

    open: Callable[..., FSSpecBackend]
    headers: Callable[[str], dict[str, str]]


def s3_client(bucket: Any) -> Any:
    """Return Amazon's own client."""
    server = bucket.server
    names = {"aws_access_key_id": server.access_key, "aws_secret_access_key": server.secret_key}
    return boto3.client("s3", endpoint_url=server.endpoint, region_name=server.region, **names)


@pytest.fixture
def s3(s3_bucket: Any) -> Place:
    """S3."""
    options = s3_bucket.s3fs
    options["username"], options["password"] = options.pop("key"), options.pop("secret")

    def headers(key: str) -> dict[str, str]:
        found: dict[str, str] = s3_client(s3_bucket).head_object(Bucket=s3_bucket.name, Key=key)
        names = {"CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage"}
        return {name: found[name] for name in names}

    return Place(lambda **more: FSSpecBackend("docs", "s3", s3_bucket.name, **{**options, **more}), headers)


@pytest.fixture
def gcs(gcs_bucket: Any) -> Place:
    """GCS."""

    def headers(key: str) -> dict[str, str]:
        found = json.loads(gcs_bucket.server.request("GET", f"/storage/v1/b/{gcs_bucket.name}/o/{quote(key, safe='')}"))
        return {name: found[name] for name in found if name.startswith(("cache", "content"))}

    return Place(lambda **more: FSSpecBackend("docs", "gs", gcs_bucket.name, **gcs_bucket.gcsfs, **more), headers)


@pytest.fixture
def azure(azure_container: Any) -> Place:
    """Azure."""
    text = azure_container.server.connection_string
    return Place(
        lambda **more: FSSpecBackend("docs", "abfs", azure_container.name, connection_string=text, **more),
        lambda key: dict(azure_container.head(key).items()),
    )


@BODIES
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("s3", marks=pytest.mark.s3),
        pytest.param("gcs", marks=pytest.mark.gcs),
        pytest.param("azure", marks=pytest.mark.azure),
    ],
)
def test_headers_are_kept(request: pytest.FixtureRequest, name: str, body: bytes) -> None:
    """Headers of the storage and of the file are stored with it, and the bytes are given back as they were."""
    place: Place = request.getfixturevalue(name)
    storage = place.open(object_settings={**HEADERS, "content_language": "de"})
    storage.put("x", body, object_settings={"content_language": "fr"})
    found = place.headers("x")
    assert set(HEADERS.values()) <= set(found.values())
    assert storage.read("x") == body  # not unpacked on the way
    assert b"".join(storage.stream("x")) == body
    assert storage.read("x", start=1, end=3) == body[1:3]


@BODIES
@pytest.mark.s3
def test_s3_settings(s3: Place, s3_bucket: Any, counting_proxy: Any, body: bytes) -> None:
    """Storage class, tags, encryption and a checksum, for a put and for a multipart upload."""
    settings = {"storage_class": "STANDARD_IA", "tags": {"a b": "ü&=", "c": "d"}, "encryption": "AES256"}
    proxy = counting_proxy(s3_bucket.server.endpoint)
    storage = s3.open(object_settings={**settings, "checksum_algorithm": "SHA256"}, endpoint_url=proxy.endpoint)
    storage.put("x", body)
    client = s3_client(s3_bucket)
    found = client.head_object(Bucket=s3_bucket.name, Key="x", ChecksumMode="ENABLED")
    assert (found["StorageClass"], found["ServerSideEncryption"]) == ("STANDARD_IA", "AES256")
    assert found.get("ChecksumSHA256")
    assert proxy.requests[0].headers["x-amz-tagging"] == "a%20b=%C3%BC%26%3D&c=d"
    if len(body) < MIB:  # ministack drops the tags of a multipart upload
        tags = client.get_object_tagging(Bucket=s3_bucket.name, Key="x")["TagSet"]
        assert {tag["Key"]: tag["Value"] for tag in tags} == settings["tags"]
    storage.put("y", body, object_settings={"encryption": "aws:kms", "encryption_key": "a-key"})
    found = client.head_object(Bucket=s3_bucket.name, Key="y")
    assert (found["ServerSideEncryption"], found["SSEKMSKeyId"].rpartition("/")[2]) == ("aws:kms", "a-key")


@BODIES
@pytest.mark.gcs
def test_gcs_settings(gcs: Place, gcs_bucket: Any, counting_proxy: Any, body: bytes) -> None:
    """A storage class is stored; the name of a key for encryption is sent, which the emulator does not have."""
    proxy = counting_proxy(gcs_bucket.server.endpoint)
    options = {**gcs_bucket.gcsfs, "endpoint_url": proxy.endpoint}
    key = "projects/p/locations/eu/keyRings/r/cryptoKeys/k"
    storage = FSSpecBackend("docs", "gs", gcs_bucket.name, **options, object_settings={"encryption_key": key})
    storage.put("x", body, object_settings={"storage_class": "NEARLINE"})
    found = json.loads(gcs_bucket.server.request("GET", f"/storage/v1/b/{gcs_bucket.name}/o/x"))
    assert found["storageClass"] == "NEARLINE"
    assert f"kmsKeyName={quote(key, safe='')}" in proxy.requests[0].path
    with pytest.raises(ConfigurationError, match="tags"):
        gcs.open(object_settings={"tags": {"a": "b"}})


@BODIES
@pytest.mark.azure
def test_azure_settings(azure: Place, azure_container: Any, counting_proxy: Any, body: bytes) -> None:
    """An access tier and tags are stored; the name of an encryption scope is sent with each request of a write."""
    azure.open(object_settings={"storage_class": "Cool", "tags": {"a b": "c"}}).put("x", body)
    assert azure_container.head("x")["x-ms-access-tier"] == "Cool"
    assert b"<Key>a b</Key><Value>c</Value>" in azure_container.tags("x")
    proxy = counting_proxy(azure_container.server.endpoint)
    text = azure_container.at(proxy.endpoint).server.connection_string
    settings = {"encryption_key": "a-scope"}
    storage = FSSpecBackend("docs", "abfs", azure_container.name, connection_string=text, object_settings=settings)
    with pytest.raises(ConfigurationError, match="cache_control"):
        storage.put("y", body, object_settings={"cache_control": "ü"})
    storage.put("y", body)
    assert {request.headers.get("x-ms-encryption-scope") for request in proxy.requests} == {"a-scope"}
