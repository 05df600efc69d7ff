"""The rows that a bulk statement affects, and what they hold, by the primary keys of their mapper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import CTE, PrimaryKeyConstraint, UniqueConstraint, and_, or_, select
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import ClauseElement

from holdfast.errors import ColumnValueError
from holdfast.orm import rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Column, ColumnElement, Connection
    from sqlalchemy.orm import Mapper

    from holdfast.orm.attachment import FileColumn
    from holdfast.orm.rows import Held


def select_where(
    connection: Connection,
    mapper: Mapper[Any],
    columns: Sequence[FileColumn],
    where: ColumnElement[bool] | None,
    parameters: Mapping[str, Any],
) -> dict[Any, Held]:
    """Return what the rows hold that a condition is true for, and lock them.

    Args:
        connection: The connection of the statement.
        mapper: The rows' mapper.
        columns: File columns of its own table, the only one that a statement with a condition changes.
        where: The condition.
        parameters: Values of its bound parameters.

    Raises:
        ColumnValueError: The condition changes rows itself, so that it cannot be asked twice.
    """
    if where is not None and any(isinstance(part, CTE) and part.element.is_dml for part in visitors.iterate(where)):
        message = (
            f"a condition on {mapper.class_.__name__} that itself changes rows would do so twice: use two statements"
        )
        raise ColumnValueError(message)
    table: Any = mapper.local_table
    keys = key_columns(mapper)
    query = select(*keys, *(column.column for column in columns)).select_from(table).with_for_update(of=table)
    query = query if where is None else query.where(where)
    found = connection.execute(query, dict(parameters))
    return {tuple(row[: len(keys)]): rows.held(columns, row[len(keys) :]) for row in found}


def select_conflicting(
    connection: Connection, mapper: Mapper[Any], columns: Sequence[FileColumn], values: Mapping[Any, Any]
) -> dict[Any, Held]:
    """Return what the rows hold that have a unique value of a new one: an upsert changes, skips or replaces them."""
    conditions = [
        and_(*(column == values[column] for column in key))
        for key in _unique_keys(mapper)
        if all(values.get(column) is not None and not isinstance(values[column], ClauseElement) for column in key)
    ]
    return select_where(connection, mapper, columns, or_(*conditions), {}) if conditions else {}


def key_columns(mapper: Mapper[Any]) -> list[Column[Any]]:
    """Return the columns of the mapper's own table that hold its primary key; in joined inheritance it has its own."""
    found: list[Any] = []
    for key in mapper.primary_key:
        columns = mapper.get_property_by_column(key).columns
        found.append(next((column for column in columns if column.table is mapper.local_table), key))
    return found


def identity(mapper: Mapper[Any], values: Mapping[Any, Any]) -> tuple[Any, ...] | None:
    """Return the primary key in the values of a row, by whichever of its columns; None if it is not all there."""
    found = []
    for key in mapper.primary_key:
        columns = mapper.get_property_by_column(key).columns
        value = next((values[column] for column in columns if column in values), None)
        if value is None or isinstance(value, ClauseElement):
            return None
        found.append(value)
    return tuple(found)


def _unique_keys(mapper: Mapper[Any]) -> list[list[Column[Any]]]:
    table: Any = mapper.local_table
    constraints = [each for each in table.constraints if isinstance(each, (PrimaryKeyConstraint, UniqueConstraint))]
    indexes = [index for index in table.indexes if index.unique]
    return [list(key.columns) for key in [*constraints, *indexes] if len(key.columns)]
