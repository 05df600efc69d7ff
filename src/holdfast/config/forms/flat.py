"""Configurations of single names: environment variables, and settings classes with a field for each.

Two forms, which may stand side by side. ``<NAME>_STORAGE_URI`` with ``<NAME>_STORAGE_OPTIONS`` (JSON) is the storage
`name`, and ``STORAGE_URI`` the storage ``default``. ``STORAGE_BACKEND`` chooses one service, whose own names
(``S3_BUCKET``, ``AWS_REGION`` …) say the rest.
"""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from holdfast.config.forms.described import Described
from holdfast.config.forms.secret_names import is_secret
from holdfast.config.forms.services import SERVICES
from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_URI = re.compile(r"(?:(.+)_)?STORAGE_URI")
_FIELDS = (
    "KEY",
    "OPTIONS",
    "PREFIX",
    "CHECKSUM",
    "MAX_CONCURRENCY",
    "KEY_SCHEME",
    "OBJECT_SETTINGS",
    "PUBLIC_URL",
    "READ_ONLY",
    "DRIVER",
    "LIMITS",
    "CACHE",
)
_JSON = {
    "OPTIONS": '{"aws_region": "eu-central-1"}',
    "OBJECT_SETTINGS": '{"storage_class": "STANDARD_IA"}',
    "LIMITS": '{"retries": 5, "timeout": 30}',
    "CACHE": '{"folder": "/var/cache/app", "max_bytes": 1000000000}',
}
"""Fields that are JSON, and an example of each."""

_CHOICE, _LOCAL = "STORAGE_BACKEND", "UPLOAD_DIR"


