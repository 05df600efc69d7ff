"""Key schemes: how a storage or a column names new files.

A scheme is a template such as ``"{model}/{row.tenant}/{date:%Y-%m}/{id}-{name}"`` or a function of the row and the
file. What it yields is validated, and it always keeps a part that cannot be guessed: where a scheme leaves the id
out, it is put in front of the last segment.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeAlias

from holdfast.errors import ConfigurationError
from holdfast.keys import clean_name, default_key, id_time, validate_generated_key
from holdfast.late_patterns import late_pattern

KeyScheme: TypeAlias = str | Callable[[Any, Any], str]
"""A template, or a function ``(row, file) -> key`` (`row` is None for a file that is saved without one)."""

_FIELDS = ("id", "name", "stem", "ext", "date", "model", "column", "row")
_DAY = "%Y/%m/%d"
_UNCLEAN = late_pattern(r"[^A-Za-z0-9_.-]+")


class KeyContext(NamedTuple):
    """What a scheme may use.

    Attributes:
        identifier: The fresh id.
        file: The file; its ``filename`` is a client's and gets cleaned.
        row: The row that will hold it; None for a file that is saved by hand.
        model: Name of the row's table.
        column: Name of the attribute.
    """

    identifier: str
    file: Any
    row: Any = None
    model: str | None = None
    column: str | None = None


def check_scheme(scheme: KeyScheme | None) -> None:
    """Refuse a scheme that cannot work, when it is declared.

    Raises:
        ConfigurationError: It is neither a template nor a function, cannot be read, or names an unknown field.
    """
    if scheme is None or (callable(scheme) and not isinstance(scheme, str)):
        return
    if not isinstance(scheme, str):
        message = f"key_scheme={scheme!r} must be a template or a function of (row, file)"
        raise ConfigurationError(message)
    try:
        parts = list(string.Formatter().parse(scheme))
    except ValueError as error:
        message = f"key_scheme {scheme!r} is not a template: {error}"
        raise ConfigurationError(message) from error
    for _, field, form, _ in parts:
        if field is not None and re.split(r"[.\[]", field)[0] not in _FIELDS:
            message = f"key_scheme {scheme!r} names {field!r}; the fields are {', '.join(_FIELDS)}"
            raise ConfigurationError(message)
        if field == "row" or "{" in (form or ""):
            message = f"key_scheme {scheme!r} must name an attribute, as in {{row.tenant}}, and cannot nest fields"
            raise ConfigurationError(message)


def make_key(scheme: KeyScheme | None, context: KeyContext) -> str:
    """Return the key of a new file.

    Raises:
        ConfigurationError: The scheme needs something of the row that is not set yet.
        InvalidKeyError: The scheme's result cannot be a key.

    Example:
        >>> from holdfast.keys import new_id
        >>> class Plan: filename = "Plan B.pdf"
        >>> make_key("plans/{stem}", KeyContext(new_id(), Plan()))[-7:]
        '-Plan-B'
    """
    if scheme is None:
        return default_key(context.identifier, context.file.filename)
    key = _Template().format(scheme, **_values(context)) if isinstance(scheme, str) else _call(scheme, context)
    if context.identifier not in key:
        folder, slash, last = key.rpartition("/")
        key = f"{folder}{slash}{context.identifier}-{last}"
    return validate_generated_key(key)


def _call(scheme: Callable[[Any, Any], str], context: KeyContext) -> str:
    key = scheme(context.row, context.file)
    if not isinstance(key, str):
        message = f"the key function {scheme!r} returned {type(key).__name__}, not a str"
        raise ConfigurationError(message)
    return key


def _values(context: KeyContext) -> dict[str, Any]:
    name = clean_name(context.file.filename)
    stem, dot, extension = name.rpartition(".")
    return {
        "id": context.identifier,
        "name": name,
        "stem": stem if dot else name,
        "ext": extension if dot else "",
        "date": datetime.fromtimestamp(id_time(context.identifier), UTC),
        "model": context.model,
        "column": context.column,
        "row": context.row,
    }


class _Template(string.Formatter):
    """Formats a template; every value is cleaned, so that none of them adds a folder or climbs."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        if field_name.partition(".")[0] == "row" and kwargs["row"] is None:
            message = f"the key scheme uses {{{field_name}}}, but this file is saved without a row"
            raise ConfigurationError(message)
        try:
            value, used = super().get_field(field_name, args, kwargs)
        except (AttributeError, LookupError) as error:
            message = f"the key scheme uses {{{field_name}}}, which does not exist"
            raise ConfigurationError(message) from error
        if value is None:
            message = f"the key scheme uses {{{field_name}}}, which is not set when the file is stored"
            raise ConfigurationError(message)
        return value, used

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, datetime):
            return value.strftime(format_spec or _DAY)  # the developer's own format, which may hold slashes
        text = str(super().format_field(value, format_spec))
        return _UNCLEAN.sub("-", text).strip(".-") or "-"
