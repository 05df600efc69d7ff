"""What rows hold: the files in a column's value, and those that the database has.

What a session has in memory is no proof of what a row holds: another session may have changed it since, a list that
was changed in place has no history, and neither has an attribute that was expired when it was set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select

from holdfast.file import FileObject
from holdfast.saving import Ref

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection, Select
    from sqlalchemy.orm import Mapper

    from holdfast.orm.attachment import FileColumn

_ROWS = 500  # of one SELECT


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
    column: FileColumn,
    identities: Sequence[tuple[Any, ...]],
    *,
    lock: bool = False,
) -> dict[tuple[Any, ...], frozenset[Ref]]:
    """SELECT what rows hold in one file column, by primary key; rows that do not exist are left out.

    With `lock` nobody else changes them until the transaction ends, where the database has row locks.
    """
    keys = list(mapper.primary_key)
    # In joined inheritance the column's table is one of several, whose keys may have other names.
    query = select(column.column, *keys).select_from(mapper.persist_selectable)
    if lock:
        query = query.with_for_update()
    found: dict[tuple[Any, ...], frozenset[Ref]] = {}
    for start in range(0, len(identities), _ROWS):
        part = [tuple(identity) for identity in identities[start : start + _ROWS]]
        rows = _fetch(connection, query, keys, part)
        found |= {identity: rows[identity] for identity in part if identity in rows}
        if rows.keys() - found.keys():
            # What the database takes for equal may be another value: "1" and 1, "Key" and "key", or trailing blanks.
            for identity in part:
                if identity not in found:
                    alone = _fetch(connection, query, keys, [identity])
                    found |= {identity: frozenset().union(*alone.values())} if alone else {}
    return found


def _fetch(
    connection: Connection,
    query: Select[Any],
    keys: Sequence[ColumnElement[Any]],
    identities: Sequence[tuple[Any, ...]],
) -> dict[tuple[Any, ...], frozenset[Ref]]:
    """Return what the rows of some primary keys hold, by the keys that the database has."""
    where: ColumnElement[bool]
    if len(keys) == 1:
        where = keys[0].in_([identity[0] for identity in identities])
    else:
        where = or_(
            *(and_(*(key == value for key, value in zip(keys, identity, strict=True))) for identity in identities)
        )
    return {tuple(row[1:]): refs_of(row[0]) for row in connection.execute(query.where(where))}
