"""AWS Signature Version 4: of requests, and of URLs.

https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

from __future__ import annotations

import base64
import hmac
from functools import partial
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from holdfast.drivers import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from holdfast.drivers.optional import SignRequest

ALGORITHM = "AWS4-HMAC-SHA256"
"""Name of the signature."""

_NOTHING: Mapping[str, str] = MappingProxyType({})


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


def signed_headers(  # what a request is made of
    method: str,
    url: str,
    region: str,
    credentials: Credentials,
    now: datetime,
    *,
    more: Mapping[str, str] = _NOTHING,
    body: bytes = b"",
) -> dict[str, str]:
    """Return the headers that sign a request to S3.

    Args:
        method: ``GET``, ``DELETE`` …
        url: As it is sent: the path percent-encoded, the query made by `holdfast.drivers.canonical.query_string`.
        region: Region of the bucket.
        credentials: Who signs.
        now: Time in UTC; S3 takes a difference of up to 15 minutes from its own.
        more: Other headers, by their names in lower case.
        body: What is sent.
    """
    time, payload = canonical.timestamp(now), sha256(body).hexdigest()
    headers = {"host": urlsplit(url).netloc, "x-amz-content-sha256": payload, "x-amz-date": time, **more}
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    scope = scope_of(now, region)
    digest = canonical.request_digest(method, url, headers, payload)
    signature = signature_of(credentials, scope, f"{ALGORITHM}\n{time}\n{scope}\n{digest}")
    identity = f"Credential={credentials.access_key}/{scope}, SignedHeaders={canonical.signed_names(headers)}"
    return {**headers, "authorization": f"{ALGORITHM} {identity}, Signature={signature}"}


def presigned_url(  # what a URL is made of
    address: str,
    request: SignRequest,
    region: str,
    credentials: Credentials,
    now: datetime,
    *,
    more: Mapping[str, str] = _NOTHING,
    parameters: Mapping[str, str] = _NOTHING,
) -> str:
    """Return a URL for one object.

    A ``content_type`` becomes the answer's to a GET; a PUT must be sent with it, and with whatever else
    `upload_headers` returns, or S3 refuses it.

    Args:
        address: URL of the bucket, which may be in the host or in the path, without a slash at the end.
        request: What it allows; its key is the whole one, with any prefix.
        region: Region of the bucket.
        credentials: Who signs; with temporary ones the URL ends when they do.
        now: Time in UTC, from which `SignRequest.expires_in` counts.
        more: Other headers that must be sent, by their names in lower case.
        parameters: More parameters of S3, such as the number of a part.
    """
    signer = canonical.Signer(
        "X-Amz-",
        ALGORITHM,
        credentials.access_key,
        place(region),
        partial(signature_of, credentials),
        credentials.token,
    )
    bound = {**upload_headers(request), **more}
    return canonical.presigned_url(address, request, signer, now, bound=bound, parameters=parameters)


def upload_headers(request: SignRequest) -> dict[str, str]:
    """Return the headers that a PUT must be sent with, by their names in lower case."""
    if request.method == "GET":
        return {}
    headers = {
        "content-type": request.content_type,
        "content-length": None if request.size is None else str(request.size),
        "x-amz-checksum-sha256": request.checksum and checksum_text(request.checksum),
        "if-none-match": "*" if request.if_absent else None,
    }
    return {name: value for name, value in headers.items() if value is not None}


def checksum_text(checksum: str) -> str:
    """Return a ``"sha256:<hex>"`` as S3 writes it.

    Raises:
        NotImplementedError: It is of another algorithm.
    """
    algorithm, _, digest = checksum.partition(":")
    if algorithm != "sha256":
        message = f"S3 cannot be told a checksum by {algorithm}, only by sha256"
        raise NotImplementedError(message)
    return base64.b64encode(bytes.fromhex(digest)).decode()


def scope_of(now: datetime, region: str) -> str:
    """Return what a signature is for: the day, the region, the service."""
    return f"{canonical.timestamp(now)[:8]}/{place(region)}"


def place(region: str) -> str:
    """Return what a signature is for, besides the day."""
    return f"{region}/s3/aws4_request"


def signature_of(credentials: Credentials, scope: str, to_sign: str) -> str:
    """Return the signature of a text, in the scope that `scope_of` returns."""
    key = f"AWS4{credentials.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()
