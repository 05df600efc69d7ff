"""URLs of S3 are signed as AWS's own client signs them."""

from base64 import b64encode
from datetime import UTC, datetime

import boto3
import pytest
from botocore.config import Config
from hypothesis import example, given

from holdfast.drivers.optional import SignRequest
from holdfast.drivers.s3.signature import Credentials, presigned_url
from tests.drivers.signing.strategies import CHECKSUM, DISPOSITION, ODD, S3_REQUESTS
from tests.drivers.signing.urls import parts, time_of

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
PLACES = {
    "path": ("https://s3.eu-west-1.amazonaws.com/bucket", None),
    "virtual": ("https://bucket.s3.eu-west-1.amazonaws.com", None),
    "endpoint": ("http://localhost:9000/bucket", "http://localhost:9000"),
    "default port": ("http://minio.test:80/bucket", "http://minio.test:80"),
}


def client(style, endpoint, credentials):
    """Return AWS's own client."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="eu-west-1",
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.token,
        config=Config(signature_version="s3v4", s3={"addressing_style": style}),
    )


CREDENTIALS = Credentials("AKIDEXAMPLE", SECRET)
CLIENT = client("path", None, CREDENTIALS)


def botocores(made, request):
    """Return botocore's URL."""
    headers = {"ResponseContentType": request.content_type, "ResponseContentDisposition": request.content_disposition}
    if request.method == "PUT":
        headers = {
            "ContentType": request.content_type,
            "ContentLength": request.size,
            "ChecksumSHA256": request.checksum and b64encode(bytes.fromhex(request.checksum[7:])).decode(),
            "IfNoneMatch": "*" if request.if_absent else None,
        }
    given = {name: value for name, value in headers.items() if value is not None}
    target = {"Bucket": "bucket", "Key": request.key, **given}
    return made.generate_presigned_url(f"{request.method.lower()}_object", target, request.expires_in)


def assert_alike(url, theirs):
    """Compare down to the signature."""
    assert parts(url) == parts(theirs)
    assert url.partition("?")[0] == theirs.partition("?")[0]


@given(S3_REQUESTS)
@example(SignRequest(ODD, "GET", 60, "text/plain; charset=utf-8", DISPOSITION))
@example(SignRequest(ODD, "PUT", 7 * 24 * 3600, "text/plain;  charset=utf-8"))
@example(SignRequest(ODD, "PUT", 60, "image/png", size=5 * 1024**3, checksum=CHECKSUM, if_absent=True))
def test_a_url_is_botocores(request):
    """For any name, type and disposition, size and checksum, GET and PUT."""
    theirs = botocores(CLIENT, request)
    url = presigned_url(PLACES["path"][0], request, "eu-west-1", CREDENTIALS, time_of(theirs, "X-Amz-Date"))
    assert_alike(url, theirs)


@pytest.mark.parametrize("token", [None, "token/+=="])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "request_",
    [SignRequest(ODD, "GET", 60, "a/b", DISPOSITION), SignRequest(ODD, "PUT", 60, "a/b"), SignRequest("x", "PUT", 1)],
)
def test_a_url_is_botocores_at_every_address(place, request_, token):
    """With the bucket in path and host, at an endpoint, and with a session token."""
    address, endpoint = PLACES[place]
    credentials = CREDENTIALS._replace(token=token)
    made = client("virtual" if place == "virtual" else "path", endpoint, credentials)
    theirs = botocores(made, request_)
    url = presigned_url(address, request_, "eu-west-1", credentials, time_of(theirs, "X-Amz-Date"))
    assert_alike(url, theirs)
    assert parts(url)[2].get("X-Amz-Security-Token") == token


def test_an_upload_binds_what_is_said_of_it():
    """The headers are signed; without any nothing but the host is. A GET has none of them."""
    for method, more, names in (
        ("PUT", {}, "host"),
        ("PUT", {"content_type": "text/plain"}, "content-type;host"),
        ("PUT", {"size": 0}, "content-length;host"),
        ("PUT", {"checksum": CHECKSUM}, "host;x-amz-checksum-sha256"),
        ("PUT", {"if_absent": True}, "host;if-none-match"),
        ("GET", {"size": 0, "checksum": CHECKSUM, "if_absent": True}, "host"),
    ):
        request = SignRequest("x", method, 60, **more)
        url = presigned_url("https://h/b", request, "r", CREDENTIALS, datetime.now(UTC))
        assert parts(url)[2]["X-Amz-SignedHeaders"] == names


def test_the_secret_does_not_show():
    """The URL has the public half of the key only."""
    url = presigned_url("https://h/b", SignRequest("x", "GET", 60), "r", CREDENTIALS, datetime.now(UTC))
    assert CREDENTIALS.access_key in url
    assert SECRET not in url
    assert SECRET not in repr(CREDENTIALS)


def test_s8_another_checksum_is_refused():
    """S3 would not look at it, so that it is not forgotten."""
    request = SignRequest("x", "PUT", 60, checksum=f"blake3:{'00' * 32}")
    with pytest.raises(NotImplementedError, match="only by sha256"):
        presigned_url("https://h/b", request, "r", CREDENTIALS, datetime.now(UTC))
