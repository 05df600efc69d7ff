"""Options of storages, checked when a storage is declared, long before it is used."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from holdfast.errors import ConfigurationError
from holdfast.names import check_name

if TYPE_CHECKING:
    from collections.abc import Mapping

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

_EXTRA = frozenset({"client_options", "retry_config", "credential_provider", "config"})
_DURATIONS = {name for name in CLIENT if name.endswith("timeout")}
_TRUE, _FALSE = {"true", "1", "yes", "on"}, {"false", "0", "no", "off"}


@dataclass(frozen=True)
class Vocabulary:
    """The options of one service.

    Attributes:
        service: Its name, for messages.
        prefix: What the documented names begin with, such as ``aws_``; optional in front of each.
        names: obstore's names, without the prefix.
        aliases: Other names for some of them.
        switches: Those that are true or false.
    """

    service: str
    prefix: str
    names: frozenset[str]
    aliases: Mapping[str, str] = field(default_factory=dict)
    switches: frozenset[str] = frozenset()

    def read(self, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the options by obstore's names: those of the store, and those of its HTTP client.

        Options that are None count as not given, so that unset environment variables do no harm.

        Raises:
            ConfigurationError: One is unknown, or given twice.
        """
        store: dict[str, Any] = {}
        client: dict[str, Any] = {}
        for name, value in given({**_mapping("config", options), **options}).items():
            plain = self._plain(name)
            if plain in {"client_options", "config"}:
                continue
            target = client if plain in CLIENT else store
            if plain in target:
                message = f"{name!r} is given twice, under two names"
                raise ConfigurationError(message)
            target[plain] = switch(name, value) if plain in self.switches else value
        for name, value in given(_mapping("client_options", options)).items():
            check_name(name, CLIENT, "client_options")
            client.setdefault(name, value)
        return store, client_options(client, self.prefix)

    def _plain(self, name: str) -> str:
        short = name.removeprefix(self.prefix)
        plain = self.aliases.get(short, short)
        known = self.names | CLIENT | _EXTRA
        if plain not in known:
            prefixed = {self.prefix + known_name for known_name in self.names | CLIENT}
            check_name(name, known | prefixed | set(self.aliases), self.service)
        return plain


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are not None."""
    return {name: value for name, value in options.items() if value is not None}


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


def client_options(options: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return obstore's ``client_options``.

    Those of the environment (``AWS_ALLOW_HTTP`` …) are read here, because obstore forgets them as soon as it is given
    any. Durations may be seconds.
    """
    environment = {name: os.environ.get((prefix + name).upper()) for name in CLIENT}
    merged = {**CLIENT_DEFAULTS, **given(environment), **options}
    for name, value in merged.items():
        if name in _DURATIONS and isinstance(value, (int, float)):
            merged[name] = timedelta(seconds=value)
        elif name.startswith(("allow_", "http1_only", "http2_only", "randomize_")):
            merged[name] = switch(name, value)
        elif isinstance(value, int):
            merged[name] = str(value)
    return merged


def _mapping(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    found = options.get(name) or {}
    if not hasattr(found, "items"):
        message = f"{name} must be a dict, not {type(found).__name__}"
        raise ConfigurationError(message)
    return dict(found)
