"""Redirects of requests that aiohttp sends: what was meant for one server goes to no other.

aiohttp takes back the header ``Authorization`` only, and services have many headers for a token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
import yarl

from holdfast.drivers.fsspec.web.answers import StatusError

if TYPE_CHECKING:
    from collections.abc import Mapping

_REDIRECTS = {301, 302, 303, 307, 308}
_MOST = 10
_OF_THE_LINE = {"proxy", "proxy_auth", "proxy_headers", "ssl", "timeout"}


async def followed(
    session: aiohttp.ClientSession, method: str, url: yarl.URL, user: Mapping[str, Any], headers: Mapping[str, str]
) -> aiohttp.ClientResponse:
    """Send a request, and again where the answer redirects it to, and return the first answer that does not.

    Args:
        session: The user's.
        method: GET or HEAD.
        url: Address.
        user: What the user wants to have sent, for the server of `url` alone.
        headers: What every server is sent.

    Raises:
        StatusError: It is redirected too often, or to what is no address.
    """
    options = {**user, "headers": {**(user.get("headers") or {}), **headers}}
    plain = {**{name: user[name] for name in _OF_THE_LINE & user.keys()}, "headers": headers}
    home, left = _origin(url), False
    for _ in range(_MOST + 1):
        # Unpacked bytes would have neither the size nor the ranges of those that are stored.
        if left:
            answer = await _sent_alone(session, method, url, plain)
        else:
            answer = await session.request(
                method, url, **{**options, "allow_redirects": False, "auto_decompress": False}
            )
        if answer.status not in _REDIRECTS:
            return answer
        answer.release()
        url = _target(answer)
        left = left or _origin(url) != home
    raise StatusError(answer.status, f"it redirects more than {_MOST} times")


async def _sent_alone(
    session: aiohttp.ClientSession, method: str, url: yarl.URL, options: Mapping[str, Any]
) -> aiohttp.ClientResponse:
    """Send a request through the connections of a session, but without its headers, cookies and login."""
    alone = aiohttp.ClientSession(
        connector=session.connector,
        connector_owner=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=session.timeout,
        trust_env=session.trust_env,
    )
    try:
        return await alone.request(method, url, **{**options, "allow_redirects": False, "auto_decompress": False})
    finally:
        alone.detach()


def _origin(url: yarl.URL) -> tuple[str, str | None, int | None]:
    return url.scheme, url.host, url.port


def _target(answer: aiohttp.ClientResponse) -> yarl.URL:
    try:
        url = answer.url.join(yarl.URL(answer.headers.get("Location", ""), encoded=True)).with_user(None)
        if url.scheme in {"http", "https"} and url.host and answer.headers.get("Location"):
            return url
    except ValueError:
        pass
    raise StatusError(answer.status, "it redirects to no address")
