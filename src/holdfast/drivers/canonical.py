"""The canonical form of a request, over which S3 (Signature Version 4) and GCS (V4) compute the same signature."""

from __future__ import annotations

from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from holdfast.drivers.optional import SignRequest

_UNRESERVED = "-_.~"  # RFC 3986 §2.3
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
ANY_BODY = "UNSIGNED-PAYLOAD"
"""What stands for the SHA-256 of a body that nobody knows yet."""


class Signer(NamedTuple):
    """Who signs URLs, and in whose dialect.

    Attributes:
        vendor: What the parameters begin with: ``X-Amz-`` or ``X-Goog-``.
        algorithm: Its name.
        identity: Name of the key.
        place: What the key is for: region, service and an ending.
        sign: Returns the signature of a text, for a scope (the day and `place`).
        token: Session token of temporary credentials.
    """

    vendor: str
    algorithm: str
    identity: str
    place: str
    sign: Callable[[str, str], str]
    token: str | None = None


def presigned_url(
    address: str,
    request: SignRequest,
    signer: Signer,
    now: datetime,
    *,
    bound: Mapping[str, str] = MappingProxyType({}),
    parameters: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return a URL for one object.

    Args:
        address: URL of the bucket, without a slash at the end.
        request: What it allows; its key is the whole one, with any prefix.
        signer: Who signs.
        now: Time in UTC, from which `SignRequest.expires_in` counts.
        bound: Headers that must be sent, by their names in lower case.
        parameters: More parameters of the service.
    """
    time = timestamp(now)
    scope = f"{time[:8]}/{signer.place}"
    url = f"{address}/{path(request.key)}"
    headers = {"host": host(url), **bound}
    own = {
        "Algorithm": signer.algorithm,
        "Credential": f"{signer.identity}/{scope}",
        "Date": time,
        "Expires": str(request.expires_in),
        "SignedHeaders": signed_names(headers),
        **({"Security-Token": signer.token} if signer.token else {}),
    }
    signed = {f"{signer.vendor}{name}": value for name, value in own.items()}
    url = f"{url}?{query_string({**signed, **parameters, **answer_parameters(request)})}"
    digest = request_digest(request.method, url, headers, ANY_BODY)
    signature = signer.sign(scope, f"{signer.algorithm}\n{time}\n{scope}\n{digest}")
    return f"{url}&{signer.vendor}Signature={signature}"


def timestamp(now: datetime) -> str:
    """Return a time in the form that is signed."""
    return now.strftime("%Y%m%dT%H%M%SZ")


def path(key: str) -> str:
    """Return a key as it stands in a URL: everything but ``A-Za-z0-9-_.~/`` percent-encoded."""
    return quote(key, safe=_UNRESERVED + "/")


def query_string(parameters: Mapping[str, str]) -> str:
    """Return a query in the form and order that is signed, which is also the one to send."""
    pairs = sorted(
        (quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED)) for name, value in parameters.items()
    )
    return "&".join(f"{name}={value}" for name, value in pairs)


def host(url: str) -> str:
    """Return the ``Host`` that a client sends for a URL."""
    parts = urlsplit(url)
    return parts.netloc.removesuffix(_DEFAULT_PORTS.get(parts.scheme, ":"))


def request_digest(method: str, url: str, headers: Mapping[str, str], payload: str) -> str:
    """Return the SHA-256 of a request in its canonical form.

    Args:
        method: ``GET``, ``PUT`` …
        url: As it is sent: the path percent-encoded, the query made by `query_string`.
        headers: Those that are signed, by their names in lower case.
        payload: SHA-256 of the body, or what stands for it.
    """
    parts = urlsplit(url)
    lines = [f"{name}:{' '.join(headers[name].split())}" for name in sorted(headers)]
    form = [method, parts.path or "/", parts.query, *lines, "", signed_names(headers), payload]
    return sha256("\n".join(form).encode()).hexdigest()


def signed_names(headers: Mapping[str, str]) -> str:
    """Return the list of headers that a signature covers."""
    return ";".join(sorted(headers))


def answer_parameters(request: SignRequest) -> dict[str, str]:
    """Return the parameters that set headers of the answer."""
    if request.method != "GET":
        return {}
    headers = {
        "response-content-type": request.content_type,
        "response-content-disposition": request.content_disposition,
    }
    return {name: value for name, value in headers.items() if value is not None}
