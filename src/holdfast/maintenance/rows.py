"""Reading file columns: all rows in one snapshot, streamed; or some of them again, by primary key."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import LargeBinary, Text, cast, or_, select, type_coerce

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
    """

    def __init__(self, session: Session, columns: Columns) -> None:
        self.session, self.columns = session, columns
        self._by_engine: dict[Engine, list[FileTable]] = {}
        for table in columns.tables:
            self._by_engine.setdefault(engine_of(session, table.table), []).append(table)

    @property
    def engines(self) -> list[Engine]:
        """The databases."""
        return list(self._by_engine)

    @contextmanager
    def pages(self) -> Iterator[Iterator[list[Value]]]:
        """Lend the values of all rows, as one moment had them in each database."""
        # Closed here and now: left to the garbage collector, an async connection could not be awaited any more.
        with closing(self._pages()) as found:
            yield found

    def _pages(self) -> Generator[list[Value]]:
        for engine, tables in self._by_engine.items():
            with snapshot(self.session, engine) as connection:
                for table in tables:
                    yield from _pages(connection, table)

    def files(self, value: Value) -> Iterator[Held]:
        """Yield the files in a value."""
        return held(value.raw, multiple=self.columns.places[value.place].type.multiple)

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


def _pages(connection: Connection, table: FileTable) -> Iterator[list[Value]]:
    keys = list(table.table.primary_key.columns)
    columns = [json_text(column, connection.dialect) for column in table.columns]
    query = select(*keys, *columns).where(or_(*(column.is_not(None) for column in table.columns)))
    places = _places(table)
    count = len(keys)
    with connection.execute(query, execution_options={"stream_results": True, "yield_per": PAGE}) as result:
        for part in result.partitions():
            yield [
                Value(place, tuple(row[:count]) or (_readable(raw),), raw)
                for row in part
                for place, raw in zip(places, row[count:], strict=True)
                if raw is not None
            ]


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
