"""Which file columns there are in some tables, and which storages they can name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import MetaData

from holdfast.errors import ConfigurationError
from holdfast.orm.holders import file_columns
from holdfast.orm.outbox import Outbox
from holdfast.registry import storages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Column, Table

    from holdfast.orm.column import StoredObject


class Place(NamedTuple):
    """A file column.

    Attributes:
        table: Its table.
        column: The column.
        type: Its type.
    """

    table: Table
    column: Column[Any]
    type: StoredObject


class FileTable(NamedTuple):
    """A table with its file columns.

    Attributes:
        table: The table.
        columns: Its file columns.
        first: Number of the first of them, in all tables together.
    """

    table: Table
    columns: tuple[Column[Any], ...]
    first: int


class Columns:
    """The file columns of some tables.

    Args:
        metadata: A `MetaData`, a declarative base, or several of them.

    Raises:
        ConfigurationError: There are no file columns.
    """

    def __init__(self, metadata: Any) -> None:
        self.metadata = metadatas(metadata)
        self.tables: list[FileTable] = []
        self.places: list[Place] = []
        for table in dict.fromkeys(table for each in self.metadata for table in each.tables.values()):
            if columns := file_columns(table):
                self.tables.append(FileTable(table, tuple(columns), len(self.places)))
                self.places += [Place(table, column, _type(column)) for column in columns]
        if not self.places:
            message = "these tables have no file columns: import the modules that define the models first"
            raise ConfigurationError(message)

    @property
    def outboxes(self) -> list[Outbox]:
        """The outboxes of the tables."""
        return [outbox for each in self.metadata if (outbox := Outbox.of(each)) is not None]

    @property
    def has_own_keys(self) -> bool:
        """Whether a column makes keys in a way of its own."""
        return any(place.type.key_scheme is not None for place in self.places)

    def declared(self) -> list[str]:
        """Return the storages that the columns name, sorted; all registered ones if a column names none."""
        names = {place.type.backend for place in self.places}
        return sorted({name for name in names if name} | (set(storages.all()) if None in names else set()))


def _type(column: Column[Any]) -> StoredObject:
    kind: Any = column.type
    found: StoredObject = kind
    return found


def metadatas(metadata: Any) -> list[MetaData]:
    """Return each `MetaData` that was given, once.

    Raises:
        ConfigurationError: Something else was given.
    """
    given: Iterable[Any] = metadata if isinstance(metadata, (list, tuple, set, frozenset)) else [metadata]
    found = [getattr(each, "metadata", each) for each in given]
    for each in found:
        if not isinstance(each, MetaData):
            message = f"metadata takes a MetaData, a declarative base or a list of them, not {each!r:.80}"
            raise ConfigurationError(message)
    return list(dict.fromkeys(found))
