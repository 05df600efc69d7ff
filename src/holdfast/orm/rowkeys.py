"""Primary keys as text in the database's own form, so that a trigger, a process and a later version agree on them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import BINARY, VARBINARY, LargeBinary, String, TypeDecorator, and_, cast, literal, or_, type_coerce

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Column, ColumnElement, Dialect, Table
    from sqlalchemy.types import TypeEngine

_HEX = "\\x"  # as PostgreSQL writes bytea


def encode(table: Table, identity: Sequence[Any], dialect: Dialect) -> str:
    """Return a row's primary key as the JSON array of texts that an outbox entry names it by."""
    values = zip(table.primary_key.columns, identity, strict=True)
    return json.dumps([_text(column.type, value, dialect) for column, value in values])


def matching(table: Table, keys: Iterable[str], dialect: Dialect) -> ColumnElement[bool]:
    """Return the condition that selects the rows of some encoded primary keys."""
    columns = list(table.primary_key.columns)
    decoded = [json.loads(key) for key in keys]
    if len(columns) == 1:
        sides = [_sides(columns[0], parts[0], dialect) for parts in decoded]
        return sides[0][0].in_([value for _, value in sides])
    rows = [[_sides(column, text, dialect) for column, text in zip(columns, parts, strict=True)] for parts in decoded]
    return or_(*(and_(*(left == right for left, right in row)) for row in rows))


def _text(kind: TypeEngine[Any], value: Any, dialect: Dialect) -> str:
    bind = kind.dialect_impl(dialect).bind_processor(dialect)
    value = bind(value) if bind is not None else value
    value = getattr(value, "obj", value)  # psycopg hides bytes in a Binary
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _HEX + bytes(value).hex()
    return str(value)


def _sides(column: Column[Any], text: str, dialect: Dialect) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Return both sides of a comparison that an index on the column serves."""
    if dialect.name == "postgresql":
        return type_coerce(column, String), cast(literal(text, String), column.type)
    # Elsewhere the column's own type decides how a text is compared with it.
    if _is_binary(column.type, dialect) and text.startswith(_HEX):
        return type_coerce(column, LargeBinary), literal(bytes.fromhex(text.removeprefix(_HEX)), LargeBinary)
    return type_coerce(column, String), literal(text, String)


def _is_binary(kind: TypeEngine[Any], dialect: Dialect) -> bool:
    kind = kind.dialect_impl(dialect)
    while isinstance(kind, TypeDecorator):
        kind = kind.impl_instance.dialect_impl(dialect)
    return isinstance(kind, (LargeBinary, BINARY, VARBINARY))
