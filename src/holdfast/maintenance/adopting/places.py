"""The column that is filled, and those that it is filled from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Column, LargeBinary, Text, TypeDecorator, cast, type_coerce

from holdfast.errors import ConfigurationError
from holdfast.maintenance.rewriting.walk import Selection

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Dialect, Table
    from sqlalchemy.types import TypeEngine

    from holdfast.maintenance.columns import Columns
    from holdfast.orm.column import StoredObject


class Target(NamedTuple):
    """A file column that is filled from others of its table.

    Attributes:
        place: Its number among all file columns.
        table: Its table.
        column: The column.
        type: Its type.
        sources: The columns that say where the files are.
    """

    place: int
    table: Table
    column: Column[Any]
    type: StoredObject
    sources: tuple[Column[Any], ...]

    @classmethod
    def of(cls, columns: Columns, column: Any, sources: Any) -> Target:
        """Return it for what a caller has named.

        Args:
            columns: All file columns.
            column: The file column: an attribute, a column, or ``"table.column"``.
            sources: One or several columns of the table, or their names.

        Raises:
            ConfigurationError: There is no such column, or its table has no primary key.
        """
        if isinstance(column, str):
            owner, _, name = column.rpartition(".")
            table: Any = Selection.of(columns, owner).tables[0].table
            found = _column(table, name)
        else:
            found = _plain(column)
            table = found.table
        number = next((number for number, place in enumerate(columns.places) if place.column is found), None)
        if number is None:
            message = f"{table.fullname}.{found.name} is no StoredObject of these tables"
            raise ConfigurationError(message)
        if not table.primary_key.columns:
            message = f"table {table.fullname!r} has no primary key: its rows cannot be gone through in order"
            raise ConfigurationError(message)
        given = sources if isinstance(sources, (list, tuple)) else [sources]
        read = tuple(_column(table, each) if isinstance(each, str) else _plain(each) for each in given)
        if not read or any(each.table is not table or each is found for each in read):
            message = f"the source must be other columns of {table.fullname!r}, which the file column is in"
            raise ConfigurationError(message)
        return cls(number, table, found, columns.places[number].type, read)


def plain_value(column: Column[Any]) -> ColumnElement[Any]:
    """Return what the database holds, past a library's own type: some open the file of each row that is loaded."""
    kind: TypeEngine[Any] = column.type
    while isinstance(kind, TypeDecorator):
        kind = kind.impl_instance
    return type_coerce(column, kind)


def exact(column: Column[Any], dialect: Dialect) -> ColumnElement[Any]:
    """Return a value as text or bytes that tells every change, whatever a collation takes for equal."""
    return cast(column, Text if dialect.name == "postgresql" else LargeBinary)


def exact_type(dialect: Dialect) -> TypeEngine[Any]:
    """Return the type of `exact`."""
    return Text() if dialect.name == "postgresql" else LargeBinary()


def _plain(column: Any) -> Column[Any]:
    found = getattr(getattr(column, "property", None), "columns", [column])[0]
    if not isinstance(found, Column):
        message = f"{column!r:.80} is not a column: give Model.attribute, a Column, or a name"
        raise ConfigurationError(message)
    return found


def _column(table: Table, name: str) -> Column[Any]:
    found = next((each for each in table.columns if name in {each.name, each.key}), None)
    if found is None:
        message = f"table {table.fullname!r} has no column {name!r}; it has {', '.join(table.columns.keys())}"
        raise ConfigurationError(message)
    return found
