"""The rows that a bulk statement affects, and what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Index, PrimaryKeyConstraint, UniqueConstraint, and_, or_, select
from sqlalchemy.sql.elements import ClauseElement

from holdfast.orm import rows
from holdfast.orm.rows import refs_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Column, ColumnElement, Connection
    from sqlalchemy.orm import Mapper

    from holdfast.orm.attachment import FileColumn
    from holdfast.saving import Ref

Held: TypeAlias = "dict[FileColumn, frozenset[Ref]]"
"""What a row holds, by file column."""

_CONDITIONS = 200  # of one SELECT


def select_where(
    connection: Connection,
    mapper: Mapper[Any],
    columns: Sequence[FileColumn],
    where: ColumnElement[bool] | None,
    parameters: Mapping[str, Any],
    *,
    lock: bool = True,
) -> dict[Any, Held]:
    """Return what the rows hold that a condition is true for, by primary key."""
    # The keys of the statement's own table: in joined inheritance it changes only one.
    table: Any = mapper.local_table
    keys = list(table.primary_key.columns)
    query = select(*keys, *(column.column for column in columns))
    query = query if where is None else query.where(where)
    query = query.with_for_update(of=table) if lock else query
    found = connection.execute(query, dict(parameters))
    return {tuple(row[: len(keys)]): _held(columns, row[len(keys) :]) for row in found}


def load(
    connection: Connection,
    mapper: Mapper[Any],
    columns: Sequence[FileColumn],
    identities: Sequence[tuple[Any, ...]],
    *,
    lock: bool = True,
) -> dict[Any, Held]:
    """Return what rows hold, by primary key."""
    found: dict[Any, Held] = {}
    for column in columns:
        for identity, refs in rows.load(connection, mapper, column, identities, lock=lock).items():
            found.setdefault(identity, {})[column] = refs
    return found


def select_conflicting(
    connection: Connection,
    mapper: Mapper[Any],
    columns: Sequence[FileColumn],
    values: Iterable[Mapping[Any, Any]],
    *,
    lock: bool = True,
) -> dict[Any, Held]:
    """Return what the rows hold that have a unique value of new ones: an upsert changes, skips or replaces them."""
    conditions = [condition for row in values for condition in _unique_values(mapper, row)]
    found: dict[Any, Held] = {}
    for start in range(0, len(conditions), _CONDITIONS):
        where = or_(*conditions[start : start + _CONDITIONS])
        found |= select_where(connection, mapper, columns, where, {}, lock=lock)
    return found


def findable(mapper: Mapper[Any], values: Iterable[Mapping[Any, Any]]) -> list[bool]:
    """Return for each new row whether one of its unique values is known."""
    return [bool(_unique_values(mapper, row)) for row in values]


def are(mapper: Mapper[Any], identities: Sequence[tuple[Any, ...]]) -> ColumnElement[bool]:
    """Return the condition for the rows of some primary keys."""
    table: Any = mapper.local_table
    keys: list[ColumnElement[Any]] = list(table.primary_key.columns)
    if len(keys) == 1:
        return keys[0].in_([identity[0] for identity in identities])
    return or_(*(and_(*(key == value for key, value in zip(keys, identity, strict=True))) for identity in identities))


def _held(columns: Sequence[FileColumn], values: Iterable[Any]) -> Held:
    return {column: refs_of(value) for column, value in zip(columns, values, strict=True)}


def _unique_values(mapper: Mapper[Any], row: Mapping[Any, Any]) -> list[ColumnElement[bool]]:
    return [
        and_(*(column == row[column] for column in key))
        for key in _unique_keys(mapper)
        if all(row.get(column) is not None and not isinstance(row[column], ClauseElement) for column in key)
    ]


def _unique_keys(mapper: Mapper[Any]) -> list[list[Column[Any]]]:
    table: Any = mapper.local_table
    constraints = [each for each in table.constraints if isinstance(each, (PrimaryKeyConstraint, UniqueConstraint))]
    indexes: list[Index] = [index for index in table.indexes if index.unique]
    return [list(key.columns) for key in [*constraints, *indexes] if len(key.columns)]
