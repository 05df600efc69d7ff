"""What a storage says about its objects holds for copies in it: encryption, storage class, tags."""

import asyncio
import json
from typing import Any

import boto3
import pytest

from holdfast.backends.base import StorageBackend
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.wrappers import CachedBackend, LimitedBackend, MirrorBackend, PrefixBackend
from holdfast.drivers.abilities import Abilities
from holdfast.drivers.fsspec.s3fs import copying as s3fs_copying
from holdfast.drivers.local import LocalDriver
from holdfast.object_settings import ObjectSettings
from tests.servers.ports import HOST
from tests.servers.proxy.listener import listening
from tests.servers.proxy.messages import copy_request_body, read_head

MIB = 1024 * 1024
HEADERS = {"cache_control": "max-age=60", "content_language": "fr", "content_disposition": "inline"}


class Recording(LocalDriver):
    """Local disk that is told settings with a copy and keeps them in mind."""

    abilities = Abilities(settings=frozenset({"encryption", "tags"}))
    told = ()

    def copy(self, source, target, settings):
        self.told = (*self.told, settings.to_dict())
        super().copy(source, target, settings)


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def is_async(request):
    """Which half."""
    return request.param


def s3_head(bucket: Any, key: str) -> Any:
    """Return what another client sees of an object."""
    server = bucket.server
    names = {"aws_access_key_id": server.access_key, "aws_secret_access_key": server.secret_key}
    client = boto3.client("s3", endpoint_url=server.endpoint, region_name=server.region, **names)
    return client.head_object(Bucket=bucket.name, Key=key)


def s3fs_options(bucket: Any) -> dict[str, Any]:
    """Return options under names that are not those of a storage."""
    options = bucket.s3fs
    options["username"], options["password"] = options.pop("key"), options.pop("secret")
    return options


def copied(storage: StorageBackend, is_async: bool) -> None:
    """Copy ``x`` to ``y``."""
    if is_async:
        asyncio.run(storage.copy_async("x", "y"))
    else:
        storage.copy("x", "y")


@pytest.mark.parametrize(
    "make",
    [
        lambda inner, _: StorageBackend("outer", inner._plain, object_settings=inner._object_settings),
        lambda inner, _: PrefixBackend("outer", inner, "folder"),
        lambda inner, _: LimitedBackend("outer", inner),
        lambda inner, path: CachedBackend("outer", inner, folder=path / "cache", max_bytes=1000),
    ],
    ids=["plain", "prefix", "limits", "cache"],
)
def test_the_driver_is_told(tmp_path, make, is_async):
    """Through every wrapper, in both halves."""
    driver = Recording(tmp_path / "files", durable=False)
    inner = StorageBackend("inner", driver, object_settings={"encryption": "AES256", "tags": {"a": "b"}})
    storage = make(inner, tmp_path)
    storage.put("x", b"bytes")
    copied(storage, is_async)
    assert driver.told == ({"encryption": "AES256", "tags": {"a": "b"}},)


def test_each_replica_is_told_its_own(tmp_path, is_async):
    """Of a mirror, with those of the mirror before them."""
    drivers = [Recording(tmp_path / name, durable=False) for name in "ab"]
    parts = [
        StorageBackend(name, driver, object_settings={"encryption": name})
        for name, driver in zip("ab", drivers, strict=True)
    ]
    storage = MirrorBackend("outer", parts)
    storage.put("x", b"bytes")
    copied(storage, is_async)
    assert [driver.told for driver in drivers] == [({"encryption": "a"},), ({"encryption": "b"},)]


@pytest.mark.s3
def test_a_copy_to_another_storage_is_told_that_ones(tmp_path, is_async, s3_bucket):
    """The settings are those of the storage in which the copy lies."""
    source = StorageBackend("source", LocalDriver(tmp_path, durable=False))
    target = ObstoreBackend("s3", s3_bucket.url, **s3_bucket.options, object_settings={"encryption": "AES256"})
    source.put("x", b"bytes")
    if is_async:
        asyncio.run(source.copy_async("x", "y", to=target))
    else:
        source.copy("x", "y", to=target)
    assert s3_head(s3_bucket, "y")["ServerSideEncryption"] == "AES256"


