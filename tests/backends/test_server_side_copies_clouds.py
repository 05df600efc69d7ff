"""Copies that Google and Azure make by themselves, from one storage to another."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from holdfast.backends.base import StorageBackend
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers.azure import copying as azure_copying
from holdfast.errors import AlreadyExistsError, NotFoundError
from tests.drivers.signing.accounts import as_json
from tests.servers.ports import HOST
from tests.servers.proxy.listener import listening
from tests.servers.proxy.messages import copy_request_body, read_head

MIB = 1024 * 1024
KEY = "a folder/ÿ+ ?%.txt"
METADATA = {"author": "Ada", "ville": "Orléans", "pages": [1, None]}


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def copy_from(request):
    """`StorageBackend.copy_from`, in either half."""
    if request.param:
        return lambda target, *rest: asyncio.run(target.copy_from_async(*rest))
    return lambda target, *rest: target.copy_from(*rest)


def azure(library: str, key: str, container: Any, prefix: str = "", **more: Any) -> StorageBackend:
    """Return a storage in a container."""
    if library == "obstore":
        return ObstoreBackend(key, f"az://{container.name}/{prefix}", **container.options, **more)
    text = container.server.connection_string
    return FSSpecBackend(key, "abfs", f"{container.name}/{prefix}".strip("/"), connection_string=text, **more)


LIBRARIES = ["obstore", "adlfs"]


@pytest.mark.azure
@pytest.mark.parametrize("reader", LIBRARIES)
@pytest.mark.parametrize("writer", LIBRARIES)
def test_azure(azurite, counting_proxy, copy_from, reader, writer):
    """From one container to another; the copy has the type and metadata of the original, and the storage's tier."""
    proxy = counting_proxy(azurite.endpoint)
    first, second = (azurite.make_container().at(proxy.endpoint) for _ in range(2))
    source = azure(reader, "source", first, "folder")
    target = azure(writer, "target", second, object_settings={"storage_class": "Cool"})
    source.put(KEY, b"x" * MIB, content_type="text/x", metadata=METADATA)
    proxy.clear()
    info = copy_from(target, source, KEY, "copy/" + KEY)
    assert (info.key, info.size, info.content_type, info.metadata) == ("copy/" + KEY, MIB, "text/x", METADATA)
    copies = [request for request in proxy.requests if request.method == "PUT"]
    assert len(copies) == 1
    assert copies[0].headers.get("content-length", "0") == "0"
    assert copies[0].headers["if-none-match"] == "*"
    assert not [each for each in proxy.requests if each.method == "GET" and "comp=list" not in each.path]
    assert target.read("copy/" + KEY) == b"x" * MIB
    assert second.head("copy/" + KEY)["x-ms-access-tier"] == "Cool"


@pytest.mark.azure
@pytest.mark.parametrize("library", LIBRARIES)
def test_azure_replaces_nothing(azurite, counting_proxy, copy_from, library):
    """Not what is there, not what came there meanwhile; a missing original is missing where it should be."""
    proxy = counting_proxy(azurite.endpoint)
    first, second = (azurite.make_container().at(proxy.endpoint) for _ in range(2))
    source, target = azure(library, "source", first), azure(library, "target", second)
    source.put("x", b"bytes")
    target.put("y", b"other")
    with pytest.raises(AlreadyExistsError):
        copy_from(target, source, "x", "y")
    with pytest.raises(NotFoundError, match="'missing' in storage 'source'"):
        copy_from(target, source, "missing", "z")
    held = proxy.fail(how="hold_before", method="PUT", match="/z")
    with ThreadPoolExecutor() as pool:
        copying = pool.submit(copy_from, target, source, "x", "z")
        held.wait()
        azure("obstore", "theirs", replace(second, server=azurite)).put("z", b"theirs")
        held.release()
        with pytest.raises(AlreadyExistsError):
            copying.result()
    assert (target.read("y"), target.read("z")) == (b"other", b"theirs")


@pytest.mark.azure
@pytest.mark.parametrize("library", LIBRARIES)
def test_azure_and_an_original_that_changes(azurite, counting_proxy, copy_from, library):
    """What is another blob now is not copied, and can be streamed."""
    proxy = counting_proxy(azurite.endpoint)
    first, second = (azurite.make_container().at(proxy.endpoint) for _ in range(2))
    source, target = azure(library, "source", first), azure(library, "target", second)
    source.put("x", b"bytes")
    held = proxy.fail(how="hold_before", method="PUT", match="/y")
    with ThreadPoolExecutor() as pool:
        copying = pool.submit(copy_from, target, source, "x", "y")
        held.wait()
        azure("obstore", "theirs", replace(first, server=azurite)).put("x", b"other")
        held.release()
        assert copying.result() is None
    assert list(target.list()) == []


