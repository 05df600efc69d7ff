"""Configurations of single names: environment variables, and settings classes with a field for each.

Two forms, which may stand side by side. ``<NAME>_STORAGE_URI`` with ``<NAME>_STORAGE_OPTIONS`` (JSON) is the storage
`name`, and ``STORAGE_URI`` the storage ``default``. ``STORAGE_BACKEND`` chooses one service, whose own names
(``S3_BUCKET``, ``AWS_REGION`` …) say the rest.
"""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.config.forms.described import SECRET_NAME, Described
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
    "READ_ONLY",
    "DRIVER",
)
_JSON = {"OPTIONS", "OBJECT_SETTINGS"}
_CHOICE = "STORAGE_BACKEND"


class _Service(NamedTuple):
    """A service by the names of its variables.

    Attributes:
        type: The type, as in a table.
        options: For each option the names that give it; the first is shown in messages.
        defaults: What holds without them.
        needed: The option without which it cannot be.
    """

    type: str
    options: Mapping[str, tuple[str, ...]]
    defaults: Mapping[str, Any]
    needed: str = "bucket"


_AWS = {
    "aws_session_token": ("AWS_SESSION_TOKEN",),
    "aws_allow_http": ("AWS_ALLOW_HTTP", "S3_ALLOW_HTTP"),
}
_SERVICES = {
    "s3": _Service(
        "s3",
        {
            "bucket": ("S3_BUCKET",),
            "aws_access_key_id": ("AWS_ACCESS_KEY_ID", "S3_ACCESS_KEY_ID"),
            "aws_secret_access_key": ("AWS_SECRET_ACCESS_KEY", "S3_SECRET_ACCESS_KEY"),
            "aws_region": ("AWS_REGION", "S3_REGION", "AWS_DEFAULT_REGION"),
            "aws_endpoint": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT", "S3_ENDPOINT"),
            **_AWS,
        },
        {"aws_region": "us-east-1"},
    ),
    "minio": _Service(
        "minio",
        {
            "bucket": ("MINIO_BUCKET",),
            "aws_access_key_id": ("MINIO_ACCESS_KEY",),
            "aws_secret_access_key": ("MINIO_SECRET_KEY",),
            "aws_region": ("MINIO_REGION",),
            "aws_endpoint": ("MINIO_ENDPOINT",),
        },
        {},
    ),
    "gcs": _Service(
        "gcs",
        {"bucket": ("GCS_BUCKET",), "google_service_account": ("GOOGLE_APPLICATION_CREDENTIALS",)},
        {},
    ),
    "azure": _Service(
        "azure",
        {
            "container": ("AZURE_CONTAINER",),
            "azure_storage_connection_string": ("AZURE_STORAGE_CONNECTION_STRING",),
            "azure_storage_account_name": ("AZURE_STORAGE_ACCOUNT_NAME",),
            "azure_storage_account_key": ("AZURE_STORAGE_ACCOUNT_KEY",),
            "azure_storage_sas_token": ("AZURE_STORAGE_SAS_TOKEN",),
        },
        {},
        "container",
    ),
    "local": _Service("local", {"path": ("UPLOAD_DIR",)}, {"path": "/var/app/uploads"}, "path"),
    "memory": _Service("memory", {}, {}, ""),
}


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
    service = _SERVICES.get(str(value).strip().lower())
    if service is None:
        near = get_close_matches(str(value).lower(), _SERVICES, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(_SERVICES)}"
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
            key = str(value)
            continue
        value = _json(value, where) if field in _JSON else value
        table[field.lower()], origins[field.lower()] = value, where
        if field in _JSON:
            origins |= dict.fromkeys(value, where)
    secrets = {value for value in _texts(table) if isinstance(value, str)}
    return Described(key, table, names.place, origins, frozenset(secrets))


def _texts(table: Mapping[str, Any]) -> Iterator[Any]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _texts(value)
        elif SECRET_NAME.search(str(name)):
            yield value


def _json(value: Any, where: str) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            at = f", character {error.pos + 1}: {error.msg}" if isinstance(error, json.JSONDecodeError) else ""
            message = f'{where} is not JSON such as {{"aws_region": "eu-central-1"}}{at}'
            raise ConfigurationError(message) from None
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        message = f'{where} must be a JSON object such as {{"aws_region": "eu-central-1"}}'
        raise ConfigurationError(message)
    return value


def _check_near(names: Names, stem: str) -> None:
    """Refuse a slip of the pen among the names that begin like a storage's."""
    known = ("BACKEND", "URI", *_FIELDS)
    for name in names:
        field = name.removeprefix(f"{stem}_")
        if field != name and field not in known and (near := get_close_matches(field, known, 1, 0.8)):
            message = f"{names.what} {name} says nothing; did you mean {stem}_{near[0]}?"
            raise ConfigurationError(message)