S3 = {"encryption": "aws:kms", "encryption_key": "a-key", "storage_class": "STANDARD_IA", "tags": {"team": "red"}}


@pytest.mark.s3
@pytest.mark.parametrize("size", [5, 9 * MIB], ids=["small", "large"])
@pytest.mark.parametrize("classed", [True, False], ids=["class", "no class"])
@pytest.mark.parametrize("name", ["obstore", "s3fs"])
def test_s3(s3_bucket, is_async, name, classed, size):
    """Encryption and storage class are those of the storage; what the original has stays."""
    settings = S3 if classed else {**S3, "storage_class": None}

    def opened(**more: Any) -> StorageBackend:
        if name == "obstore":
            return ObstoreBackend("s3", s3_bucket.url, **s3_bucket.options, **more)
        return FSSpecBackend("s3", "s3", s3_bucket.name, **s3fs_options(s3_bucket), **more)

    opened().put(
        "x", b"x" * size, content_type="text/x", metadata={"a": 1}, object_settings={**HEADERS, "tags": S3["tags"]}
    )
    storage = opened(object_settings=settings)
    copied(storage, is_async)
    head = s3_head(s3_bucket, "y")
    assert head["ServerSideEncryption"] == "aws:kms"
    assert head["SSEKMSKeyId"].endswith("a-key")
    assert head.get("StorageClass", "STANDARD") == ("STANDARD_IA" if classed else "STANDARD")
    assert (head["CacheControl"], head["ContentLanguage"], head["ContentDisposition"]) == tuple(HEADERS.values())
    info = storage.stat("y")
    assert (info.size, info.content_type, info.metadata) == (size, "text/x", {"a": 1})


@pytest.mark.s3
def test_s3fs_in_parts(s3_bucket, counting_proxy, monkeypatch):
    """A copy in parts takes headers and tags of the original along, and has the storage's settings."""
    monkeypatch.setattr(s3fs_copying, "_LIMIT", 6 * MIB)
    monkeypatch.setattr(s3fs_copying, "_PART", 5 * MIB)
    proxy = counting_proxy(s3_bucket.server.endpoint)
    options = {**s3fs_options(s3_bucket), "endpoint_url": proxy.endpoint}
    storage = FSSpecBackend("s3", "s3", s3_bucket.name, **options, object_settings=S3)
    storage.put("x", b"x" * 7 * MIB, object_settings={**HEADERS, "tags": {"own": "1"}}, use_multipart=False)
    storage.copy("x", "y")
    begun = next(request for request in proxy.requests if request.method == "POST" and request.path.endswith("uploads"))
    assert begun.headers["x-amz-tagging"] == "team=red&own=1"
    assert begun.headers["x-amz-storage-class"] == "STANDARD_IA"
    assert begun.headers["x-amz-server-side-encryption"] == "aws:kms"
    assert begun.headers["cache-control"] == "max-age=60"
    assert storage.stat("y").size == 7 * MIB


AZURE = {"storage_class": "Cool", "tags": {"team": "red"}}


@pytest.mark.azure
@pytest.mark.parametrize("name", ["obstore", "adlfs"])
def test_azure(azure_container, is_async, name):
    """Tags and the access tier are those of the storage; what the original has stays."""
    text = azure_container.server.connection_string

    def opened(**more: Any) -> StorageBackend:
        if name == "obstore":
            return ObstoreBackend("az", f"az://{azure_container.name}/", **azure_container.options, **more)
        return FSSpecBackend("az", "abfs", azure_container.name, connection_string=text, **more)

    opened().put("x", b"bytes", content_type="text/x", metadata={"a": 1}, object_settings=HEADERS)
    storage = opened(object_settings=AZURE)
    copied(storage, is_async)
    head = azure_container.head("y")
    assert (head["x-ms-access-tier"], head["cache-control"], head["content-language"]) == ("Cool", "max-age=60", "fr")
    assert b"<Value>red</Value>" in azure_container.tags("y")
    info = storage.stat("y")
    assert (info.size, info.content_type, info.metadata) == (5, "text/x", {"a": 1})


