"""The canonical form of a request, over which S3 (Signature Version 4) and GCS (V4) compute the same signature."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.drivers.protocol import SignRequest

_UNRESERVED = "-_.~"  # RFC 3986 §2.3
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


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


def bound_headers(request: SignRequest) -> dict[str, str]:
    """Return the headers that an upload must have, by their names in lower case."""
    if request.method == "GET" or request.content_type is None:
        return {}
    return {"content-type": request.content_type}


def answer_parameters(request: SignRequest) -> dict[str, str]:
    """Return the parameters that set headers of the answer."""
    if request.method != "GET":
        return {}
    headers = {
        "response-content-type": request.content_type,
        "response-content-disposition": request.content_disposition,
    }
    return {name: value for name, value in headers.items() if value is not None}


def _quoted(text: str) -> str:
    return quote(text, safe=_UNRESERVED)
