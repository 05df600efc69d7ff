"""URLs of GCS are signed as Google's own client signs them."""

from datetime import UTC, datetime, timedelta

import pytest
from google.cloud.storage import Client
from google.oauth2.service_account import Credentials
from hypothesis import example, given

from holdfast.drivers.gcs.signature import ServiceAccount, presigned_url
from holdfast.drivers.protocol import SignRequest
from holdfast.errors import ConfigurationError
from tests.drivers.signing.accounts import EMAIL, service_account
from tests.drivers.signing.strategies import DISPOSITION, ODD, REQUESTS
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
        headers = {"content_type": request.content_type}
    expiration = timedelta(seconds=request.expires_in)
    blob = bucket.blob(request.key)
    return blob.generate_signed_url(version="v4", method=request.method, expiration=expiration, **headers, **more)


@given(REQUESTS)
@example(SignRequest(ODD, "GET", 60, "text/plain; charset=utf-8", DISPOSITION))
@example(SignRequest(ODD, "PUT", 7 * 24 * 3600, "text/plain;  charset=utf-8"))
def test_a_url_is_googles(account, bucket, request):
    """To the letter: for any name, type and disposition, GET and PUT."""
    theirs = googles(bucket, request)
    now = time_of(theirs, "X-Goog-Date")
    assert presigned_url("https://storage.googleapis.com/bucket", request, account, now) == theirs


def test_a_url_is_googles_at_an_endpoint(account, bucket):
    """Of an emulator, or a private one."""
    request = SignRequest(ODD, "GET", 60, "a/b", DISPOSITION)
    theirs = googles(bucket, request, api_access_endpoint="http://localhost:4443")
    now = time_of(theirs, "X-Goog-Date")
    assert presigned_url("http://localhost:4443/bucket", request, account, now) == theirs


def test_an_upload_binds_its_type(account):
    """The header is signed; without a type nothing but the host is."""
    for content_type, names in (("text/plain", "content-type;host"), (None, "host")):
        url = presigned_url("https://h/b", SignRequest("x", "PUT", 60, content_type), account, datetime.now(UTC))
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
