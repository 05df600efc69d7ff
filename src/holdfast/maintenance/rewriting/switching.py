"""Giving rows a new value only if they still have the old one: compare-and-swap, a page in one short transaction."""

from __future__ import annotations

import asyncio
import json
import random
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from sqlalchemy import (
    CHAR,
    LargeBinary,
    Text,
    and_,
    bindparam,
    cast,
    update,
)
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError
from sqlalchemy.pool import SingletonThreadPool, StaticPool

from holdfast.errors import ConfigurationError
from holdfast.maintenance.rewriting.entries import Entries
from holdfast.orm import bridge
from holdfast.orm.engines import engine_of, fresh_connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Column, ColumnElement, Connection, Dialect, Engine, Table

    from holdfast.maintenance.rows import Rows

T = TypeVar("T")

_TRIES = 6
_LASTING = (DataError, IntegrityError, NotSupportedError, ProgrammingError)


class Switch(NamedTuple):
    """A new value for one file column of one row.

    Attributes:
        place: Number of the file column.
        identity: The row's primary key.
        old: The JSON that it was read with.
        new: The new value, not encoded.
    """

    place: int
    identity: tuple[Any, ...]
    old: Any
    new: Any


def switch(rows: Rows, switches: Sequence[Switch]) -> list[bool]:
    """Give rows new values in one transaction for each database, and say for each whether it has its value now.

    A row that was changed or deleted since it was read stays as it is. Columns with an ``onupdate`` keep their value:
    the application changed nothing. Entries that triggers made for the outbox go again: whoever switches decides what
    becomes of the old objects.

    A deadlock, a locked database and a lost connection are tried again. If a COMMIT had taken effect although its
    answer was lost, the rows have their values, and are found to have them.

    Raises:
        DBAPIError: The database refused, for a reason that stays. Then no row was changed.
    """
    by_engine: dict[Engine, list[Switch]] = {}
    for each in switches:
        by_engine.setdefault(engine_of(rows.session, rows.columns.places[each.place].table), []).append(each)
    done: set[tuple[int, tuple[Any, ...]]] = set()
    for engine, mine in by_engine.items():
        done |= _persistently(partial(_switch, rows, engine, mine))
    return [(each.place, each.identity) in done for each in switches]


def _switch(rows: Rows, engine: Engine, switches: Sequence[Switch]) -> set[tuple[int, tuple[Any, ...]]]:
    """Do it in one transaction, and return which rows have their values."""
    done: set[tuple[int, tuple[Any, ...]]] = set()
    with transaction(rows, engine) as connection:
        entries = Entries(connection, rows, engine, switches)
        places: dict[int, list[Switch]] = {}
        for each in switches:
            places.setdefault(each.place, []).append(each)
        for place, group in places.items():
            _update(connection, rows, place, group)
            now = rows.now(connection, place, [each.identity for each in group])
            done |= {(place, each.identity) for each in group if _is(now.get((place, each.identity)), each.new)}
        switched = [each for each in switches if (each.place, each.identity) in done]
        entries.take_back(switched)
    return done


def _persistently(call: Callable[[], T]) -> T:
    """Call again what failed for a moment only."""
    for attempt in range(_TRIES - 1):
        try:
            return call()
        except DBAPIError as error:
            if isinstance(error, _LASTING):
                raise
            # Longer each time, and not in step with whoever was in the way.
            seconds = 0.05 * 2**attempt * (1 + random.random())  # noqa: S311  # nobody gains by guessing it
            bridge.do(partial(time.sleep, seconds), partial(asyncio.sleep, seconds))
    return call()


def _is(found: Any, new: Any) -> bool:
    if found is None:
        return False
    raw = found.raw.decode() if isinstance(found.raw, (bytes, bytearray)) else found.raw
    return bool(json.loads(raw) == new)


@contextmanager
def transaction(rows: Rows, engine: Engine) -> Iterator[Connection]:
    """Enter a transaction of its own, which is committed at the end.

    Raises:
        ConfigurationError: Its only connection is in use by the session.
    """
    if isinstance(engine.pool, (StaticPool, SingletonThreadPool)) and rows.session.in_transaction():
        message = "the database has one connection only, and the session is in a transaction: end it first"
        raise ConfigurationError(message)
    with fresh_connection(engine) as connection, connection.begin():
        yield connection


def _update(connection: Connection, rows: Rows, place: int, group: Sequence[Switch]) -> None:
    table, column, _ = rows.columns.places[place]
    keys = list(table.primary_key.columns)
    same = [key == bindparam(f"holdfast_key{index}", type_=key.type) for index, key in enumerate(keys)]
    value = bindparam("holdfast_new", type_=_json_type(column, connection.dialect))
    values = {**untouched(table), column: value}
    statement = update(table).where(and_(*same, _unchanged(column, connection.dialect))).values(values)
    connection.execute(
        statement,
        [
            {f"holdfast_key{index}": value for index, value in enumerate(each.identity)}
            | {"holdfast_old": each.old, "holdfast_new": each.new}
            for each in group
        ],
    )


def untouched(table: Table) -> dict[Column[Any], Column[Any]]:
    """Return what an UPDATE sets so that columns with an ``ON UPDATE`` of any kind keep their values."""
    return {
        each: each
        for each in table.columns
        if each.onupdate is not None
        or each.server_onupdate is not None
        # MySQL's is mostly declared as part of the default.
        or "on update" in str(getattr(each.server_default, "arg", "")).lower()
    }


def _json_type(column: Column[Any], dialect: Dialect) -> Any:
    kind: Any = column.type
    return kind.load_dialect_impl(dialect)


def _unchanged(column: Column[Any], dialect: Dialect) -> ColumnElement[bool]:
    """Return whether a column still has the text that `Rows` read."""
    if dialect.name == "sqlite":
        return cast(column, LargeBinary) == bindparam("holdfast_old", type_=LargeBinary)
    if dialect.name == "postgresql":
        return cast(column, Text) == bindparam("holdfast_old", type_=Text)
    # MySQL compares JSON with a text as JSON, MariaDB's collation may be any.
    return cast(column, CHAR).collate("utf8mb4_bin") == bindparam("holdfast_old", type_=Text)
