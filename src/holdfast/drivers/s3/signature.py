"""AWS Signature Version 4 for requests without a body.

https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

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


def query_string(parameters: Mapping[str, str]) -> str:
    """Return a query in the form and order that is signed, which is also the one to send."""
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in parameters.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def signed_headers(method: str, url: str, region: str, credentials: Credentials, now: datetime) -> dict[str, str]:
    """Return the headers that sign a request to S3.

    Args:
        method: ``GET`` or ``DELETE``.
        url: As it is sent: the path percent-encoded, the query made by `query_string`.
        region: Region of the bucket.
        credentials: Who signs.
        now: Time in UTC; S3 takes a difference of up to 15 minutes from its own.
    """
    parts = urlsplit(url)
    time = now.strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": parts.netloc, "x-amz-content-sha256": _NO_BODY, "x-amz-date": time}
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    names = ";".join(sorted(headers))
    lines = [f"{name}:{headers[name]}" for name in sorted(headers)]
    request = "\n".join([method, parts.path or "/", parts.query, *lines, "", names, _NO_BODY])
    scope = f"{time[:8]}/{region}/s3/aws4_request"
    to_sign = "\n".join([_ALGORITHM, time, scope, sha256(request.encode()).hexdigest()])
    key = f"AWS4{credentials.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    identity = f"Credential={credentials.access_key}/{scope}"
    return {**headers, "authorization": f"{_ALGORITHM} {identity}, SignedHeaders={names}, Signature={signature}"}
