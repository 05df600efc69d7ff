"""The columns that uploads are for, known by what they have: this layer knows no database."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from holdfast.errors import ConfigurationError
from holdfast.rules import NO_RULES
from holdfast.saving import Place

Column: TypeAlias = Any
"""A mapped file column, such as ``Document.file``."""


class Target(NamedTuple):
    """What an upload has to know of its column.

    Attributes:
        backend: Name of the storage.
        multiple: Whether the column holds a list.
        place: What keys and rules depend on.
        table: Full name of its table.
    """

    backend: str
    multiple: bool
    place: Place
    table: str


def target(column: Column) -> Target:
    """Return what is known of a column.

    Raises:
        ConfigurationError: It is no file column, or names no storage.
    """
    kind: Any = getattr(column, "type", None)
    key = getattr(column, "key", None)
    if key is None or not hasattr(kind, "key_scheme"):
        message = f"uploads are for a file column, such as Document.file, not for {column!r}"
        raise ConfigurationError(message)
    backend: str | None = kind.backend
    if backend is None:
        message = f'the column {key!r} names no storage for uploads: StoredObject(backend="…")'
        raise ConfigurationError(message)
    table = getattr(getattr(column, "expression", column), "table", None)
    rules = kind.rules.named(key) if kind.rules else NO_RULES
    place = Place(model=getattr(table, "name", None), column=key, scheme=kind.key_scheme, rules=rules)
    return Target(backend, kind.multiple, place, getattr(table, "fullname", ""))
