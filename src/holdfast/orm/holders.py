"""Which rows of a table hold which files, asked without a mapper: by primary key, or by file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, cast, or_, select, type_coerce

from holdfast.keys import find_id
from holdfast.orm import rowkeys, rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy import ColumnElement, Connection, Table

    from holdfast.saving import Ref

_ROWS = 500  # of one SELECT
_PATTERNS = 50  # of one SELECT


def file_columns(table: Table) -> list[Any]:
    """Return the file columns of a table."""
    from holdfast.orm.column import StoredObject  # noqa: PLC0415  # the type needs this package

    return [column for column in table.columns if isinstance(column.type, StoredObject)]


def held_by(connection: Connection, table: Table, keys: Collection[str]) -> set[Ref]:
    """Return what the rows of some encoded primary keys hold."""
    columns = file_columns(table)
    ordered = sorted(keys)
    held: set[Ref] = set()
    for start in range(0, len(ordered) if columns else 0, _ROWS):
        where = rowkeys.matching(table, ordered[start : start + _ROWS], connection.dialect)
        held |= _refs(connection.execute(select(*columns).where(where)))
    return held


def search(connection: Connection, columns: Iterable[Any], wanted: Collection[Ref]) -> set[Ref]:
    """Return which of some files any row holds in some file columns; without an index on them it reads their table."""
    # advanced-alchemy takes no notice of a slash in front of a name.
    paths = sorted(
        {path for ref in wanted for path in ((ref.path,) if find_id(ref.path) else (ref.path, f"/{ref.path}"))}
    )
    held: set[Ref] = set()
    for column in columns:
        # Where a column is kept as text, one value that is no JSON would end the SELECT.
        as_text = column.type.multiple or connection.dialect.name == "sqlite"
        size = _PATTERNS if as_text else _ROWS
        for start in range(0, len(paths), size):
            where = _mentions(column, paths[start : start + size], as_text=as_text)
            held |= _refs(connection.execute(select(column).where(where)))
    return held & set(wanted)


def _mentions(column: Any, paths: list[str], *, as_text: bool) -> ColumnElement[bool]:
    if as_text:
        text = type_coerce(cast(column, Text), Text)
        # Databases that keep the text have it as Python wrote it, in ASCII; PostgreSQL has the characters.
        written = {json.dumps(path, ensure_ascii=ascii_only) for path in paths for ascii_only in (True, False)}
        return or_(*(text.contains(pattern, autoescape=True) for pattern in written))
    # In rows of advanced-alchemy the key is the filename.
    names = [column[name].as_string() for name in ("to_filename", "filename")]
    return or_(*(name.in_(paths) for name in names))


def _refs(found: Iterable[Any]) -> set[Ref]:
    return {ref for row in found for value in row for ref in rows.refs_of(value)}
