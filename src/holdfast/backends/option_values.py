"""Values of options: what may be written, and what must not be, checked before a library stumbles over it."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from holdfast.errors import ConfigurationError
from holdfast.late_patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Collection

_TRUE, _FALSE = {"true", "1", "yes", "on"}, {"false", "0", "no", "off"}
_HARMLESS = late_pattern(r"[+-]?[\d.,_]{0,12}\s?[A-Za-z]{0,12}")  # a number with its unit, or a word
_NO_PATH = late_pattern(r"[{}\r\n;=@]")
_LONGEST_PATH = 256
_MOST = 2**31 - 1
_HOST = late_pattern(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")


def shown(value: Any) -> str:
    """Return a value as a message may show it: ``…`` where it could be a secret in the wrong place."""
    if isinstance(value, str):
        return repr(value) if _HARMLESS.fullmatch(value) else "…"
    return repr(value) if isinstance(value, (int, float, timedelta)) else f"<{type(value).__name__}>"


def shown_path(value: Any) -> str:
    """Return a path as a message may show it: ``…`` for what is no path, but perhaps what a file of secrets holds."""
    text = str(value)
    return repr(text) if len(text) < _LONGEST_PATH and not _NO_PATH.search(text) else "…"


def count(name: str, value: Any) -> int:
    """Return a number of things, at least 1.

    Raises:
        ConfigurationError: It is something else.
    """
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST:
        return value
    message = f"{name}={shown(value)} must be a whole number, at least 1"
    raise ConfigurationError(message)


def choice(name: str, value: Any, known: Collection[str]) -> str:
    """Return a word that must be one of a few, in capitals or not.

    Raises:
        ConfigurationError: It is another one, or none.
    """
    if header_text(name, value).lower() not in {word.lower() for word in known}:
        message = f"{name}={shown(value)} must be one of {', '.join(known)}"
        raise ConfigurationError(message)
    return str(value)


def switch(name: str, value: Any) -> bool:
    """Return a yes or no that may come from an environment variable as text.

    Raises:
        ConfigurationError: It is neither.
    """
    text = str(value).strip().lower()
    if text in _TRUE | _FALSE:
        return text in _TRUE
    message = f"{name}={shown(value)} is neither true nor false"
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
    plain = text.partition("?")[0]  # what follows may be a signature
    if "@" in rest or ("@" in scheme and not separator):
        message = f"{name} holds a user name or password: give {user} instead"
        raise ConfigurationError(message)
    if not separator or scheme.lower() not in {"http", "https"}:
        address = plain.partition("://")[2] or plain.rstrip(":/")
        forms = f'{name}="https://{address}", or {name}="http://{address}" with {allow}'
        message = f'{name}="{plain}" needs a scheme: write {forms}'
        raise ConfigurationError(message)
    if scheme.lower() == "http" and not allow_http:
        message = (
            f'{name}="{plain}" is not encrypted: add {allow} if that is meant (a local server), '
            f'or write {name}="https://{plain.partition("://")[2]}"'
        )
        raise ConfigurationError(message)
    parts = _split(text)
    if parts is None or parts.query or parts.fragment or not _HOST.fullmatch(parts.hostname or ""):
        message = f'{name}="{plain}" is not the address of a server: write it as "https://host.example:9000"'
        raise ConfigurationError(message)
    return text


def _split(text: str) -> SplitResult | None:
    with suppress(ValueError):  # a wrong port, or an unclosed bracket
        parts = urlsplit(text)
        _ = parts.port
        return parts
    return None
