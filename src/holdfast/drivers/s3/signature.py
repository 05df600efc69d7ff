"""AWS Signature Version 4: of requests without a body, and of URLs.

https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

from __future__ import annotations

import hmac
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from holdfast.drivers import canonical

if TYPE_CHECKING:
    from datetime import datetime

    from holdfast.drivers.protocol import SignRequest

_ALGORITHM = "AWS4-HMAC-SHA256"
_NO_BODY = sha256(b"").hexdigest()


class Credentials(NamedTuple):
    """Who sends a request.

    Attributes:
        access_key: Public half of the key.
        secret_key: Secret half.
        token: Session token of temporary credentials.
    """

    access_key: str
    secret_key: str
    token: str | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.access_key!r}, …)"


def signed_headers(method: str, url: str, region: str, credentials: Credentials, now: datetime) -> dict[str, str]:
    """Return the headers that sign a request to S3.

    Args:
        method: ``GET`` or ``DELETE``.
        url: As it is sent: the path percent-encoded, the query made by `holdfast.drivers.canonical.query_string`.
        region: Region of the bucket.
        credentials: Who signs.
        now: Time in UTC; S3 takes a difference of up to 15 minutes from its own.
    """
    time = canonical.timestamp(now)
    headers = {"host": urlsplit(url).netloc, "x-amz-content-sha256": _NO_BODY, "x-amz-date": time}
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    scope = f"{time[:8]}/{_place(region)}"
    digest = canonical.request_digest(method, url, headers, _NO_BODY)
    signature = _signature(credentials, scope, f"{_ALGORITHM}\n{time}\n{scope}\n{digest}")
    identity = f"Credential={credentials.access_key}/{scope}, SignedHeaders={canonical.signed_names(headers)}"
    return {**headers, "authorization": f"{_ALGORITHM} {identity}, Signature={signature}"}


def presigned_url(address: str, request: SignRequest, region: str, credentials: Credentials, now: datetime) -> str:
    """Return a URL for one object.

    A ``content_type`` becomes the answer's to a GET; a PUT must be sent with it, or S3 refuses it.

    Args:
        address: URL of the bucket, which may be in the host or in the path, without a slash at the end.
        request: What it allows; its key is the whole one, with any prefix.
        region: Region of the bucket.
        credentials: Who signs; with temporary ones the URL ends when they do.
        now: Time in UTC, from which `SignRequest.expires_in` counts.
    """
    signer = canonical.Signer(
        "X-Amz-",
        _ALGORITHM,
        credentials.access_key,
        _place(region),
        partial(_signature, credentials),
        credentials.token,
    )
    return canonical.presigned_url(address, request, signer, now)


def _place(region: str) -> str:
    return f"{region}/s3/aws4_request"


def _signature(credentials: Credentials, scope: str, to_sign: str) -> str:
    key = f"AWS4{credentials.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()
