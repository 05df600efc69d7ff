"""What rows hold: the files in a column's value, and those that the database has.

What a session has in memory is no proof of what a row holds: another session may have changed it since, a list that
was changed in place has no history, and neither has an attribute that was expired when it was set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import and_, or_, select, tuple_

from holdfast.file import FileObject
from holdfast.saving import Ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement, Connection, Dialect
    from sqlalchemy.orm import Mapper

    from holdfast.orm.attachment import FileColumn

Held: TypeAlias = "dict[FileColumn, frozenset[Ref]]"
"""What a row holds, by file column."""

_ROWS = 500  # of one SELECT
_ROW_VALUES = {"postgresql", "sqlite", "mysql", "mariadb"}  # know (a, b) IN ((1, 2), …)


def files_of(value: Any) -> list[FileObject]:
    """Return the files in a column's value."""
    if isinstance(value, FileObject):
        return [value]
    return list(value) if isinstance(value, (list, tuple)) else []


def refs_of(value: Any) -> frozenset[Ref]:
    """Return where the stored files of a column's value lie."""
    return frozenset(
        Ref(file.backend_key, file.path)
        for file in files_of(value)
        if file.is_stored and file.path and file.backend_key
    )


def load(
    connection: Connection,
    mapper: Mapper[Any],
    columns: Sequence[FileColumn],
    identities: Sequence[tuple[Any, ...]],
    *,
    lock: bool = False,
) -> dict[tuple[Any, ...], Held]:
    """SELECT what rows hold in some file columns, by primary key; rows that do not exist are left out.

    With `lock` nobody else changes them until the transaction ends, where the database has row locks.
    """
    keys = list(mapper.primary_key)
    # In joined inheritance a column's table is one of several, whose keys may have other names.
    query = select(*keys, *(column.column for column in columns)).select_from(mapper.persist_selectable)
    if lock:
        query = query.with_for_update()

    def fetch(part: Sequence[tuple[Any, ...]]) -> dict[tuple[Any, ...], Held]:
        rows = connection.execute(query.where(are(keys, part, connection.dialect)))
        return {tuple(row[: len(keys)]): held(columns, row[len(keys) :]) for row in rows}

    found: dict[tuple[Any, ...], Held] = {}
    for start in range(0, len(identities) if columns else 0, _ROWS):
        part = [tuple(identity) for identity in identities[start : start + _ROWS]]
        rows = fetch(part)
        found |= {identity: rows[identity] for identity in part if identity in rows}
        if rows.keys() - found.keys():
            # What the database takes for equal may be another value: "1" and 1, "Key" and "key", or trailing blanks.
            for identity in part:
                if identity not in found and (alone := fetch([identity])):
                    found[identity] = {
                        column: frozenset().union(*(each[column] for each in alone.values())) for column in columns
                    }
    return found


def held(columns: Sequence[FileColumn], values: Iterable[Any]) -> Held:
    """Return what a row holds, by column."""
    return {column: refs_of(value) for column, value in zip(columns, values, strict=True)}


def all_refs(found: Held | None) -> frozenset[Ref]:
    """Return what a row holds in all its columns."""
    return frozenset().union(*(found or {}).values())


def are(
    keys: Sequence[ColumnElement[Any]], identities: Sequence[tuple[Any, ...]], dialect: Dialect
) -> ColumnElement[bool]:
    """Return the condition for the rows of some primary keys."""
    if len(keys) == 1:
        return keys[0].in_([identity[0] for identity in identities])
    if dialect.name in _ROW_VALUES:
        return tuple_(*keys).in_(list(identities))
    return or_(*(and_(*(key == value for key, value in zip(keys, identity, strict=True))) for identity in identities))