@pytest.mark.azure
@pytest.mark.parametrize("library", LIBRARIES)
def test_azure_settings_that_a_copy_cannot_be_told(azurite, copy_from, library):
    """Then the bytes are streamed, and the copy has them."""
    source = azure(library, "source", azurite.make_container())
    container = azurite.make_container()
    target = azure(library, "target", container, object_settings={"cache_control": "max-age=60"})
    source.put("x", b"bytes")
    assert copy_from(target, source, "x", "y") is None
    assert source.copy("x", "y", to=target).checksum is not None
    assert container.head("y")["cache-control"] == "max-age=60"


@pytest.mark.azure
def test_azure_tags(azurite, copy_from):
    """With the account's key itself, a copy can be told tags."""
    container = azurite.make_container()
    source = azure("adlfs", "source", azurite.make_container())
    target = azure("adlfs", "target", container, object_settings={"tags": {"team": "red"}})
    source.put("x", b"bytes")
    assert copy_from(target, source, "x", "y").size == 5
    assert b"<Value>red</Value>" in container.tags("y")
    assert copy_from(azure("obstore", "o", container, object_settings={"tags": {"a": "b"}}), source, "x", "z") is None


@pytest.mark.azure
def test_azure_and_large_blobs(azurite, copy_from, monkeypatch):
    """What Azure copies in the background only is streamed by obstore."""
    monkeypatch.setattr(azure_copying, "LIMIT", 4)
    source, target = (azure("obstore", name, azurite.make_container()) for name in ("source", "target"))
    source.put("x", b"bytes")
    assert copy_from(target, source, "x", "y") is None


# --- Google

SETTINGS = {"storage_class": "NEARLINE", "cache_control": "max-age=60"}


def obstore_gcs(key: str, bucket: Any, endpoint: str, **more: Any) -> StorageBackend:
    """Return a storage whose account signs, and needs no token."""
    account = as_json(gcs_base_url=endpoint, disable_oauth=True)
    return ObstoreBackend(key, f"gs://{bucket.name}/", google_service_account_key=account, allow_http=True, **more)


@pytest.mark.gcs
def test_obstore_on_gcs(gcs_xml, counting_proxy, copy_from):
    """From one bucket to another; the copy has what a put would write, and replaces nothing."""
    proxy = counting_proxy(gcs_xml.endpoint)
    first, second = gcs_xml.make_bucket(), gcs_xml.make_bucket()
    source = obstore_gcs("source", first, proxy.endpoint)
    target = obstore_gcs("target", second, proxy.endpoint, object_settings=SETTINGS)
    source.put(KEY, b"x" * MIB, content_type="text/x", metadata=METADATA)
    proxy.clear()
    info = copy_from(target, source, KEY, "copy/y")
    assert (info.key, info.size, info.content_type, info.metadata) == ("copy/y", MIB, "text/x", METADATA)
    sent = [request for request in proxy.requests if request.method == "PUT"]
    assert [each.headers["content-length"] for each in sent] == ["0"]
    assert sent[0].headers["x-goog-if-generation-match"] == "0"
    assert not [each for each in proxy.requests if each.method == "GET" and each.path.startswith(f"/{first.name}")]
    head = second.head("copy/y")
    assert (head["x-goog-storage-class"], head["cache-control"]) == ("NEARLINE", "max-age=60")
    with pytest.raises(AlreadyExistsError):
        copy_from(target, source, KEY, "copy/y")


@pytest.mark.gcs
def test_obstore_on_gcs_without_a_key(gcs_xml, copy_from, caplog):
    """Credentials that only obstore sees cannot sign a copy."""
    caplog.set_level("INFO", "holdfast")
    first, second = gcs_xml.make_bucket(), gcs_xml.make_bucket()
    options = {"google_allow_http": True}
    source, target = (
        ObstoreBackend(each.name, f"gs://{each.name}/", google_service_account_key=each.service_account, **options)
        for each in (first, second)
    )
    source.put("x", b"bytes")
    assert copy_from(target, source, "x", "y") is None
    assert "only obstore sees the credentials" in caplog.text


