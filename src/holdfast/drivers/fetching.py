"""Single requests with the standard library, for what the libraries of the services have no call for."""

from __future__ import annotations

import ssl
from http.client import HTTPException
from typing import TYPE_CHECKING, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, build_opener

if TYPE_CHECKING:
    from urllib.request import Request

PATIENCE = 30.0
"""Seconds without a byte."""

LARGEST = 16 * 1024 * 1024
"""Bytes of an answer that are read; a full page of uploads with the longest keys has about two million."""

_BUSY = {408, 429}
_SERVER_ERROR = 500


def is_passing(status: int) -> bool:
    """Return whether the status of an answer says that the next attempt may go better."""
    return status >= _SERVER_ERROR or status in _BUSY


class _NoRedirects(HTTPRedirectHandler):
    """A redirect would carry the signature to another host."""

    def redirect_request(self, *_: object) -> None:
        """Follow none."""


class Connection(NamedTuple):
    """How to reach a server.

    Attributes:
        certificates: More certificates to trust, as PEM.
        verify: Whether to check the server's certificate.
        proxy: URL of a proxy; None for the environment's.
    """

    certificates: str | None = None
    verify: bool = True
    proxy: str | None = None


PLAIN = Connection()
"""The way that the environment says."""


class Fetched(NamedTuple):
    """An answer.

    Attributes:
        headers: Its headers, by their names in lower case.
        body: What comes behind them.
    """

    headers: dict[str, str]
    body: bytes


def fetch(request: Request, connection: Connection = PLAIN, *, patience: float = PATIENCE) -> bytes:
    """Return the body of the answer, see `fetch_all`."""
    return fetch_all(request, connection, patience=patience).body


def fetch_all(request: Request, connection: Connection = PLAIN, *, patience: float = PATIENCE) -> Fetched:
    """Return the answer.

    Args:
        request: What is sent, to http or https.
        connection: How to reach the server.
        patience: Seconds without a byte.

    Raises:
        HTTPError: The answer is an error, or a redirect.
        ConnectionError: There was no answer, or half of one.
        OSError: The answer does not end.
    """
    context = ssl.create_default_context()
    if connection.certificates:
        context.load_verify_locations(cadata=connection.certificates)
    if not connection.verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    proxy = connection.proxy
    proxies = [ProxyHandler({"http": proxy, "https": proxy})] if proxy else []
    opener = build_opener(_NoRedirects, HTTPSHandler(context=context), *proxies)
    try:
        with opener.open(request, timeout=patience) as answer:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            found: bytes = answer.read(LARGEST + 1)
            missing = answer.length  # http.client passes over a body that is cut off
    except HTTPError:
        raise
    except (URLError, HTTPException) as error:
        reason = error.reason if isinstance(error, URLError) else type(error).__name__
        message = f"no answer: {reason}"
        # Not the error itself, which may hold the URL, and so the signature.
        raise (TimeoutError(message) if isinstance(reason, TimeoutError) else ConnectionError(message)) from None
    if len(found) > LARGEST:
        message = f"the answer has more than {LARGEST} bytes"
        raise OSError(message)
    if missing:
        message = "no answer: it was cut off"
        raise ConnectionError(message)
    return Fetched(headers, found)
