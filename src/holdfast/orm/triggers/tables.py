"""What triggers need to know about a table with files, in plain names: a migration has no models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.exc import NoReferenceError

from holdfast.orm import holders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import ForeignKeyConstraint, MetaData, Table

    from holdfast.orm.outbox import Outbox

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableName:
    """A table as the database knows it."""

    name: str
    schema: str | None = None


@dataclass(frozen=True, slots=True)
class Cascade:
    """A foreign key by which the database changes rows itself.

    Attributes:
        source: The table that refers.
        referent: The one that it refers to.
        local: The columns of the one.
        remote: The columns of the other.
        deletes: Whether it is ``ON DELETE CASCADE``.
        updates: Whether it is ``ON UPDATE CASCADE``.
    """

    source: TableName
    referent: TableName
    local: Names
    remote: Names
    deletes: bool = True
    updates: bool = False


@dataclass(frozen=True, slots=True)
class FileTable:
    """A table with file columns.

    Attributes:
        table: Its name.
        outbox: Name of the outbox.
        owner: What outbox entries call the table.
        single: The columns of one file.
        multiple: The columns of several.
        key: The primary key; without one, the outbox names no row.
        unique: Other sets of columns that are unique.
        cascades: The foreign keys through which rows of this table are deleted or get another primary key, those of
            the tables in between included.
    """

    table: TableName
    outbox: TableName
    owner: str
    single: Names
    multiple: Names
    key: Names
    unique: tuple[Names, ...] = ()
    cascades: tuple[Cascade, ...] = ()

    @property
    def files(self) -> Names:
        """All file columns."""
        return self.single + self.multiple


def file_tables(outbox: Outbox, schema_of: Callable[[Table], str | None]) -> Iterator[FileTable]:
    """Yield the tables with files that share an outbox.

    Args:
        outbox: The outbox.
        schema_of: Returns the schema of a table in the database at hand, which may not be the one in the metadata.
    """

    def named(table: Table) -> TableName:
        return TableName(table.name, schema_of(table))

    cascades = list(_cascades(outbox.metadata, named))
    for _, table in sorted(outbox.metadata.tables.items()):
        columns = holders.file_columns(table)
        if columns:
            yield FileTable(
                named(table),
                named(outbox.table),
                table.fullname,
                tuple(column.name for column in columns if not column.type.multiple),
                tuple(column.name for column in columns if column.type.multiple),
                tuple(column.name for column in table.primary_key.columns),
                tuple(sorted(_unique(table))),
                tuple(above(named(table), cascades)),
            )


def above(table: TableName, cascades: Iterable[Cascade]) -> list[Cascade]:
    """Return those of some foreign keys that lead down to a table, however far up they start."""
    known = list(cascades)
    reached = {table}
    while more := {each.referent for each in known if each.source in reached} - reached:
        reached |= more
    return [each for each in known if each.source in reached]


def _cascades(metadata: MetaData, named: Callable[[Table], TableName]) -> Iterator[Cascade]:
    for _, table in sorted(metadata.tables.items()):
        for constraint in sorted(table.foreign_key_constraints, key=lambda each: tuple(each.column_keys)):
            deletes, updates = is_cascade(constraint.ondelete), is_cascade(constraint.onupdate)
            if deletes or updates:
                try:
                    referent, remote = _referred(constraint)
                except NoReferenceError:  # a table that the metadata does not hold
                    continue
                local = tuple(column.name for column in constraint.columns)
                yield Cascade(named(table), named(referent), local, remote, deletes, updates)


def is_cascade(action: str | None) -> bool:
    """Return whether a foreign key's ON DELETE or ON UPDATE is CASCADE."""
    return action is not None and action.strip().upper() == "CASCADE"


def _referred(constraint: ForeignKeyConstraint) -> tuple[Table, Names]:
    return constraint.referred_table, tuple(element.column.name for element in constraint.elements)


def _unique(table: Table) -> set[Names]:
    constraints = [each for each in table.constraints if isinstance(each, UniqueConstraint)]
    found = {tuple(column.name for column in each.columns) for each in constraints}
    return found | {tuple(column.name for column in each.columns) for each in table.indexes if _is_plain(each)}


def _is_plain(index: Index) -> bool:
    return bool(index.unique) and len(index.columns) == len(index.expressions)