@pytest.mark.gcs
def test_gcsfs(gcs_emulator, counting_proxy, copy_from):
    """From one bucket to another; what the copy is to have is sent along, and that it replaces nothing."""
    proxy = counting_proxy(gcs_emulator.endpoint)
    first, second = gcs_emulator.make_bucket(), gcs_emulator.make_bucket()
    source, target = (
        FSSpecBackend(each.name, "gs", each.name, **{**each.gcsfs, "endpoint_url": proxy.endpoint})
        for each in (first, second)
    )
    source.put(KEY, b"bytes", content_type="text/x", metadata=METADATA)
    proxy.clear()
    info = copy_from(target, source, KEY, "copy/" + KEY)
    assert (info.key, info.size, info.content_type, info.metadata) == ("copy/" + KEY, 5, "text/x", METADATA)
    sent = [request for request in proxy.requests if request.method == "POST"]
    assert len(sent) == 1
    query = parse_qs(urlsplit(sent[0].path).query)
    assert query["ifGenerationMatch"] == ["0"]
    assert query["ifSourceGenerationMatch"] == [source.stat(KEY).version_id]
    assert proxy.count(match="alt=media") == 0
    assert target.read("copy/" + KEY) == b"bytes"
    with pytest.raises(AlreadyExistsError):
        copy_from(target, source, KEY, "copy/" + KEY)


def answering(answers: list[tuple[int, dict[str, Any]]], sent: list[tuple[list[str], bytes]]) -> Any:
    """Return a server that has these answers, and notes what it was sent."""

    async def serve(reader: Any, writer: Any) -> None:
        while request := await read_head(reader):
            body = bytearray()

            async def keep(block: bytes, body: bytearray = body) -> None:
                body.extend(block)

            await copy_request_body(request, reader, keep)
            sent.append((request.first, bytes(body)))
            status, answer = answers.pop(0)
            text = json.dumps(answer).encode()
            writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(text)) + text)
            await writer.drain()

    return listening(serve)


FOUND = {"name": "x", "size": "5", "updated": "2026-11-21T10:00:00Z", "generation": "7", "contentType": "text/x"}
MISSING = {"error": {"errors": [{"reason": "notFound"}], "message": "No such object"}}
DENIED = {"error": {"errors": [{"reason": "forbidden"}], "message": "no"}}


def gcsfs_at(port: int, bucket: str, **more: Any) -> StorageBackend:
    """Return a storage of a server's."""
    return FSSpecBackend(bucket, "gs", bucket, token="anon", endpoint_url=f"http://{HOST}:{port}", **more)


def test_gcsfs_in_steps():
    """Google may need several; each is sent the whole description of the copy."""
    sent: list[Any] = []
    steps = [(200, {"done": False, "rewriteToken": "more"}), (200, {"done": True})]
    answers = [(200, FOUND), (404, MISSING), *steps, (200, {**FOUND, "name": "y"})]
    with answering(answers, sent) as (port, _):
        target = gcsfs_at(port, "target", object_settings={**SETTINGS, "encryption_key": "k"})
        assert target.copy_from(gcsfs_at(port, "source"), "x", "y").key == "y"
    first, second = sent[2:4]
    assert first[0][1].startswith("/storage/v1/b/source/o/x/rewriteTo/b/target/o/y?")
    assert parse_qs(urlsplit(first[0][1]).query) == {
        "destinationKmsKeyName": ["k"],
        "ifGenerationMatch": ["0"],
        "ifSourceGenerationMatch": ["7"],
    }
    assert parse_qs(urlsplit(second[0][1]).query)["rewriteToken"] == ["more"]
    description = {
        "name": "y",
        "contentType": "text/x",
        "storageClass": "NEARLINE",
        "cacheControl": "max-age=60",
    }
    assert [json.loads(body) for _, body in (first, second)] == [description] * 2


@pytest.mark.parametrize(
    ("refusal", "then"), [((403, DENIED), []), ((404, MISSING), []), ((412, DENIED), [(404, MISSING)])]
)
def test_gcsfs_refused(refusal, then):
    """Who may not read the original there, or finds another one: the copy can be streamed."""
    answers = [(200, FOUND), (404, MISSING), refusal, *then]
    with answering(answers, []) as (port, _):
        assert gcsfs_at(port, "target").copy_from(gcsfs_at(port, "source"), "x", "y") is None
    assert answers == []


def test_gcsfs_at_the_last_moment():
    """What came there meanwhile stays."""
    answers = [(200, FOUND), (404, MISSING), (412, DENIED), (200, FOUND)]
    with answering(answers, []) as (port, _), pytest.raises(AlreadyExistsError):
        gcsfs_at(port, "target").copy_from(gcsfs_at(port, "source"), "x", "y")
    assert answers == []
