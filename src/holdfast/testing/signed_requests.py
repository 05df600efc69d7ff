"""AWS Signature Version 4, just enough to prepare a test server without a client.

https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
"""

import hashlib
import hmac
import http.client
from datetime import UTC, datetime
from urllib.parse import quote, urlencode, urlsplit


def signed_request(
    method: str,
    endpoint: str,
    path: str = "/",
    *,
    access_key: str,
    secret_key: str,
    service: str = "s3",
    region: str = "us-east-1",
    query: dict[str, str] | None = None,
    body: bytes = b"",
) -> tuple[int, bytes]:
    """Send one signed request and return the status and the body of the answer."""
    host = urlsplit(endpoint).netloc
    target = quote(path)
    search = urlencode(sorted((query or {}).items()), quote_via=quote)
    time = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    headers = {"host": host, "x-amz-content-sha256": digest, "x-amz-date": time}
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = f"{method}\n{target}\n{search}\n{lines}\n{names}\n{digest}"
    scope = f"{time[:8]}/{region}/{service}/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashed}"
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    if service == "iam":
        headers["content-type"] = "application/x-www-form-urlencoded"
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        url = f"{target}?{search}" if search else target
        connection.request(method, url, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