@pytest.mark.azure
def test_adlfs_with_an_encryption_scope(azure_container, counting_proxy):
    """The copy is written into the scope, with what the original has."""
    proxy = counting_proxy(azure_container.server.endpoint)
    text = azure_container.at(proxy.endpoint).server.connection_string
    settings = {"encryption_key": "a-scope"}
    storage = FSSpecBackend("az", "abfs", azure_container.name, connection_string=text, object_settings=settings)
    storage.put("x", b"bytes", content_type="text/x", metadata={"a": 1}, object_settings=HEADERS)
    before = len(proxy.requests)
    storage.copy("x", "y")
    puts = [request for request in proxy.requests[before:] if request.method == "PUT"]
    assert [request.headers["x-ms-encryption-scope"] for request in puts] == ["a-scope"]
    info = storage.stat("y")
    assert (storage.read("y"), info.content_type, info.metadata) == (b"bytes", "text/x", {"a": 1})
    assert azure_container.head("y")["cache-control"] == "max-age=60"


@pytest.mark.gcs
def test_obstore_on_gcs(gcs_xml_bucket, is_async):
    """The storage class is that of the storage; what the original has stays."""
    options = {"google_service_account_key": gcs_xml_bucket.service_account, "google_allow_http": True}
    url = f"gs://{gcs_xml_bucket.name}/"
    plain = ObstoreBackend("gcs", url, **options)
    plain.put("x", b"bytes", content_type="text/x", metadata={"a": 1}, object_settings=HEADERS)
    storage = ObstoreBackend("gcs", url, **options, object_settings={"storage_class": "NEARLINE"})
    copied(storage, is_async)
    head = gcs_xml_bucket.head("y")
    assert (head["x-goog-storage-class"], head["cache-control"]) == ("NEARLINE", "max-age=60")
    info = storage.stat("y")
    assert (info.size, info.content_type, info.metadata) == (5, "text/x", {"a": 1})


@pytest.mark.gcs
def test_gcsfs(gcs_bucket, counting_proxy):
    """The name of the key is sent; what the original has stays."""
    proxy = counting_proxy(gcs_bucket.server.endpoint)
    options = {**gcs_bucket.gcsfs, "endpoint_url": proxy.endpoint}
    settings = {"encryption_key": "projects/p/locations/eu/keyRings/r/cryptoKeys/k"}
    storage = FSSpecBackend("gcs", "gs", gcs_bucket.name, **options, object_settings=settings)
    storage.put("x", b"bytes", content_type="text/x", metadata={"a": 1}, object_settings=HEADERS)
    storage.copy("x", "y")
    sent = next(request for request in proxy.requests if "rewriteTo" in request.path)
    assert "destinationKmsKeyName=projects%2Fp%2Flocations" in sent.path
    found = json.loads(gcs_bucket.server.request("GET", f"/storage/v1/b/{gcs_bucket.name}/o/y"))
    assert (found["cacheControl"], found["contentLanguage"]) == ("max-age=60", "fr")
    info = storage.stat("y")
    assert (info.size, info.content_type, info.metadata) == (5, "text/x", {"a": 1})


def test_gcsfs_with_a_storage_class():
    """It is sent with the whole description of the original, which Google would drop else; the emulator reads none."""
    description = {
        "contentType": "text/x",
        "metadata": {"a": "1"},
        "cacheControl": "no-store",
        "storageClass": "STANDARD",
    }
    answer = json.dumps({**description, "size": "5"}).encode()
    sent = []

    async def serve(reader, writer):
        while request := await read_head(reader):
            body = bytearray()

            async def keep(block, body=body):
                body.extend(block)

            await copy_request_body(request, reader, keep)
            sent.append((request.first[0], bytes(body)))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
            await writer.drain()

    with listening(serve) as (port, _):
        storage = FSSpecBackend("gcs", "gs", "bucket", token="anon", endpoint_url=f"http://{HOST}:{port}")
        storage._driver.copy("x", "y", ObjectSettings(storage_class="NEARLINE"))
    assert [method for method, _ in sent] == ["GET", "POST"]
    assert json.loads(sent[1][1]) == {**description, "storageClass": "NEARLINE"}
