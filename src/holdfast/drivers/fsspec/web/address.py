"""Addresses as users give them, which may hold a name and a password."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

import yarl

from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from urllib.parse import SplitResult


def taken_apart(text: str) -> tuple[str, dict[str, str]]:
    """Return an address without a login and without a slash at its end, and the header for the login.

    Raises:
        ConfigurationError: It is none, or has a query, to which no key can be added.
    """
    try:
        address = urlsplit(text)
        good = address.scheme in {"http", "https"} and address.hostname and not (address.query or address.fragment)
        # The login is not left in it: errors and logs of other libraries show addresses.
        base = str(yarl.URL(urlunsplit(address._replace(netloc=address.netloc.rpartition("@")[2])))) if good else ""
    except ValueError:  # a port that is none, a bracket too many
        base = ""
    if not base:
        message = f'prefix={shown(text)!r} must be an address without a query: prefix="https://example.com/files"'
        raise ConfigurationError(message)
    return base.rstrip("/"), _login(address)


def shown(text: str) -> str:
    """Return what may be shown of an address that is maybe none: nothing of a password, and no query."""
    before, _, rest = text.rpartition("@")
    if "?" in before or "#" in before:  # it may be in a signature
        return "…"
    plain = rest.partition("?")[0].partition("#")[0]
    scheme = before.partition("://")[0].lower()
    return f"{scheme}://{plain}" if scheme in {"http", "https"} else plain


def _login(address: SplitResult) -> dict[str, str]:
    if not address.username:
        return {}
    login = f"{unquote(address.username)}:{unquote(address.password or '')}"
    return {"Authorization": f"Basic {b64encode(login.encode()).decode()}"}
