"""URLs of GCS are signed as Google's own client signs them."""

from datetime import UTC, datetime, timedelta

import pytest
from google.cloud.storage import Client
from google.oauth2.service_account import Credentials
from hypothesis import example, given

from holdfast.drivers.gcs.signature import ServiceAccount, presigned_url
from holdfast.drivers.optional import SignRequest
from holdfast.errors import ConfigurationError
from tests.drivers.signing.accounts import EMAIL, service_account
from tests.drivers.signing.strategies import CHECKSUM, DISPOSITION, GCS_REQUESTS, ODD
from tests.drivers.signing.urls import parts, time_of


@pytest.fixture(scope="module")
def account():
    """An account that signs here."""
    return ServiceAccount.with_key(EMAIL, service_account()["private_key"])


@pytest.fixture(scope="module")
def bucket():
    """A bucket as Google's client sees it."""
    credentials = Credentials.from_service_account_info(service_account())
    return Client(project="project", credentials=credentials).bucket("bucket")


def googles(bucket, request, **more):
    """Return Google's URL."""
    headers = {"response_type": request.content_type, "response_disposition": request.content_disposition}
    if request.method == "PUT":
        bound = {"x-goog-content-length-range": f"{request.size},{request.size}"} if request.size is not None else {}
        bound |= {"x-goog-if-generation-match": "0"} if request.if_absent else {}
        headers = {"content_type": request.content_type, "headers": bound}
    expiration = timedelta(seconds=request.expires_in)
    blob = bucket.blob(request.key)
    return blob.generate_signed_url(version="v4", method=request.method, expiration=expiration, **headers, **more)


@given(GCS_REQUESTS)
@example(SignRequest(ODD, "GET", 60, "text/plain; charset=utf-8", DISPOSITION))
@example(SignRequest(ODD, "PUT", 7 * 24 * 3600, "text/plain;  charset=utf-8"))
@example(SignRequest(ODD, "PUT", 60, "image/png", size=5 * 1024**4, if_absent=True))
def test_a_url_is_googles(account, bucket, request):
    """To the letter: for any name, type and disposition, size, GET and PUT."""
    theirs = googles(bucket, request)
    now = time_of(theirs, "X-Goog-Date")
    assert presigned_url("https://storage.googleapis.com/bucket", request, account, now) == theirs


def test_a_url_is_googles_at_an_endpoint(account, bucket):
    """Of an emulator, or a private one."""
    request = SignRequest(ODD, "GET", 60, "a/b", DISPOSITION)
    theirs = googles(bucket, request, api_access_endpoint="http://localhost:4443")
    now = time_of(theirs, "X-Goog-Date")
    assert presigned_url("http://localhost:4443/bucket", request, account, now) == theirs


def test_an_upload_binds_what_is_said_of_it(account):
    """The headers are signed; without any nothing but the host is. A GET has none of them."""
    for method, more, names in (
        ("PUT", {}, "host"),
        ("PUT", {"content_type": "text/plain"}, "content-type;host"),
        ("PUT", {"size": 0}, "host;x-goog-content-length-range"),
        ("PUT", {"if_absent": True}, "host;x-goog-if-generation-match"),
        ("GET", {"size": 0, "if_absent": True}, "host"),
    ):
        url = presigned_url("https://h/b", SignRequest("x", method, 60, **more), account, datetime.now(UTC))
        assert parts(url)[2]["X-Goog-SignedHeaders"] == names


def test_the_key_does_not_show(account):
    """`repr` tells who it is."""
    assert EMAIL in repr(account)
    assert "PRIVATE" not in repr(account)


def test_a_key_that_cannot_sign():
    """It is an error that does not show it."""
    with pytest.raises(ConfigurationError, match="PEM") as caught:
        ServiceAccount.with_key(EMAIL, "CANARY")
    assert "CANARY" not in str(caught.value)


def test_s8_a_checksum_is_refused(account):
    """Google would not look at it, so that it is not forgotten."""
    with pytest.raises(NotImplementedError, match="leave checksum out"):
        presigned_url("https://h/b", SignRequest("x", "PUT", 60, checksum=CHECKSUM), account, datetime.now(UTC))
