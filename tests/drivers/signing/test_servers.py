"""Servers that check signatures take signed URLs, and nothing that was made of them."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from holdfast.disposition import content_disposition
from holdfast.drivers.azure import signature as azure
from holdfast.drivers.optional import SignRequest
from holdfast.drivers.s3 import signature as s3
from holdfast.errors import UnsupportedError
from tests.drivers.signing.http import send
from tests.drivers.signing.places import adlfs, obstore_azure, obstore_s3, s3fs
from tests.drivers.signing.strategies import ODD

KEYS = ["x", ODD, "日本/é~ +.txt", "100%", "a%2Fb", "%41", "what?versionId=1", "a+b c"]
AN_HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)


def place(fixture, make, mark):
    """Return a parameter: a server's fixture, and what makes a storage on it."""
    return pytest.param((fixture, make), id=f"{fixture}-{make.__name__}", marks=mark)


S3_PLACES = [
    place("s3_bucket", obstore_s3, pytest.mark.s3),
    place("s3_bucket", s3fs, pytest.mark.s3),
    place("rclone_bucket", obstore_s3, pytest.mark.s3),
    place("rclone_bucket", s3fs, pytest.mark.s3),
]
AZURE_PLACES = [
    place("azure_container", obstore_azure, pytest.mark.azure),
    place("azure_container", adlfs, pytest.mark.azure),
]


@pytest.fixture(params=[*S3_PLACES, *AZURE_PLACES])
def storage(request):
    """A storage on each server, through each library."""
    fixture, make = request.param
    return make(request.getfixturevalue(fixture))


def upload(url, body, **headers):
    """Upload as the documentation says: Azure must be told the kind of blob."""
    if "sig=" in url:
        headers["x_ms_blob_type"] = "BlockBlob"
    return send("PUT", url, body, **headers)[0]


@pytest.mark.parametrize("half", ["sync", "async"])
def test_b17_urls_read_and_write_any_name(storage, half):
    """PUT, then GET, without credentials; what was written is what a read through the storage finds."""
    for key in KEYS:
        if half == "sync":
            put, get = storage.sign(key, expires_in=300, for_upload=True), storage.sign(key, expires_in=3600)
        else:
            put = asyncio.run(storage.sign_async(key, expires_in=300, for_upload=True))
            get = asyncio.run(storage.sign_async(key, expires_in=3600))
        assert upload(put, key.encode()) in {200, 201}
        assert storage.read(key) == key.encode()
        status, _, body = send("GET", get)
        assert (status, body) == (200, key.encode())
    assert [info.key for info in storage.list()] == sorted(KEYS, key=str.encode)


def test_b17_a_url_sets_headers_of_the_answer(storage):
    """Type and disposition, with every character that a name brings."""
    storage.put(ODD, b"bytes", content_type="text/html")
    header = content_disposition("attachment", 'Été "a%+b"; c.txt')
    for more in ({}, {"content_type": "text/plain; charset=utf-8"}, {"content_disposition": header}):
        url = storage.sign(
            ODD, content_disposition=more.get("content_disposition"), content_type=more.get("content_type")
        )
        status, headers, body = send("GET", url)
        assert (status, body) == (200, b"bytes")
        assert headers["content-type"] == more.get("content_type", "text/html")
        assert headers["content-disposition"] == more.get("content_disposition")


def test_b17_a_url_that_was_changed(storage):
    """Another key, method, expiry, type or disposition: none of it is what was signed."""
    storage.put("a", b"bytes")
    storage.put("b", b"secret")
    url = storage.sign("a", expires_in=60, content_type="a/b", content_disposition="inline")
    changed = [
        url.replace("/a?", "/b?"),
        url.replace("inline", "attachment"),
        url.replace("a%2Fb", "text%2Fhtml"),
        url.replace("Expires=60", "Expires=600").replace("se=20", "se=21"),
        url[:-6] + ("A" if url[-6] != "A" else "B") + url[-5:],
    ]
    assert send("GET", url)[0] == 200
    for other in changed:
        assert other != url
        assert send("GET", other)[0] == 403, other
    assert upload(url, b"replaced") == 403
    assert send("GET", storage.sign("a", for_upload=True))[0] == 403
    assert send("DELETE", storage.sign("a", for_upload=True))[0] in {403, 405}
    assert storage.read("a") == b"bytes"


def test_b17_a_url_that_has_expired(s3_bucket, azure_container):
    """Signed an hour ago for a minute, it is refused; signed for two hours it works."""
    for storage in (obstore_s3(s3_bucket, ""), obstore_azure(azure_container, "")):
        storage.put("a", b"bytes")
    server, azurite = s3_bucket.server, azure_container.server
    credentials = s3.Credentials(server.access_key, server.secret_key)
    account = azure.Account(azurite.account, azurite.key)
    for expires_in, status in ((60, 403), (7200, 200)):
        asked = SignRequest("a", "GET", expires_in)
        address = f"{server.endpoint}/{s3_bucket.name}"
        urls = [
            s3.presigned_url(address, asked, server.region, credentials, AN_HOUR_AGO),
            azure.presigned_url(azurite.endpoint, azure_container.name, asked, account, AN_HOUR_AGO),
        ]
        assert [send("GET", url)[0] for url in urls] == [status, status]


@pytest.mark.parametrize("place", S3_PLACES)
def test_b17_the_type_of_an_upload_is_bound(place, request):
    """S3 takes no other, and stores the one that was signed."""
    fixture, make = place
    storage = make(request.getfixturevalue(fixture))
    url = storage.sign("x", for_upload=True, content_type="image/png")
    assert upload(url, b"<script>", Content_Type="text/html") == 403
    assert upload(url, b"<script>") == 403
    assert not storage.exists("x")
    assert upload(url, b"bytes", Content_Type="image/png") == 200
    assert storage.stat("x").content_type == "image/png"


@pytest.mark.parametrize("place", AZURE_PLACES)
def test_b17_the_type_of_an_upload_cannot_be_bound_on_azure(place, request):
    """It is refused, instead of being forgotten."""
    fixture, make = place
    storage = make(request.getfixturevalue(fixture))
    with pytest.raises(UnsupportedError, match="leave content_type out"):
        storage.sign("x", for_upload=True, content_type="image/png")


def test_b17_the_bucket_in_the_host(s3_bucket):
    """The virtual-hosted style, as the option says."""
    port = s3_bucket.server.endpoint.rpartition(":")[2]
    endpoint = f"http://{s3_bucket.name}.s3.localhost:{port}"
    storage = obstore_s3(s3_bucket, endpoint=endpoint, virtual_hosted_style_request=True)
    obstore_s3(s3_bucket).put(ODD, b"bytes")
    url = storage.sign(ODD)
    assert url.startswith(f"{endpoint}/pre%20fix/")
    assert send("GET", url)[::2] == (200, b"bytes")
