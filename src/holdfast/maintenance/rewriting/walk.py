"""The rows of a table in the order of their primary keys, page by page, without a transaction in between."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Text, cast, func, literal, or_, select, text, tuple_, type_coerce
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import configure_mappers

from holdfast.errors import ConfigurationError, HoldfastError
from holdfast.maintenance.rewriting.keyorder import in_order
from holdfast.maintenance.rows import json_text
from holdfast.maintenance.snapshot import snapshot
from holdfast.orm.engines import engine_of
from holdfast.orm.tracking import tracked_mappers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sqlalchemy import ColumnElement, Select, Table
    from sqlalchemy.orm import Mapper

    from holdfast.maintenance.columns import Columns, FileTable
    from holdfast.maintenance.rows import Rows

PAGE = 200
"""Rows that are read, worked on and switched at a time."""

_STRETCH = 50  # pages of rows that are looked through at a time where few are wanted


class Span(NamedTuple):
    """A range of a table's primary keys: a piece of work that can be given to another machine.

    Attributes:
        table: Full name of the table.
        after: The key before the first one; None from the beginning.
        until: The last key; None up to the end.
    """

    table: str
    after: tuple[Any, ...] | None = None
    until: tuple[Any, ...] | None = None


class Selection(NamedTuple):
    """Which rows are meant.

    Attributes:
        tables: The tables; None for all that have file columns.
        where: A condition on each of them: SQL as text, or an expression.
    """

    tables: tuple[FileTable, ...]
    where: str | ColumnElement[bool] | None = None

    @classmethod
    def of(cls, columns: Columns, models: Any = None, where: str | ColumnElement[bool] | None = None) -> Selection:
        """Return the rows of some models.

        Args:
            columns: The file columns that there are.
            models: Mapped classes, tables, or names of either; one or several; None for all.
            where: SQL as text, or an expression; it may name columns of the table only.

        Raises:
            ConfigurationError: A model is not among the tables, or its table has no primary key.
        """
        return cls(tuple(columns.tables) if models is None else tuple(_chosen(columns, models)), where)

    def spans(self) -> list[Span]:
        """Return each table as a whole."""
        return [Span(each.table.fullname) for each in self.tables]


class RowValues(NamedTuple):
    """What the file columns of one row say, not looked at yet.

    Attributes:
        identity: The primary key.
        raw: The JSON, by number of the file column; columns that are NULL are left out.
    """

    identity: tuple[Any, ...]
    raw: dict[int, Any]


class Walk:
    """One table's rows, or a range of them.

    Args:
        rows: The rows of all tables.
        table: The table.
        span: The range; all rows if left out.
        where: Only rows that meet this.
        naming: Only rows whose value may name one of these storages, in any of its texts: the caller looks closer.
        size: Rows of a page.

    Raises:
        ConfigurationError: The table has no primary key.
    """

    def __init__(
        self,
        rows: Rows,
        table: FileTable,
        *,
        span: Span | None = None,
        where: str | ColumnElement[bool] | None = None,
        naming: Collection[str] = (),
        size: int = PAGE,
    ) -> None:
        self._rows, self._table, self._size = rows, table, size
        self._engine = engine_of(rows.session, table.table)
        self._keys: Sequence[Any] = list(table.table.primary_key.columns)
        if not self._keys:
            message = f"table {table.table.fullname!r} has no primary key: its rows cannot be gone through in order"
            raise ConfigurationError(message)
        self._span = span or Span(table.table.fullname)
        self._query = self._select(where, naming)

    def pages(self) -> Iterator[list[RowValues]]:
        """Yield the rows in the order of their keys; what is committed meanwhile behind the last page is seen."""
        after, stretch = self._span.after, self._size
        while True:
            # Bounded on both sides: a database that expects few of all rows to be wanted would go through all of them
            # for each page, instead of along the index until the page is full.
            with snapshot(self._rows.session, self._engine) as connection:
                until = connection.execute(self._end(after, stretch)).first()
                found = connection.execute(self._page(after, until)).all()
            if found:
                yield [self._values(row) for row in found]
            if len(found) == self._size:
                after, stretch = tuple(found[-1][: len(self._keys)]), self._size
            elif until is None:
                return
            else:
                after, stretch = tuple(until), min(2 * stretch, _STRETCH * self._size)

    def counting(self) -> Any:
        """Return the query for the number of all rows."""
        query = select(func.count()).select_from(self._table.table)
        return query if (where := self._query.whereclause) is None else query.where(where)

    def _values(self, row: Any) -> RowValues:
        count = len(self._keys)
        raw = {self._table.first + index: raw for index, raw in enumerate(row[count:]) if raw is not None}
        return RowValues(tuple(row[:count]), raw)

    def _select(self, where: str | ColumnElement[bool] | None, naming: Collection[str]) -> Select[Any]:
        columns = self._table.columns
        query = select(*self._keys, *(json_text(column, self._engine.dialect) for column in columns))
        if naming:
            query = query.where(or_(*(_mentions(column, name) for column in columns for name in naming)))
        else:
            query = query.where(or_(*(column.is_not(None) for column in columns)))
        if where is not None:
            query = query.where(text(f"({where})") if isinstance(where, str) else where)
        return query.order_by(*in_order(self._keys)).limit(self._size)

    def _end(self, after: tuple[Any, ...] | None, stretch: int) -> Select[Any]:
        """Return the query for the last key of a stretch of rows, wanted or not; it finds none at the end."""
        query = select(*self._keys).order_by(*in_order(self._keys)).offset(stretch - 1).limit(1)
        return self._between(query, after, self._span.until)

    def _page(self, after: tuple[Any, ...] | None, until: Sequence[Any] | None) -> Select[Any]:
        return self._between(self._query, after, self._span.until if until is None else until)

    def _between(self, query: Select[Any], after: Sequence[Any] | None, until: Sequence[Any] | None) -> Select[Any]:
        if after is not None:
            query = query.where(beyond(self._keys, tuple(after)))
        if until is not None:
            query = query.where(_left(self._keys) <= _right(self._keys, tuple(until)))
        return query


def count(rows: Rows, table: FileTable, selection: Selection, naming: Collection[str]) -> int:
    """Return how many rows a walk will meet; this reads the table."""
    query = Walk(rows, table, where=selection.where, naming=naming).counting()
    with snapshot(rows.session, engine_of(rows.session, table.table)) as connection:
        return int(connection.execute(query).scalar_one())


def boundaries(rows: Rows, table: FileTable, size: int, after: tuple[Any, ...] | None = None) -> Iterator[Span]:
    """Yield a table in ranges of `size` rows each, rows without files counted; the last one is open."""
    engine = engine_of(rows.session, table.table)
    keys: Sequence[Any] = list(table.table.primary_key.columns)
    name = table.table.fullname
    while True:
        query = select(*keys).order_by(*in_order(keys)).offset(size - 1).limit(1)
        if after is not None:
            query = query.where(beyond(keys, after))
        with snapshot(rows.session, engine) as connection:
            found = connection.execute(query).first()
        if found is None:
            yield Span(name, after, None)
            return
        yield Span(name, after, tuple(found))
        after = tuple(found)


def beyond(keys: Sequence[Any], after: tuple[Any, ...]) -> ColumnElement[bool]:
    """Return the condition for rows whose keys are greater than one."""
    greater: ColumnElement[bool] = _left(keys) > _right(keys, after)
    return greater


def _left(keys: Sequence[Any]) -> Any:
    sides = in_order(keys)
    return sides[0] if len(sides) == 1 else tuple_(*sides)


def _right(keys: Sequence[Any], values: tuple[Any, ...]) -> Any:
    sides = [literal(value, key.type) for key, value in zip(keys, values, strict=True)]
    return sides[0] if len(keys) == 1 else tuple_(*sides)


def _mentions(column: Any, name: str) -> ColumnElement[bool]:
    # Databases that keep the text have it as somebody wrote it, mostly in ASCII; PostgreSQL has the characters.
    written = {json.dumps(name, ensure_ascii=ascii_only) for ascii_only in (True, False)}
    as_text = type_coerce(cast(column, Text), Text)
    return or_(*(as_text.contains(each, autoescape=True) for each in sorted(written)))


def _chosen(columns: Columns, models: Any) -> Iterator[FileTable]:
    given = models if isinstance(models, (list, tuple, set, frozenset)) else [models]
    for model in given:
        found = [table for table in columns.tables if model in names_of(table.table)]
        if not found:
            known = ", ".join(sorted(table.table.fullname for table in columns.tables))
            label = model if isinstance(model, str) else getattr(model, "__name__", model)
            message = f"there is no model with file columns called {str(label)!r}; there are: {known}"
            raise ConfigurationError(message)
        for table in found:
            refuse_part(table.table, model)
        yield from found


def refuse_part(table: Table, model: Any) -> None:
    """Refuse a model whose rows lie in its parent's table, among others.

    Raises:
        ConfigurationError: It is one.
    """
    for mapper in mappers_of(table):
        name = mapper.class_.__name__
        if mapper.single and model in {mapper.class_, name}:
            kind = mapper.polymorphic_on
            message = (
                f"{name!r} is a part of table {table.fullname!r}: give the table, and where= to choose rows by "
                f"{'its discriminator' if kind is None else repr(str(kind))}"
            )
            raise ConfigurationError(message)


def names_of(table: Table) -> list[Any]:
    """Return what a table may be called by: itself, its names, its mapped classes and their names."""
    classes = [mapper.class_ for mapper in mappers_of(table)]
    return [table, table.name, table.fullname, *classes, *(each.__name__ for each in classes)]


def mappers_of(table: Table) -> list[Mapper[Any]]:
    """Return the mappers of a table's models that have file columns."""
    with suppress(SQLAlchemyError, HoldfastError):  # what cannot be mapped is no model
        configure_mappers()
    return [mapper for mapper in tracked_mappers() if mapper.local_table is table]
