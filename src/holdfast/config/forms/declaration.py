"""What a description of a storage means: pure, so that every slip is found before anything is opened."""

from __future__ import annotations

import re
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.config.forms.fsspec_names import for_fsspec
from holdfast.config.forms.numbers import whole_number
from holdfast.config.forms.over import Over, over_in
from holdfast.config.forms.places import PLACES, find_place, prefix_in, text_in
from holdfast.config.forms.wrapping import WRAPPERS, Wrappers, wrappers_in
from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.config.forms.described import Described

_SETTINGS = ("checksum", "max_concurrency", "key_scheme", "object_settings", "public_url")
_OWN = (
    *PLACES,
    "require",
    "type",
    "driver",
    "prefix",
    "options",
    *_SETTINGS,
    *WRAPPERS,
)
_DRIVERS = ("obstore", "fsspec")
_MINIO = "http://localhost:9000"
_NEAR = 0.8
_OCTAL = re.compile(r"(?:0o?)?[0-7]{3}")  # permission bits, as JSON and the environment have them


class Declaration(NamedTuple):
    """One storage, ready to be opened.

    Attributes:
        described: Where it comes from.
        fs: URL, or protocol of fsspec; empty for a storage over others.
        driver: ``"obstore"`` or ``"fsspec"``; None for the one that the URL asks for.
        prefix: Where the storage begins, below `fs`; empty for its root.
        settings: Arguments that every storage has.
        options: Options of the service.
        wrappers: What is put around it.
        over: The storages that it stands on; None if it is one of its own.
    """

    described: Described
    fs: str
    driver: str | None = None
    prefix: str = ""
    settings: Mapping[str, Any] = MappingProxyType({})
    options: Mapping[str, Any] = MappingProxyType({})
    wrappers: Wrappers = Wrappers()
    over: Over | None = None

    def __repr__(self) -> str:
        """Without the options: they hold secrets."""
        return f"<{type(self).__name__} {self.described.key!r} in {self.described.place}>"


def declare(described: Described) -> Declaration:
    """Return what a description means; its references are resolved.

    Raises:
        ConfigurationError: It cannot be understood, or says two things.
    """
    table = {name: value for name, value in described.table.items() if value is not None}
    try:
        return _declare(described, table)
    except ConfigurationError as error:
        raise described.complaint(str(error)) from None


def _declare(described: Described, table: dict[str, Any]) -> Declaration:
    options = {name: value for name, value in _options(table).items() if value is not None}
    kind = text_in(table, "type").lower()
    driver = text_in(table, "driver").lower() or None
    if driver not in {None, *_DRIVERS}:
        message = f"driver is {driver!r:.40}; there are {' and '.join(_DRIVERS)}"
        raise ConfigurationError(message)
    for name in _SETTINGS:
        if name in options:  # as in ObstoreBackend(key, fs, **options)
            table.setdefault(name, options.pop(name))
    if kind == "minio":
        options = _minio(options)
    settings, wrappers = _settings(table), wrappers_in(table)
    if over := over_in(table, options):
        return Declaration(described, "", None, prefix_in(table), settings, {}, wrappers, over)
    fs, prefix = find_place(kind, table)
    scheme = fs.partition("://")[0]
    if driver == "fsspec":
        options = for_fsspec(scheme, options)
    if scheme in {"file", "local"} and isinstance(mode := options.get("mode"), str) and _OCTAL.fullmatch(mode):
        options["mode"] = int(mode.removeprefix("0o"), 8)
    return Declaration(described, fs, driver, prefix, settings, options, wrappers)


def _options(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the service: those in ``options``, and whatever else stands in the table."""
    options = table.get("options", {})
    if not isinstance(options, dict):
        message = f"options must be a table, not {type(options).__name__}"
        raise ConfigurationError(message)
    beside = {name: value for name, value in table.items() if name not in _OWN}
    for name in beside:
        if near := get_close_matches(name, _OWN, 1, _NEAR):
            message = f"{name!r} is no setting; did you mean {near[0]!r}? (An option of that name goes into options.)"
            raise ConfigurationError(message)
        if name in options:
            message = f"{name!r} is given twice, in options and beside them"
            raise ConfigurationError(message)
    return {**options, **beside}


def _minio(options: dict[str, Any]) -> dict[str, Any]:
    """A server of one's own: on this machine unless it is said where, and http:// where that is said."""
    kwargs = options.get("client_kwargs")  # of s3fs
    written = {**(kwargs if isinstance(kwargs, dict) else {}), **options}
    given = next((written[name] for name in written if name.removeprefix("aws_") in {"endpoint", "endpoint_url"}), None)
    more: dict[str, Any] = {} if given else {"aws_endpoint": _MINIO}
    if str(given or _MINIO).lower().startswith("http://") and not {"allow_http", "aws_allow_http"} & options.keys():
        more["aws_allow_http"] = True
    return {**options, **more}


def _settings(table: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "checksum" in table:
        text = str(table["checksum"]).lower()
        found["checksum"] = None if text in {"none", "false", "off"} else text
    if "max_concurrency" in table:
        found["max_concurrency"] = whole_number(table["max_concurrency"], "max_concurrency")
    return found | {name: table[name] for name in _SETTINGS[2:] if name in table}
