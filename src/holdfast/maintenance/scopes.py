"""Which part of the work one run does: all of it, a range of one storage's keys, or whatever lies in no range.

Together the parts are the whole: each file of a row belongs to one of them. Where a column holds single files, the
database tells which part a value belongs to, so that a part need not read all rows. Lists are read by every part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import BINARY, LargeBinary, Text, and_, case, cast, func, literal, literal_column, or_, type_coerce
from sqlalchemy.dialects.postgresql import JSONB

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Column, ColumnElement

    from holdfast.maintenance.values import Held

_KEY = ("to_filename", "filename")  # rows of advanced-alchemy have the second one only


class Scope(NamedTuple):
    """A part of the work.

    Attributes:
        storages: The storages whose keys are divided into ranges.
        storage: The one of this range; None for the files that are in none of them, or that cannot be read.
        after: The key before the first one; None from the beginning.
        until: The last key; None up to the end.
    """

    storages: tuple[str, ...]
    storage: str | None = None
    after: str | None = None
    until: str | None = None

    def __str__(self) -> str:
        """Name it for a report."""
        if self.storage is None:
            return "rows of no storage that was asked for"
        if self.after is None and self.until is None:
            return self.storage
        return f"{self.storage}, keys from {self.after or 'the first'} to {self.until or 'the last'}"

    def owns(self, file: Held) -> bool:
        """Return whether a file belongs to this part.

        Example:
            >>> from holdfast.maintenance.values import Held
            >>> part = Scope(("docs",), "docs", after="a", until="b")
            >>> [part.owns(Held("docs", key)) for key in ("a", "a.txt", "b", "b.txt")]
            [False, True, True, False]
        """
        if self.storage is None:
            return file.key is None or file.storage not in self.storages
        if file.storage != self.storage or file.key is None:
            return False
        return (self.after is None or file.key > self.after) and (self.until is None or file.key <= self.until)

    def condition(self, column: Column[Any], dialect: str) -> ColumnElement[bool] | None:
        """Return which values of a column of single files belong to this part; None if the database cannot tell.

        Keys are compared as Python compares them, whatever the database's collation.
        """
        if dialect not in _READERS:
            return None
        storage, key, literal_key = _READERS[dialect](column)
        if self.storage is None:
            names = [literal_key(name) for name in self.storages]
            return and_(column.is_not(None), or_(storage.is_(None), key.is_(None), storage.not_in(names)))
        bounds = [key.is_not(None)]
        if self.after is not None:
            bounds.append(key > literal_key(self.after))
        if self.until is not None:
            bounds.append(key <= literal_key(self.until))
        return and_(storage == literal_key(self.storage), *bounds)


def _postgresql(column: Column[Any]) -> tuple[Any, Any, Callable[[str], Any]]:
    value = cast(column, JSONB)

    def read(name: str) -> Any:
        # Literals: a parameter would keep an index on this expression from being used.
        return type_coerce(value.op("->>")(literal_column(f"'{name}'")), Text)

    return read("backend"), func.coalesce(*map(read, _KEY)).collate("C"), lambda text: literal(text, Text)


def _sqlite(column: Column[Any]) -> tuple[Any, Any, Callable[[str], Any]]:
    value = type_coerce(column, Text)

    def read(*names: str) -> Any:
        found = [func.json_extract(value, literal_column(f"'$.{name}'")) for name in names]
        chosen = func.coalesce(*found) if len(found) > 1 else found[0]
        return type_coerce(case((func.json_valid(value) == literal_column("1"), chosen)), Text)

    return read("backend"), read(*_KEY), lambda text: literal(text, Text)


def _mariadb(column: Column[Any]) -> tuple[Any, Any, Callable[[str], Any]]:
    value = type_coerce(column, Text)

    def read(name: str) -> Any:
        found = func.json_extract(value, literal_column(f"'$.{name}'"))
        text = func.json_unquote(found)
        whole = and_(func.json_valid(value) == literal_column("1"), func.json_type(found) == literal_column("'STRING'"))
        return case((whole, text))

    def as_bytes(text: Any) -> Any:  # every collation of texts ignores something
        return type_coerce(cast(text, BINARY), LargeBinary)

    key = as_bytes(func.coalesce(*map(read, _KEY)))
    return as_bytes(read("backend")), key, lambda text: literal(text.encode(), LargeBinary)


_READERS = {"postgresql": _postgresql, "sqlite": _sqlite, "mysql": _mariadb, "mariadb": _mariadb}
