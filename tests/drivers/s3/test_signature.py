"""Signatures are those of AWS's own client."""

from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials

from holdfast.drivers.canonical import query_string
from holdfast.drivers.s3.signature import Credentials, signed_headers

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


class FrozenAuth(S3SigV4Auth):
    """botocore's signer with the time of the request instead of its own."""

    def _set_necessary_date_headers(self, request):
        request.context["timestamp"] = self.now.strftime("%Y%m%dT%H%M%SZ")
        request.headers["X-Amz-Date"] = request.context["timestamp"]


def botocores(method, url, region, credentials, now):
    """Return the Authorization header that botocore makes."""
    # It takes the path as it is, and encodes the query itself: what goes in is what comes out.
    request = AWSRequest(method=method, url=url)
    request.context["payload_signing_enabled"] = True
    auth = FrozenAuth(BotocoreCredentials(*credentials), "s3", region)
    auth.now = now
    request.context["timestamp"] = now.strftime("%Y%m%dT%H%M%SZ")
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    request.headers["X-Amz-Content-SHA256"] = auth.payload(request)
    if credentials.token:
        request.headers["X-Amz-Security-Token"] = credentials.token
    canonical = auth.canonical_request(request)
    signature = auth.signature(auth.string_to_sign(request, canonical), request)
    scope = f"{credentials.access_key}/{auth.credential_scope(request)}"
    names = auth.signed_headers(auth.headers_to_sign(request))
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={names}, Signature={signature}"


@pytest.mark.parametrize("token", [None, "token/+=="])
@pytest.mark.parametrize(
    ("method", "url", "query"),
    [
        ("GET", "https://s3.eu-west-1.amazonaws.com/bucket/", {"uploads": "", "prefix": ""}),
        ("GET", "https://bucket.s3.eu-west-1.amazonaws.com/", {"uploads": "", "prefix": "a b/é+%41~*'()/"}),
        (
            "GET",
            "http://localhost:9000/bucket/",
            {"uploads": "", "prefix": "p/", "key-marker": "k&=", "Z": "", "a": "2"},
        ),
        ("DELETE", f"https://minio.test:8443/bucket/{quote('a b/é+%41.txt')}", {"uploadId": "a+b/c=="}),
    ],
)
def test_a_request_is_signed_as_botocore_does(method, url, query, token):
    """With path and query of every kind, and with a session token."""
    url = f"{url}?{query_string(query)}"
    credentials = Credentials("AKIDEXAMPLE", SECRET, token)
    now = datetime(2026, 11, 21, 10, 20, 30, tzinfo=UTC)
    headers = signed_headers(method, url, "eu-west-1", credentials, now)
    assert headers["authorization"] == botocores(method, url, "eu-west-1", credentials, now)
    assert headers.get("x-amz-security-token") == token


def test_the_secret_does_not_show():
    """Neither in `repr` nor in the headers."""
    credentials = Credentials("AKID", SECRET, SECRET[::-1])
    assert SECRET not in repr(credentials)
    assert SECRET[::-1] not in repr(credentials)
    headers = signed_headers("GET", "https://host/", "r", credentials, datetime.now(UTC))
    assert SECRET not in str(headers)
