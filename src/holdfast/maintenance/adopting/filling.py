"""Giving rows their file, only where nobody has given them one and the old columns are as they were read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, bindparam, null, update

from holdfast.maintenance.adopting.places import exact, exact_type
from holdfast.maintenance.rewriting.switching import transaction, untouched
from holdfast.maintenance.values import held

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Dialect, Engine, Update

    from holdfast.maintenance.adopting.places import Target
    from holdfast.maintenance.adopting.reading import OldRow
    from holdfast.maintenance.rows import Rows


class Filling(NamedTuple):
    """A row and its file.

    Attributes:
        row: The row as it was read.
        value: The JSON for the file column, not encoded.
    """

    row: OldRow
    value: Any


def fill(rows: Rows, engine: Engine, target: Target, fillings: Sequence[Filling], *, clear: bool) -> list[bool]:
    """Fill rows in one short transaction, and say for each whether it has its value now.

    Columns with an ``onupdate`` keep their value: the application changed nothing. With `clear` the old columns of
    the row become NULL in the same statement.
    """
    if not fillings:
        return []
    with transaction(rows, engine) as connection:
        connection.execute(
            _statement(target, connection.dialect, clear=clear),
            [
                {f"holdfast_key{index}": part for index, part in enumerate(each.row.identity)}
                | {f"holdfast_old{index}": part for index, part in enumerate(each.row.exact)}
                | {"holdfast_new": each.value}
                for each in fillings
            ],
        )
        now = rows.now(connection, target.place, [each.row.identity for each in fillings])
    return [_has(target, now.get((target.place, each.row.identity)), each.value) for each in fillings]


def _statement(target: Target, dialect: Dialect, *, clear: bool) -> Update:
    table = target.table
    same = [
        key == bindparam(f"holdfast_key{index}", type_=key.type) for index, key in enumerate(table.primary_key.columns)
    ]
    unchanged = [
        exact(column, dialect).is_not_distinct_from(bindparam(f"holdfast_old{index}", type_=exact_type(dialect)))
        for index, column in enumerate(target.sources)
    ]
    values: dict[Any, Any] = dict(untouched(table))
    values[target.column] = bindparam("holdfast_new", type_=target.type.load_dialect_impl(dialect))
    values |= {column: null() for column in target.sources if clear}
    return update(table).where(and_(*same, target.column.is_(None), *unchanged)).values(values)


def _has(target: Target, found: Any, value: Any) -> bool:
    """Return whether a row has its files: only these count, not how the database writes what is said of them."""
    multiple = target.type.multiple
    return found is not None and _names(found.raw, multiple=multiple) == _names(json.dumps(value), multiple=multiple)


def _names(raw: Any, *, multiple: bool) -> list[tuple[str | None, str | None]]:
    return [(file.storage, file.key) for file in held(raw, multiple=multiple)]
