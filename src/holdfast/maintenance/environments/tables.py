"""Rows as they are: read from one database in key order, and put into another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, bindparam, func, insert, literal_column, select, table
from sqlalchemy.exc import IntegrityError

from holdfast.maintenance.rewriting.keyorder import in_order
from holdfast.maintenance.rewriting.walk import beyond
from holdfast.maintenance.rows import json_text
from holdfast.maintenance.snapshot import snapshot
from holdfast.orm import rowkeys
from holdfast.orm.engines import engine_of, fresh_connection
from holdfast.orm.holders import file_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Column, ColumnElement, Dialect, Table
    from sqlalchemy.orm import Session

    Row = tuple[Any, ...]


class TableCopy:
    """One table in both databases.

    Args:
        table: The table; it has a primary key.
        source: Says which database has the rows.
        target: Says which database gets them.
    """

    def __init__(self, table: Table, source: Session, target: Session) -> None:
        self.table, self._source = table, source
        self._from, self._to = engine_of(source, table), engine_of(target, table)
        self._target = target
        self._files = frozenset(file_columns(table))
        self.columns = [column for column in table.columns if column.computed is None]
        self._keys = list(table.primary_key.columns)

    def files(self) -> list[tuple[int, Column[Any]]]:
        """Return the file columns, each with its position in a row."""
        return [(index, column) for index, column in enumerate(self.columns) if column in self._files]

    def identity(self, row: Row) -> Row:
        """Return a row's primary key."""
        return tuple(row[self.columns.index(key)] for key in self._keys)

    def pages(self, size: int, where: Any = None) -> Iterator[list[Row]]:
        """Yield the rows in the order of their keys."""
        query = select(*(self._read(column) for column in self.columns)).order_by(*in_order(self._keys)).limit(size)
        if where is not None:
            query = query.where(where)
        page: list[Row] = []
        while True:
            rest = query.where(beyond(self._keys, self.identity(page[-1]))) if page else query
            with snapshot(self._source, self._from) as connection:
                page = [tuple(row) for row in connection.execute(rest)]
            if page:
                yield page
            if len(page) < size:
                return

    def there(self, rows: Sequence[Row]) -> set[str]:
        """Return which of some rows the other database has, by their encoded keys."""
        with snapshot(self._target, self._to) as connection:
            wanted = [self.encoded(row) for row in rows]
            query = select(*self._keys).where(rowkeys.matching(self.table, wanted, connection.dialect))
            return {rowkeys.encode(self.table, tuple(row), connection.dialect) for row in connection.execute(query)}

    def encoded(self, row: Row) -> str:
        """Return a row's key as text."""
        return rowkeys.encode(self.table, self.identity(row), self._to.dialect)

    def insert(self, rows: Sequence[Row]) -> list[IntegrityError | None]:
        """Insert rows in one transaction; if the database refuses one, one by one. Say for each what it objected to."""
        if not rows:
            return []
        try:
            self._insert(rows)
        except IntegrityError as error:
            return [error] if len(rows) == 1 else [outcome for row in rows for outcome in self.insert([row])]
        return [None] * len(rows)

    def advance_sequences(self) -> None:
        """Let the other database give its next rows keys beyond those that came."""
        column = self.table.autoincrement_column
        if column is None or self._to.dialect.name != "postgresql":
            return
        with fresh_connection(self._to) as connection, connection.begin():
            name = connection.dialect.identifier_preparer.format_table(self.table)
            sequence = connection.execute(select(func.pg_get_serial_sequence(name, column.name))).scalar()
            last = connection.execute(select(func.max(column))).scalar()
            if sequence is None or last is None:
                return
            # Never back: keys that it gave may be in transactions that are still open.
            of_sequence = table("pg_sequences", literal_column("last_value"), schema="pg_catalog")
            name_of = func.format("%I.%I", literal_column("schemaname"), literal_column("sequencename"))
            given: Any = select(literal_column("last_value")).select_from(of_sequence).where(name_of == sequence)
            if last > (connection.execute(given).scalar() or 0):
                connection.execute(select(func.setval(sequence, last)))

    def _insert(self, rows: Sequence[Row]) -> None:
        with fresh_connection(self._to) as connection, connection.begin():
            names = [f"holdfast_{index}" for index in range(len(self.columns))]
            values = {
                column: bindparam(name, type_=self._written(column, connection.dialect))
                for name, column in zip(names, self.columns, strict=True)
            }
            connection.execute(insert(self.table).values(values), [dict(zip(names, row, strict=True)) for row in rows])

    def _read(self, column: Column[Any]) -> ColumnElement[Any]:
        return json_text(column, self._from.dialect) if column in self._files else column

    def _written(self, column: Column[Any], dialect: Dialect) -> Any:
        kind: Any = column.type
        if column in self._files:
            return kind.load_dialect_impl(dialect)
        if isinstance(kind, JSON) and column.nullable:  # both NULL and JSON's null were read as None
            kind = kind.copy()
            kind.none_as_null = True
        return kind
