"""Reading file columns: all rows in one snapshot, streamed; or some of them again, by primary key."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import LargeBinary, Text, case, cast, or_, select, type_coerce

from holdfast.maintenance.pacing import PAGE
from holdfast.maintenance.snapshot import snapshot
from holdfast.maintenance.values import Held, held
from holdfast.orm import rowkeys
from holdfast.orm.engines import engine_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from sqlalchemy import Column, ColumnElement, Connection, Dialect, Engine
    from sqlalchemy.orm import Session

    from holdfast.maintenance.columns import Columns, FileTable
    from holdfast.maintenance.scopes import Scope

_AGAIN = 500  # rows of one SELECT by primary key


class Value(NamedTuple):
    """The value of a file column in one row, not looked at yet.

    Attributes:
        place: Number of the file column.
        identity: The row's primary key; of a table without one, the JSON.
        raw: The JSON.
    """

    place: int
    identity: tuple[Any, ...]
    raw: Any


class Rows:
    """The rows of some tables.

    Args:
        session: Says which database has which table.
        columns: The tables' file columns.
        scope: The part of the files that is meant; all of them if left out.
    """

    def __init__(self, session: Session, columns: Columns, scope: Scope | None = None) -> None:
        self.session, self.columns, self.scope = session, columns, scope
        self._by_engine: dict[Engine, list[FileTable]] = {}
        self._conditions: dict[int, ColumnElement[bool]] = {}
        for table in columns.tables:
            engine = engine_of(session, table.table)
            self._by_engine.setdefault(engine, []).append(table)
            for place, column in zip(_places(table), table.columns, strict=True):
                if scope is None or columns.places[place].type.multiple:
                    continue
                if (condition := scope.condition(column, engine.dialect.name)) is not None:
                    self._conditions[place] = condition

    @property
    def engines(self) -> list[Engine]:
        """The databases."""
        return list(self._by_engine)

    @contextmanager
    def pages(self) -> Iterator[Iterator[list[Value]]]:
        """Lend the values of all rows, or of those in the scope, as one moment had them in each database."""
        # Closed here and now: left to the garbage collector, an async connection could not be awaited any more.
        with closing(self._pages()) as found:
            yield found

    def _pages(self) -> Generator[list[Value]]:
        for engine, tables in self._by_engine.items():
            with snapshot(self.session, engine) as connection:
                for table in tables:
                    yield from self._pages_of(connection, table)

    def _pages_of(self, connection: Connection, table: FileTable) -> Iterator[list[Value]]:
        keys = list(table.table.primary_key.columns)
        places, conditions, columns = _places(table), [], []
        for place, column in zip(places, table.columns, strict=True):
            text = json_text(column, connection.dialect)
            mine = self._conditions.get(place)
            conditions.append(column.is_not(None) if mine is None else mine)
            columns.append(text if mine is None else case((mine, text)))
        query = select(*keys, *columns).where(or_(*conditions))
        count = len(keys)
        with connection.execute(query, execution_options={"stream_results": True, "yield_per": PAGE}) as result:
            for part in result.partitions():
                yield [
                    Value(place, tuple(row[:count]) or (_readable(raw),), raw)
                    for row in part
                    for place, raw in zip(places, row[count:], strict=True)
                    if raw is not None
                ]

    def files(self, value: Value) -> Iterator[Held]:
        """Yield the files in a value."""
        return held(value.raw, multiple=self.columns.places[value.place].type.multiple)

    def mine(self, value: Value) -> list[Held]:
        """Return the files in a value that belong to the scope."""
        files = list(self.files(value))
        if self.scope is None or value.place in self._conditions:
            return files
        return [file for file in files if self.scope.owns(file)]

    def counts(self, value: Value) -> bool:
        """Return whether a value is counted in this scope: a list may have files in several."""
        if self.scope is None or value.place in self._conditions:
            return True
        first = next(self.files(value), None)
        return self.scope.storage is None if first is None else self.scope.owns(first)

    def again(self, wanted: Iterable[tuple[int, tuple[Any, ...]]]) -> dict[tuple[int, tuple[Any, ...]], Value]:
        """Return what rows hold now, of those that are given by column and primary key and still exist."""
        groups: dict[int, list[tuple[Any, ...]]] = {}
        for place, identity in dict.fromkeys(wanted):
            groups.setdefault(place, []).append(identity)
        found: dict[tuple[int, tuple[Any, ...]], Value] = {}
        for engine, tables in self._by_engine.items():
            mine = [place for place in groups if any(place in _places(table) for table in tables)]
            if mine:
                with snapshot(self.session, engine) as connection:
                    for place in mine:
                        found |= self.now(connection, place, groups[place])
        return found

    def name(self, place: int, identity: tuple[Any, ...]) -> tuple[str, str, tuple[str, ...]]:
        """Return how a report names the place of a file: table, column, primary key."""
        table, column, _ = self.columns.places[place]
        return table.fullname, column.name, tuple(map(_shown, identity))

    def now(
        self, connection: Connection, place: int, identities: Sequence[tuple[Any, ...]]
    ) -> dict[tuple[int, tuple[Any, ...]], Value]:
        """Return what a connection sees in a file column of some rows, of those that exist and are not NULL."""
        table, column, _ = self.columns.places[place]
        keys = list(table.primary_key.columns)
        if not keys:  # nothing to ask by: the row is taken to be as it was
            return {(place, identity): Value(place, identity, identity[0]) for identity in identities}
        query = select(*keys, json_text(column, connection.dialect)).where(column.is_not(None))
        found = {}
        for start in range(0, len(identities), _AGAIN):
            encoded = [rowkeys.encode(table, each, connection.dialect) for each in identities[start : start + _AGAIN]]
            for row in connection.execute(query.where(rowkeys.matching(table, encoded, connection.dialect))):
                identity = tuple(row[: len(keys)])
                found[place, identity] = Value(place, identity, row[-1])
        return found


def _places(table: FileTable) -> range:
    return range(table.first, table.first + len(table.columns))


def json_text(column: Column[Any], dialect: Dialect) -> ColumnElement[Any]:
    """Return a column's JSON as the driver gives it, past all types that would read it."""
    if dialect.name == "postgresql":
        return cast(column, Text)
    if dialect.name == "sqlite":
        return cast(column, LargeBinary)  # what is no UTF-8 at all must not end the SELECT
    return type_coerce(column, Text)


def _readable(raw: Any) -> str:
    return raw.decode(errors="replace") if isinstance(raw, bytes) else str(raw)


def _shown(value: Any) -> str:
    return "\\x" + value.hex() if isinstance(value, bytes) else str(value)
