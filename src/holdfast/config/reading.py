"""Reading a configuration, whatever it is kept in."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.config.forms.flat import Names, described_by
from holdfast.config.forms.references import Lookups
from holdfast.config.forms.signing import signing_by, signing_in
from holdfast.config.forms.tables import NAMES, described_in
from holdfast.config.plain import Plain, fields_of
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
        signing: How Holdfast's own URLs are signed, if it says so.
    """

    storages: list[Described]
    lookups: Lookups | None = None
    signing: Described | None = None


def read(source: Any, secrets: Callable[[str], Any] | None = None) -> Configuration:
    """Return what a source describes.

    Raises:
        ConfigurationError: The source cannot be read, or describes no storage.
    """
    if secrets is not None and not callable(secrets):
        message = f"secrets must be a function that returns a secret by its name, not {type(secrets).__name__}"
        raise ConfigurationError(message)
    try:
        return _read(source, secrets)
    except RecursionError:
        message = "the configuration is nested too deeply"
        raise ConfigurationError(message) from None


def _read(source: Any, secrets: Callable[[str], Any] | None) -> Configuration:
    if isinstance(source, (str, os.PathLike)):
        return _file(os.fsdecode(source), secrets)
    if isinstance(source, type(os.environ)):
        return _flat(source, "the environment", "the environment variable")
    plain = Plain()
    if isinstance(source, Mapping):
        found = _mapping(plain.value(source), "the mapping", Path.cwd(), secrets)
    else:
        found = _settings(source, plain)
    hidden = frozenset(plain.secrets)
    signing = found.signing and found.signing._replace(secrets=found.signing.secrets | hidden)
    storages = [each._replace(secrets=each.secrets | hidden) for each in found.storages]
    return found._replace(storages=storages, signing=signing)


def _settings(source: Any, plain: Plain) -> Configuration:
    if isinstance(source, type):
        message = f"{source.__name__} is a class: hand over an instance of it, configure({source.__name__}())"
        raise ConfigurationError(message)
    what, fields = type(source).__name__, fields_of(source)
    if fields is None:
        message = f"a configuration is {_FORMS}, not {what}"
        raise ConfigurationError(message)
    fields = plain.value(fields)
    if isinstance(fields.get("storages"), (dict, list)) or isinstance(fields.get("storage"), dict):
        return Configuration(described_in(fields, what), signing=signing_in(fields, what))
    return _flat(fields, what, f"{what}'s field", any_case=True)


def _flat(values: Mapping[str, Any], place: str, what: str, *, any_case: bool = False) -> Configuration:
    names = Names(dict(values), place, what, any_case=any_case)
    return Configuration(described_by(names), signing=signing_by(names))


def _file(name: str, secrets: Callable[[str], Any] | None, *, named_in: Path | None = None) -> Configuration:
    scheme, separator, _ = name.partition("://")
    if separator:  # only the scheme is shown: a URL may hold a password
        message = f'{scheme}:// is a storage, not a configuration: storages.register_backend("{scheme}://…", key="…")'
        raise ConfigurationError(message)
    path = Path(name)
    parse = _PARSERS.get(path.suffix.lower()) or (_dotenv if _DOTENV.fullmatch(path.name) else None)
    if parse is None or "\0" in name:
        message = f"{name!r} is not {_FORMS}"
        raise ConfigurationError(message)
    data = _parsed(path, parse)
    if parse is _dotenv:
        return _flat(data, name, f"{name}: the variable")
    if path.name == "pyproject.toml":
        data = _section(data)
        if isinstance(other := data.get("storages"), str):
            if named_in:
                message = f"{named_in} names {name}, which names {other!r}: name the file that holds the storages"
                raise ConfigurationError(message)
            return _file(str(path.parent / other), secrets, named_in=path)
    if not isinstance(data, dict):
        message = f"{name} must hold a table, not {type(data).__name__}"
        raise ConfigurationError(message)
    return _mapping(data, name, path.parent, secrets)


def _parsed(path: Path, parse: Callable[[str], Any]) -> Any:
    text = read_text(path, "the configuration")
    try:
        return parse(text)
    except ConfigurationError:
        raise
    except ValueError as error:
        problem = str(error)
    # Raised out here: some of these errors hold the whole text.
    message = f"{path} cannot be read: {problem}"
    raise ConfigurationError(message)


def _section(data: Any) -> dict[str, Any]:
    """Return what a ``pyproject.toml`` says under ``[tool.holdfast]``."""
    for name in ("tool", "holdfast"):
        data = data.get(name, {})
        if not isinstance(data, dict):
            message = f"pyproject.toml: {name} must be a table, [tool.holdfast]"
            raise ConfigurationError(message)
    found: dict[str, Any] = data
    return found


def _mapping(data: dict[Any, Any], place: str, folder: Path, secrets: Callable[[str], Any] | None) -> Configuration:
    if not any(name in data for name in NAMES) and any(isinstance(name, str) and name.isupper() for name in data):
        names = {name: value for name, value in data.items() if isinstance(name, str)}
        return _flat(names, place, f"{place}'s")
    return Configuration(
        described_in(data, place),
        Lookups(os.environ, partial(_secret_file, folder), cache(secrets) if secrets else None),
        signing_in(data, place),
    )


def _secret_file(folder: Path, name: str) -> str | None:
    if "\0" in name:
        message = f"the file {name!r} cannot be read: there is no such name"
        raise ConfigurationError(message)
    return read_text(folder / name, "the file") if os.path.lexists(folder / name) else None


def read_text(path: Path, what: str) -> str:
    """Return the text of a file.

    Raises:
        ConfigurationError: It cannot be read, or is no text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
    # Raised out here: UnicodeDecodeError holds all that was read.
    message = f"{what} {path} cannot be read: {reason}"
    raise ConfigurationError(message)


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
_DOTENV = re.compile(r"\.env(?:[._-].+)?")  # .env, .env.production
