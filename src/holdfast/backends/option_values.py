"""Values of options: what may be written, and what must not be, checked before a library stumbles over it."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any
from urllib.parse import SplitResult, urlsplit

from holdfast.errors import ConfigurationError

_TRUE, _FALSE = {"true", "1", "yes", "on"}, {"false", "0", "no", "off"}
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")


def switch(name: str, value: Any) -> bool:
    """Return a yes or no that may come from an environment variable as text.

    Raises:
        ConfigurationError: It is neither.
    """
    text = str(value).strip().lower()
    if text in _TRUE | _FALSE:
        return text in _TRUE
    message = f"{name}={value!r} is neither true nor false"
    raise ConfigurationError(message)


def mapping(name: str, value: Any) -> dict[str, Any]:
    """Return an option that must be a mapping, as a dict of its own without what is None; None is an empty one.

    Raises:
        ConfigurationError: It is something else.
    """
    if value is None:
        return {}
    if not hasattr(value, "items"):
        message = f"{name} must be a dict, not {type(value).__name__}"
        raise ConfigurationError(message)
    return {key: item for key, item in value.items() if item is not None}


def header_text(name: str, value: Any) -> str:
    """Return text that will stand in a header of requests: a key, a token, a region. obstore panics at other text.

    Raises:
        ConfigurationError: It is no text, or holds a line break or characters beyond ASCII; it is not shown.
    """
    if not isinstance(value, str):
        message = f"{name} must be text, not {type(value).__name__}"
        raise ConfigurationError(message)
    if not (value.isascii() and value.isprintable()):
        message = f"{name} holds a line break or another character that cannot stand in a request: check how it is read"
        raise ConfigurationError(message)
    return value


def web_address(name: str, value: Any, *, allow_http: bool, allow: str, user: str) -> str:
    """Return the URL of an endpoint, without a slash at its end.

    Args:
        name: Name of the option, for messages.
        value: The URL.
        allow_http: Whether ``http://`` is meant.
        allow: What must be written to mean it.
        user: What to write instead of a user name in the URL.

    Raises:
        ConfigurationError: With it every call would fail with "builder error", or panic.
    """
    scheme, separator, rest = header_text(name, value).partition("://")
    rest = rest.rstrip("/")
    text = f"{scheme}{separator}{rest}"
    if "@" in rest or ("@" in scheme and not separator):
        message = f"{name} holds a user name or password: give {user} instead"
        raise ConfigurationError(message)
    if not separator or scheme.lower() not in {"http", "https"}:
        address = rest or scheme.rstrip(":/")
        forms = f'{name}="https://{address}", or {name}="http://{address}" with {allow}'
        message = f'{name}="{text}" needs a scheme: write {forms}'
        raise ConfigurationError(message)
    shown = text.partition("?")[0]  # what follows may be a signature
    if scheme.lower() == "http" and not allow_http:
        message = (
            f'{name}="{shown}" is not encrypted: add {allow} if that is meant (a local server), '
            f'or write {name}="https://{shown.partition("://")[2]}"'
        )
        raise ConfigurationError(message)
    parts = _split(text)
    if parts is None or parts.query or parts.fragment or not _HOST.fullmatch(parts.hostname or ""):
        message = f'{name}="{shown}" is not the address of a server: write it as "https://host.example:9000"'
        raise ConfigurationError(message)
    return text


def _split(text: str) -> SplitResult | None:
    with suppress(ValueError):  # a wrong port, or an unclosed bracket
        parts = urlsplit(text)
        _ = parts.port
        return parts
    return None
