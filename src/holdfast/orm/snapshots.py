"""What a row is known to hold in the database: the files of each column when it was last loaded or flushed.

History is no help here: a list changed in place has none, nor has an attribute that was expired when it was set.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select

from holdfast.file import FileObject
from holdfast.saving import Ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement, Connection
    from sqlalchemy.orm import InstanceState, Mapper

    from holdfast.orm.attachment import FileColumn

_known: weakref.WeakKeyDictionary[InstanceState[Any], dict[str, frozenset[Ref]]] = weakref.WeakKeyDictionary()
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


def remember(state: InstanceState[Any], key: str, refs: frozenset[Ref]) -> None:
    """Note what the database holds."""
    _known.setdefault(state, {})[key] = refs


def forget(state: InstanceState[Any], keys: Iterable[str] | None = None) -> None:
    """Note that it is not known any more."""
    known = _known.get(state)
    if known is None:
        return
    for key in list(known) if keys is None else keys:
        known.pop(key, None)


def recall(state: InstanceState[Any], key: str) -> frozenset[Ref] | None:
    """Return what the database holds, None if that is not known."""
    return _known.get(state, {}).get(key)


def load(
    connection: Connection, mapper: Mapper[Any], column: FileColumn, identities: Sequence[tuple[Any, ...]]
) -> dict[tuple[Any, ...], frozenset[Ref]]:
    """SELECT what rows hold in one file column, by primary key; rows that do not exist are left out."""
    keys = list(mapper.primary_key)
    # In joined inheritance the column's table is one of several, whose keys may have other names.
    query = select(column.column, *keys).select_from(mapper.persist_selectable)
    found: dict[tuple[Any, ...], frozenset[Ref]] = {}
    for start in range(0, len(identities), _ROWS):
        part = identities[start : start + _ROWS]
        where: ColumnElement[bool]
        if len(keys) == 1:
            where = keys[0].in_([identity[0] for identity in part])
        else:
            where = or_(
                *(and_(*(key == value for key, value in zip(keys, identity, strict=True))) for identity in part)
            )
        rows = {tuple(row[1:]): refs_of(row[0]) for row in connection.execute(query.where(where))}
        found |= {identity: rows[identity] for identity in map(tuple, part) if identity in rows}
    return found
