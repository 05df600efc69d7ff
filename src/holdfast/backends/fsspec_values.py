"""Values of the options of S3, GCS and Azure through fsspec, which environment variables hold as text.

The file systems take them as they are: ``anon="false"`` would count as true, a number as text would fail at the first
use, and the text of a service account would be sent to Google as if it were a token.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode
from contextlib import suppress
from inspect import signature
from typing import TYPE_CHECKING, Any

from holdfast.backends.option_values import mapping, switch
from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Those whose default does not tell what they are.
_SWITCHES = frozenset({"anon", "assume_container_exists", "skip_instance_cache", "use_listings_cache"})
_NUMBERS = frozenset({"batch_size", "block_size", "default_block_size", "max_concurrency", "max_paths"})
_SECONDS = frozenset(
    {
        "cache_timeout",
        "connection_timeout",
        "listings_expiry_time",
        "read_timeout",
        "requests_timeout",
        "retry_initial",
        "retry_maximum",
        "retry_multiplier",
        "retry_timeout",
        "timeout",
    }
)
_ACCOUNTS = (("client_email", "private_key", "token_uri"), ("client_id", "client_secret", "refresh_token"))


def typed(kind: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as a file system needs them.

    Args:
        kind: Its class.
        options: As they were given, maybe as text.

    Raises:
        ConfigurationError: One cannot be what its name says; its value is not shown.
    """
    defaults = {
        name: parameter.default
        for base in reversed(kind.__mro__[:-1])
        for name, parameter in signature(base.__init__).parameters.items()
    }
    return {name: _typed(name, value, defaults.get(name)) for name, value in options.items()}


def _typed(name: str, value: Any, default: Any) -> Any:
    if name.endswith("_kwargs"):
        return mapping(name, _from_json(name, value) if isinstance(value, str) else value)
    if not isinstance(value, str):
        return value
    if name in _SWITCHES or isinstance(default, bool):
        return switch(name, value)
    if name in _SECONDS:
        return _number(name, value, float)
    return _number(name, value, int) if name in _NUMBERS or isinstance(default, int) else value


def _number(name: str, text: str, kind: type[int | float]) -> float:
    try:
        return kind(text)
    except ValueError:
        message = f"{name} must be a number, such as {name}=60"
        raise ConfigurationError(message) from None


def _from_json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        message = f"{name} must be a dict, or its text in JSON"
        raise ConfigurationError(message) from None


def google_token(token: Any) -> Any:
    """Return a token of gcsfs; the contents of a file of credentials become a dict.

    Raises:
        ConfigurationError: They are not complete, or in a form that gcsfs would take for a token; they are not shown.
    """
    if isinstance(token, os.PathLike):
        return os.fspath(token)
    if isinstance(token, str):
        text = token.strip()
        if text.startswith("{"):
            token = _from_json("token", text)
        elif "{" in text or _decoded(text).startswith(b"{"):
            message = "token holds a service account in another form than its file has: give it as JSON, or as a dict"
            raise ConfigurationError(message)
    if isinstance(token, dict) and not any(all(token.get(field) for field in fields) for fields in _ACCOUNTS):
        forms = " or ".join(", ".join(fields) for fields in _ACCOUNTS)
        message = f"token has not the fields of credentials of Google: {forms}"
        raise ConfigurationError(message)
    return token


def _decoded(text: str) -> bytes:
    with suppress(ValueError):
        return b64decode(text, validate=True).lstrip()
    return b""
