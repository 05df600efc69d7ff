"""Reading a configuration, whatever it is kept in."""

from __future__ import annotations

import dataclasses
import json
import os
import tomllib
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.config.forms.flat import Names, described_by
from holdfast.config.forms.references import Lookups
from holdfast.config.forms.tables import NAMES, described_in
from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.config.forms.described import Described

_FORMS = "a path to a .toml, .json, .yaml or .env file, a mapping, os.environ or a settings object"


class Configuration(NamedTuple):
    """What a source says.

    Attributes:
        storages: The storages, with references that are not resolved yet.
        lookups: Where the references lead; None for sources whose values are taken as they are.
    """

    storages: list[Described]
    lookups: Lookups | None = None


def read(source: Any, secrets: Callable[[str], Any] | None = None) -> Configuration:
    """Return what a source describes.

    Raises:
        ConfigurationError: The source cannot be read, or describes no storage.
    """
    if isinstance(source, (str, os.PathLike)):
        return _file(os.fspath(source), secrets)
    if isinstance(source, type(os.environ)):
        return _flat(source, "the environment", "the environment variable")
    if isinstance(source, Mapping):
        return _mapping(dict(source), "the mapping", Path.cwd(), secrets)
    if isinstance(source, type):
        message = f"{source.__name__} is a class: hand over an instance of it, configure({source.__name__}())"
        raise ConfigurationError(message)
    fields = _fields(source)
    if fields is None:
        message = f"a configuration is {_FORMS}, not {type(source).__name__}"
        raise ConfigurationError(message)
    what = type(source).__name__
    if isinstance(fields.get("storages"), (dict, list)) or isinstance(fields.get("storage"), dict):
        return Configuration(described_in(fields, what))
    return _flat(fields, what, f"{what}'s field", any_case=True)


def _flat(values: Mapping[str, Any], place: str, what: str, *, any_case: bool = False) -> Configuration:
    return Configuration(described_by(Names(dict(values), place, what, any_case=any_case)))


def _file(name: str, secrets: Callable[[str], Any] | None) -> Configuration:
    scheme, separator, _ = name.partition("://")
    if separator:  # only the scheme is shown: a URL may hold a password
        message = f'{scheme}:// is a storage, not a configuration: storages.register_backend("{scheme}://…", key="…")'
        raise ConfigurationError(message)
    path = Path(name)
    parse = _PARSERS.get(path.suffix.lower() or path.name)
    if parse is None:
        message = f"{name!r} is not {_FORMS}"
        raise ConfigurationError(message)
    try:
        data = parse(read_text(path, "the configuration"))
    except RecursionError:
        message = f"{name} is nested too deeply"
        raise ConfigurationError(message) from None
    except ConfigurationError:
        raise
    except ValueError as error:
        message = f"{name} cannot be read: {error}"
        raise ConfigurationError(message) from None
    if parse is _dotenv:
        return _flat(data, name, f"{name}: the variable")
    if path.name == "pyproject.toml":
        data = data.get("tool", {}).get("holdfast", {})
    if not isinstance(data, dict):
        message = f"{name} must hold a table, not {type(data).__name__}"
        raise ConfigurationError(message)
    return _mapping(data, name, path.parent, secrets)


def _mapping(data: dict[Any, Any], place: str, folder: Path, secrets: Callable[[str], Any] | None) -> Configuration:
    if not any(name in data for name in NAMES) and any(isinstance(name, str) and name.isupper() for name in data):
        names = {name: value for name, value in data.items() if isinstance(name, str)}
        return _flat(names, place, f"{place}'s")
    return Configuration(
        described_in(data, place),
        Lookups(os.environ, partial(_secret_file, folder), cache(secrets) if secrets else None),
    )


def _secret_file(folder: Path, name: str) -> str:
    return read_text(folder / name, "the file")


def read_text(path: Path, what: str) -> str:
    """Return the text of a file.

    Raises:
        ConfigurationError: It cannot be read, or is no text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        message = f"{what} {path} cannot be read: {reason}"
        raise ConfigurationError(message) from None


def _fields(source: Any) -> dict[str, Any] | None:
    """Return the fields of a settings object: a dataclass, or a model of pydantic."""
    if dataclasses.is_dataclass(source) and not isinstance(source, type):
        fields = {field.name: getattr(source, field.name) for field in dataclasses.fields(source)}
    elif hasattr(source, "model_dump"):
        fields = source.model_dump()
    else:
        return None
    return {name: _shown(value) for name, value in fields.items()}


def _shown(value: Any) -> Any:
    """Return plain values: what a secret of pydantic hides, a path as text."""
    if hasattr(value, "get_secret_value"):
        return _shown(value.get_secret_value())
    if isinstance(value, Mapping):
        return {name: _shown(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shown(each) for each in value]
    if isinstance(value, (str, bytes, bool, int, float, type(None))) or callable(value):
        return value
    return str(value)  # paths, URLs


def _yaml(text: str) -> Any:
    from holdfast.config.yaml import parse  # noqa: PLC0415  # optional

    return parse(text)


def _dotenv(text: str) -> Any:
    from holdfast.config.dotenv import parse  # noqa: PLC0415  # optional

    return parse(text)


_PARSERS: dict[str, Callable[[str], Any]] = {
    ".toml": tomllib.loads,
    ".json": json.loads,
    ".yaml": _yaml,
    ".yml": _yaml,
    ".env": _dotenv,
}
