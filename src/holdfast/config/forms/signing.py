"""How Holdfast signs URLs of its own: ``[signed_urls]`` in a file, ``SIGNED_URLS_BASE_URL`` in the environment."""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from holdfast.config.forms.described import Described
from holdfast.errors import ConfigurationError
from holdfast.names import check_name
from holdfast.signed_urls import SignedURLs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.config.forms.flat import Names

NAME = "signed_urls"
_FIELDS = ("base_url", "secret")
_NAMES = [f"{NAME}_{field}".upper() for field in _FIELDS]
_NEAR = 0.85
_EXAMPLE = '[signed_urls] with base_url = "https://app.example.com/files" and secret = { env = "SIGNING_SECRET" }'


def signing_in(data: Mapping[Any, Any], place: str) -> Described | None:
    """Return what a configuration with tables says about it: in a table of its own, or in ``[storage]``.

    Raises:
        ConfigurationError: It says so twice, not in a table, or almost.
    """
    section = data.get("storage")
    for name in data:
        if name != NAME and get_close_matches(str(name), [NAME], 1, _NEAR):
            message = f"{place}: {name!r} says nothing; did you mean {NAME!r}?"
            raise ConfigurationError(message)
    tables = [each[NAME] for each in (data, section) if isinstance(each, dict) and each.get(NAME) is not None]
    if not tables:
        return None
    if len(tables) > 1 or not isinstance(tables[0], dict) or not all(isinstance(name, str) for name in tables[0]):
        message = f"{place}: {NAME} must be one table: {_EXAMPLE}"
        raise ConfigurationError(message)
    return Described(NAME, tables[0], place, title=NAME)


def signing_by(names: Names) -> Described | None:
    """Return what single names say about it; a secret that begins with a bracket is a JSON list of them.

    Raises:
        ConfigurationError: The list is none, or a name almost one of these.
    """
    for name in names:
        plain = name.removeprefix("STORAGE_")
        if plain not in _NAMES and (near := get_close_matches(plain, _NAMES, 1, _NEAR)):
            message = f"{names.what} {name} says nothing; did you mean {near[0]}?"
            raise ConfigurationError(message)
    table: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for field in _FIELDS:
        if found := names.find(f"{NAME}_{field}".upper()):
            origins[field], table[field] = f"{names.what} {found[0]}", found[1]
    if not table:
        return None
    secret = table.get("secret")
    described = Described(NAME, table, names.place, origins, frozenset(_texts(secret)), title=NAME)
    if isinstance(secret, str) and secret.lstrip().startswith("["):
        try:
            table["secret"] = json.loads(secret)
        except ValueError:
            table["secret"] = None
        if table["secret"] is None:  # raised here, without the parser's error: that holds the whole text
            message = 'secret begins with [ and is no JSON such as ["newest", "older"]'
            raise described.complaint(message)
    return described._replace(secrets=frozenset(_texts(table.get("secret"))))


def signed_urls(described: Described) -> SignedURLs:
    """Return what signs URLs; the references are resolved.

    Raises:
        ConfigurationError: The address or the secret is missing, or cannot be used.
    """
    table = {name: value for name, value in described.table.items() if value is not None}
    try:
        for name in table:
            check_name(name, _FIELDS, NAME)
        if len(table) == len(_FIELDS):
            return SignedURLs(table["base_url"], table["secret"])
        missing = " and ".join(name for name in _FIELDS if name not in table)
        message = f"{missing} {'are' if 'and' in missing else 'is'} not set: {_EXAMPLE}"
    except ConfigurationError as error:
        message = str(error)
    raise described.complaint(message)


def _texts(secret: Any) -> list[str]:
    given = secret if isinstance(secret, list) else [secret]
    return [each for each in given if isinstance(each, str)]