class Names:
    """The names of a flat configuration and what they say; unset and empty is the same.

    Args:
        values: Value by name.
        place: Where they stand: ``"the environment"``.
        what: What one of them is: ``"the environment variable"``.
        any_case: Whether upper and lower case are the same, as in a settings class. In one that is about a single
            storage the names need no ``STORAGE_`` in front.
    """

    def __init__(self, values: Mapping[str, Any], place: str, what: str, *, any_case: bool = False) -> None:
        self.place, self.what = place, what
        self._values = values
        self._names = {name.upper() if any_case else name: name for name in values}
        self._single = any_case and not any(name == _CHOICE or _URI.fullmatch(name) for name in self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def find(self, *names: str) -> tuple[str, Any] | None:
        """Return the first of these names that is set, and its value."""
        for name in names:
            for form in self._forms(name):
                written = self._names.get(form)
                if written is not None and self._values[written] is not None and self._values[written] != "":
                    return written, self._values[written]
        return None

    def _forms(self, name: str) -> tuple[str, ...]:
        plain = name.removeprefix("STORAGE_")
        if plain == name:
            return (name, f"STORAGE_{name}")
        return (name, plain) if self._single else (name,)


def described_by(names: Names) -> list[Described]:
    """Return the storages that single names describe.

    Raises:
        ConfigurationError: There are none, or a name that is needed is missing.
    """
    found = [*_by_backend(names), *_by_uri(names)]
    if not found and names.find(_LOCAL):
        return [_local(names)]
    if not found:
        message = (
            f"{names.place} names no storage: set STORAGE_BACKEND (s3, minio, gcs, azure, local) and what belongs to "
            "it, such as S3_BUCKET; or STORAGE_URI=s3://bucket/, with STORAGE_OPTIONS as JSON"
        )
        raise ConfigurationError(message)
    return found


def _by_backend(names: Names) -> Iterator[Described]:
    chosen = names.find(_CHOICE)
    if chosen is None:
        return
    written, value = chosen
    _check_near(names, "STORAGE")
    service = SERVICES.get(str(value).strip().lower())
    if service is None:
        near = get_close_matches(str(value).lower(), SERVICES, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(SERVICES)}"
        message = f"{names.what} {written} is {str(value)!r:.40}, which is no service; {hint}"
        raise ConfigurationError(message)
    table: dict[str, Any] = {"type": service.type, **service.defaults}
    origins: dict[str, str] = {}
    for option, forms in service.options.items():
        if found := names.find(*forms):
            origins[option], table[option] = f"{names.what} {found[0]}", found[1]
    if service.needed and service.needed not in table:
        message = f"{written}={value} needs {service.options[service.needed][0]}, which is not set in {names.place}"
        raise ConfigurationError(message)
    yield _described(names, "STORAGE", table, origins)


def _local(names: Names) -> Described:
    """Return the storage of an application that says nothing but its folder.

    Raises:
        ConfigurationError: Another service is described as well, so that the choice was rather forgotten.
    """
    for kind, service in SERVICES.items():
        if kind != "local" and (found := names.find(*service.options.get(service.needed, ()))):
            message = f"{names.what} {found[0]} is set, but {_CHOICE} is not: set {_CHOICE}={kind}, or {_CHOICE}=local"
            raise ConfigurationError(message)
    written, folder = names.find(_LOCAL) or ("", None)
    _check_near(names, "STORAGE")
    return _described(names, "STORAGE", {"type": "local", "path": folder}, {"path": f"{names.what} {written}"})


def _by_uri(names: Names) -> Iterator[Described]:
    stems = dict.fromkeys(["STORAGE", *(name.removesuffix("_URI") for name in names if _URI.fullmatch(name))])
    for stem in stems:
        if uri := names.find(f"{stem}_URI"):
            _check_near(names, stem)
            yield _described(names, stem, {"uri": uri[1]}, {"uri": f"{names.what} {uri[0]}"})


def _described(names: Names, stem: str, table: dict[str, Any], origins: dict[str, str]) -> Described:
    name = stem.removesuffix("STORAGE").removesuffix("_")
    key = name.lower() or "default"
    for field in _FIELDS:
        given = names.find(f"{stem}_{field}")
        if given is None or (field == "KEY" and name == "AZURE"):  # a credential of Azure's
            continue
        written, value = given
        where = f"{names.what} {written}"
        if field == "KEY":
            if not isinstance(value, str):
                message = f"{where} must be text, not {type(value).__name__}"
                raise ConfigurationError(message)
            key = value
            continue
        value = _json(value, where, _JSON[field]) if field in _JSON else value
        table[field.lower()], origins[field.lower()] = value, where
        if field in _JSON:
            origins |= dict.fromkeys(value, where)
    secrets = {value for value in _texts(table) if isinstance(value, str)}
    return Described(key, table, names.place, origins, frozenset(secrets))


def _texts(table: Mapping[str, Any], *path: str) -> Iterator[Any]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _texts(value, *path, str(name))
        elif is_secret((*path, str(name))):
            yield value


def _json(value: Any, where: str, example: str) -> dict[str, Any]:
    if isinstance(value, str):
        value, problem = _parsed(value)
        if problem:  # raised here, without the parser's error: that holds the whole text
            message = f"{where} is not JSON such as {example}{problem}"
            raise ConfigurationError(message)
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        message = f"{where} must be a JSON object such as {example}"
        raise ConfigurationError(message)
    return value


def _parsed(text: str) -> tuple[Any, str]:
    try:
        return json.loads(text), ""
    except json.JSONDecodeError as error:
        return None, f", character {error.pos + 1}: {error.msg}"
    except (ValueError, RecursionError):
        return None, ": it is too long, or nested too deeply"


def _check_near(names: Names, stem: str) -> None:
    """Refuse a slip of the pen among the names that begin like a storage's."""
    known = ("BACKEND", "URI", *_FIELDS)
    for name in names:
        field = name.removeprefix(f"{stem}_")
        if field != name and field not in known and (near := get_close_matches(field, known, 1, 0.8)):
            message = f"{names.what} {name} says nothing; did you mean {stem}_{near[0]}?"
            raise ConfigurationError(message)
