"""JSON null in a row, as advanced-alchemy writes it for no file: unset, like NULL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, and_, not_, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.sql.operators import eq, is_, is_not, ne

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.sql.operators import OperatorType

UNSET: dict[Any, bool] = {is_: True, eq: True, is_not: False, ne: False}
"""The operators that ask with None whether a column is unset, or set."""


def unset(column: Any, is_null: ColumnElement[bool], op: OperatorType) -> ColumnElement[bool]:
    """Return the condition for a file column that is unset, or set: `is_null` asks for NULL alone.

    With ``sqlalchemy.null()`` in place of None SQL asks for NULL alone, too.
    """
    found: ColumnElement[bool] = _IsJSONNull(column)
    return or_(is_null, found) if UNSET[op] else and_(is_null, not_(found))


class _IsJSONNull(GenericFunction[bool]):
    """Whether a column is JSON null; NULL where it is NULL."""

    type = Boolean()
    name = "holdfast_is_json_null"
    _register = False
    inherit_cache = True


@compiles(_IsJSONNull)
def _compile(element: _IsJSONNull, compiler: Any, **options: Any) -> str:
    column = compiler.process(element.clauses, **options)
    dialect = compiler.dialect.name
    if dialect == "postgresql":
        return f"({column} = CAST('null' AS JSONB))"
    if dialect in {"mysql", "mariadb"}:
        return f"(CAST({column} AS CHAR) = 'null')"
    if dialect == "sqlite":
        return f"({column} = 'null')"
    return "false" if compiler.dialect.supports_native_boolean else "0"
