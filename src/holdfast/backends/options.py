"""Options of storages, checked when a storage is declared, long before it is used."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from holdfast.backends.client_options import CLIENT, client_options, retry_config
from holdfast.backends.option_values import choice, header_text, mapping, switch, web_address
from holdfast.drivers.obstore.credentials import shared_provider
from holdfast.errors import ConfigurationError
from holdfast.names import check_name

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Arguments", "Vocabulary", "given", "switch"]

_EXTRA = frozenset({"client_options", "retry_config", "credential_provider", "config"})


@dataclass
class Arguments:
    """What a store of obstore is made with.

    Attributes:
        store: Its own options, by obstore's names.
        client: Its ``client_options``.
        written: How each option was written, for messages.
        more: ``retry_config`` and ``credential_provider``, where they were given.
    """

    store: dict[str, Any]
    client: dict[str, Any]
    written: dict[str, str]
    more: dict[str, Any]

    def all(self) -> dict[str, Any]:
        """Return the keyword arguments."""
        return {**self.store, **self.more, "client_options": self.client}


@dataclass(frozen=True)
class Vocabulary:
    """The options of one service.

    Attributes:
        service: Its name, for messages.
        prefixes: What the documented names begin with, such as ``aws_``; optional in front of each. Of the
            environment's variables, too.
        names: obstore's names, without the prefix.
        aliases: Other names for some of them.
        switches: Those that are true or false.
        addresses: Those that are URLs of servers.
        machine: Those that are URLs of the machine's own service for credentials, which is never encrypted.
        secrets: Those that are secrets, or hold one.
        texts: Those that are a file, as its path, or what it holds, as text of many lines or as a mapping.
        paths: Those that are the path of a file.
        choices: The words that there are, for some of them.
        credentials: What to give instead of a user name and a password in a URL.
    """

    service: str
    prefixes: tuple[str, ...]
    names: frozenset[str]
    aliases: Mapping[str, str] = field(default_factory=dict)
    switches: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    machine: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    credentials: str = "the credentials"

    @property
    def secret_names(self) -> frozenset[str]:
        """Every name under which a secret may be written."""
        plain = {*self.secrets, *(alias for alias, name in self.aliases.items() if name in self.secrets)}
        return frozenset(prefix + name for prefix in ("", *self.prefixes) for name in plain)

    def read(self, options: Mapping[str, Any]) -> Arguments:
        """Return the options by obstore's names.

        Options that are None count as not given, so that unset environment variables do no harm.

        Raises:
            ConfigurationError: One is unknown, given twice, or cannot be what its name says.
        """
        store: dict[str, Any] = {}
        client: dict[str, Any] = {}
        written: dict[str, str] = {}
        for name, value in given({**mapping("config", options.get("config")), **options}).items():
            plain = self.plain(name)
            if plain in _EXTRA:
                continue
            if plain in written:
                message = f"{name!r} is given twice, under two names: {written[plain]!r} is the other"
                raise ConfigurationError(message)
            written[plain] = name
            (client if plain in CLIENT else store)[plain] = value
        for name, value in mapping("client_options", options.get("client_options")).items():
            check_name(name, CLIENT, "client_options")
            client.setdefault(name, value)
        client = client_options(client, [prefix.upper() for prefix in self.prefixes if prefix])
        allowed = client.get("allow_http", False)
        for name, value in store.items():
            store[name] = self._value(name, written[name], value, allow_http=allowed)
        return Arguments(store, client, written, self._more(options))

    def plain(self, name: str) -> str:
        """Return obstore's name of an option.

        Raises:
            ConfigurationError: There is no such option; it names what comes near.
        """
        short = next((name.removeprefix(prefix) for prefix in self.prefixes if name.startswith(prefix)), name)
        plain = self.aliases.get(short, short)
        known = self.names | CLIENT | _EXTRA
        if plain not in known:
            prefixed = {prefix + one for prefix in self.prefixes for one in self.names | CLIENT | set(self.aliases)}
            check_name(name, known | prefixed | set(self.aliases), self.service)
        return plain

    def address(self, name: str, value: Any, *, allow_http: bool) -> str:
        """Return the URL of a server, checked."""
        allow = f"{self.prefixes[0]}allow_http=True"
        return web_address(name, value, allow_http=allow_http, allow=allow, user=self.credentials)

    def _value(self, plain: str, name: str, value: Any, *, allow_http: bool) -> Any:
        if plain in self.switches:
            return switch(name, value)
        if plain in self.addresses | self.machine:
            return self.address(name, value, allow_http=allow_http or plain in self.machine)
        if plain in self.texts:
            if not isinstance(value, (str, os.PathLike)) and not hasattr(value, "items"):
                message = f"{name} must be the path of a file or what it holds, not {type(value).__name__}"
                raise ConfigurationError(message)
            return value
        if plain in self.choices:
            return choice(name, str(value).lower() if isinstance(value, bool) else value, self.choices[plain])
        if plain in self.paths and isinstance(value, os.PathLike):
            value = os.fspath(value)
        return header_text(name, value)

    def _more(self, options: Mapping[str, Any]) -> dict[str, Any]:
        more: dict[str, Any] = {}
        if options.get("retry_config") is not None:
            more["retry_config"] = retry_config(options["retry_config"])
        if (provider := options.get("credential_provider")) is not None:
            if not callable(provider):
                message = (
                    f"credential_provider must be callable, such as one of obstore.auth, not {type(provider).__name__}"
                )
                raise ConfigurationError(message)
            more["credential_provider"] = shared_provider(provider)
        return more


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are not None."""
    return {name: value for name, value in options.items() if value is not None}
