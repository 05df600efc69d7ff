"""What obstore's HTTP client is told: timeouts, connections, retries. The same for every service."""

from __future__ import annotations

import math
import os
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from holdfast.backends.option_values import header_text, mapping, shown, switch
from holdfast.errors import ConfigurationError
from holdfast.names import check_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CLIENT = frozenset(
    {
        "allow_http",
        "allow_invalid_certificates",
        "connect_timeout",
        "default_content_type",
        "default_headers",
        "http1_only",
        "http2_keep_alive_interval",
        "http2_keep_alive_timeout",
        "http2_keep_alive_while_idle",
        "http2_only",
        "pool_idle_timeout",
        "pool_max_idle_per_host",
        "proxy_ca_certificate",
        "proxy_excludes",
        "proxy_url",
        "randomize_addresses",
        "read_timeout",
        "root_certificate",
        "timeout",
        "user_agent",
    }
)
"""Names of obstore's ``ClientConfig``."""

CLIENT_DEFAULTS: Mapping[str, Any] = {
    "connect_timeout": "5 seconds",
    # obstore's 30 s for a whole request would cut every large body. What must not take long is silence: from the
    # request to its answer, the sending of one part included, and between two reads of a body.
    "timeout": "7 days",
    "read_timeout": "3 minutes",
}

_DURATIONS = frozenset({name for name in CLIENT if name.endswith("timeout")} | {"http2_keep_alive_interval"})
_CERTIFICATES = frozenset({"proxy_ca_certificate", "root_certificate"})
_PEM = "-----BEGIN CERTIFICATE-----"
_SWITCHES = ("allow_", "http1_only", "http2_only", "randomize_")
_SPANS = re.compile(r"(?:\s*\d+\s*[A-Za-z]+)+\s*")  # as obstore reads them
_NUMBER = re.compile(r"\s*\d+(?:\.\d+)?\s*")
_BACKOFF = frozenset({"init_backoff", "max_backoff", "base"})
_MAX_BACKOFF = timedelta(seconds=15)  # obstore's default
_INIT_BACKOFF = timedelta(milliseconds=100)  # obstore's default


def client_options(options: Mapping[str, Any], variables: Iterable[str] = ()) -> dict[str, Any]:
    """Return obstore's ``client_options``; durations may be seconds.

    Args:
        options: Those that were given, by obstore's names.
        variables: What the names of environment variables begin with, such as ``AWS_``. They are read here, because
            obstore forgets them as soon as it is given any option.

    Raises:
        ConfigurationError: One cannot be what its name says.
    """
    environment = {
        name: value for prefix in variables for name in CLIENT if (value := os.environ.get(prefix + name.upper()))
    }
    merged = {**CLIENT_DEFAULTS, **environment, **options}
    return {name: _option(name, value) for name, value in merged.items()}


def retry_config(value: Any) -> dict[str, Any]:
    """Return obstore's ``retry_config``: ``max_retries``, ``retry_timeout`` and ``backoff``; durations may be seconds.

    Raises:
        ConfigurationError: A name or a value in it cannot be.
    """
    found = mapping("retry_config", value)
    for name in found:
        check_name(name, ("max_retries", "retry_timeout", "backoff"), "retry_config")
    if "max_retries" in found:
        found["max_retries"] = _count("max_retries", found["max_retries"])
    if "retry_timeout" in found:
        found["retry_timeout"] = _duration("retry_timeout", found["retry_timeout"])
    if "backoff" in found:
        found["backoff"] = _backoff(found["backoff"])
    return found


def _backoff(value: Any) -> dict[str, Any]:
    found = mapping("backoff", value)
    for name in found:
        check_name(name, _BACKOFF, "backoff")
    for name in found.keys() & {"init_backoff", "max_backoff"}:
        found[name] = _duration(name, found[name])
    base = found.get("base", 2)
    if isinstance(base, bool) or not isinstance(base, (int, float)) or not 1 < base < math.inf:
        message = f"base={shown(base)} of backoff must be a number greater than 1"
        raise ConfigurationError(message)
    first = found.get("init_backoff", _INIT_BACKOFF)
    last = found.get("max_backoff", max(_MAX_BACKOFF, first))
    if not timedelta(0) < first <= last:  # obstore would panic at the first retry
        message = f"backoff must grow: init_backoff is {first}, max_backoff {last}"
        raise ConfigurationError(message)
    return {"base": base, "init_backoff": first, "max_backoff": last}


def _option(name: str, value: Any) -> Any:
    if name in _DURATIONS:
        return value if isinstance(value, str) and _SPANS.fullmatch(value) else _duration(name, value)
    if name.startswith(_SWITCHES):
        return switch(name, value)
    if name == "default_headers":
        return {header_text(name, key): header_text(name, text) for key, text in mapping(name, value).items()}
    if name == "pool_max_idle_per_host":
        return str(_count(name, value))
    if name == "http2_keep_alive_while_idle":
        return str(switch(name, value)).lower()
    return _certificate(name, value) if name in _CERTIFICATES else _text(name, value)


def _text(name: str, value: Any) -> str:
    text = header_text(name, value)
    if name == "proxy_url" and not text.strip():
        message = "proxy_url is empty: leave it out, or write the address of the proxy"
        raise ConfigurationError(message)
    return text


def _certificate(name: str, value: Any) -> str | bytes:
    if isinstance(value, str) and _PEM in value:
        return value
    if isinstance(value, bytes) and _PEM.encode() in value:
        return value
    message = f'{name} must hold certificates as PEM ("{_PEM}…"), not the path of a file: read it, Path(…).read_bytes()'
    raise ConfigurationError(message)


def _duration(name: str, value: Any) -> timedelta:
    if isinstance(value, timedelta) and value >= timedelta(0):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value):  # from an environment variable
        value = float(value)
    # Written so that NaN is refused as well.
    if not isinstance(value, bool) and isinstance(value, (int, float)) and 0 <= value < timedelta.max.days:
        return timedelta(seconds=value)
    message = f'{name}={shown(value)} must be seconds, a timedelta, or text such as "2 minutes"'
    raise ConfigurationError(message)


def _count(name: str, value: Any) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not (text.isascii() and text.isdigit()):
        message = f"{name}={shown(value)} must be a whole number"
        raise ConfigurationError(message)
    return int(text)
