"""Random statements of a client that knows nothing of Holdfast: storage and rows agree after every drain."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Connection, Engine, ForeignKey, Integer, MetaData, Table, text

from holdfast import Outbox, StorageBackend, StoredObject, storages
from tests.orm.conftest import contents

from .rows import drain, put, run, value

metadata = MetaData()
Table(
    "document",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("cover", StoredObject("docs")),
    Column("pages", StoredObject("docs", multiple=True)),
)
Table(
    "picture",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("document_id", ForeignKey("document.id", ondelete="CASCADE", onupdate="CASCADE")),
    Column("thumbnail", StoredObject("docs")),
)
Outbox(metadata, triggers=True)

KEYS = st.integers(1, 2)
PLACES = st.sampled_from([("document", "cover"), ("document", "pages"), ("picture", "thumbnail")])
STEPS = st.one_of(
    st.tuples(st.just("insert"), PLACES, KEYS, KEYS),
    st.tuples(st.just("store"), PLACES, KEYS),
    st.tuples(st.just("unset"), PLACES, KEYS),
    st.tuples(st.just("swap"), PLACES, KEYS, PLACES, KEYS),
    *(st.tuples(st.just("move"), PLACES, KEYS, PLACES, KEYS) for _ in range(3)),
    st.tuples(st.just("rename"), PLACES, KEYS, KEYS),
    st.tuples(st.just("delete"), PLACES, KEYS),
    st.tuples(st.just("savepoint"), st.booleans(), st.integers(1, 4)),
)
TRANSACTIONS = st.lists(st.tuples(st.booleans(), st.lists(STEPS, max_size=8), st.booleans()), min_size=1, max_size=5)


@dataclass
class Client:
    """Runs steps; those that make no sense for the rows at hand do nothing."""

    connection: Connection
    numbers: Iterator[int] = field(default_factory=count)
    stored: list[str] = field(default_factory=list)
    undone: set[str] = field(default_factory=set)

    def run(self, steps: list[tuple]) -> None:
        """Run steps, those that follow a savepoint inside of it."""
        rest = list(steps)
        while rest:
            name, *arguments = rest.pop(0)
            if name != "savepoint":
                getattr(self, name)(*arguments)
                continue
            release, length = arguments
            inner, rest = rest[:length], rest[length:]
            nested, before = self.connection.begin_nested(), len(self.stored)
            self.run(inner)
            if release:
                nested.commit()
            else:
                nested.rollback()
                self.undone.update(self.stored[before:])

    def insert(self, place: tuple[str, str], key: int, parent: int) -> None:
        """Insert a row, with a new file."""
        table, column = place
        if self._exists(table, key):
            return
        run(self.connection, f"INSERT INTO {table} (id, {column}) VALUES ({key}, :file)", file=self._new(column))
        if table == "picture" and self._exists("document", parent):
            run(self.connection, f"UPDATE picture SET document_id = {parent} WHERE id = {key}")

    def store(self, place: tuple[str, str], key: int) -> None:
        """Put a new file in the place of another."""
        table, column = place
        if self._exists(table, key):
            run(self.connection, f"UPDATE {table} SET {column} = :file WHERE id = {key}", file=self._new(column))

    def unset(self, place: tuple[str, str], key: int) -> None:
        """Empty a column."""
        table, column = place
        run(self.connection, f"UPDATE {table} SET {column} = NULL WHERE id = {key}")

    def swap(self, one: tuple[str, str], key: int, other: tuple[str, str], other_key: int) -> None:
        """Let two places change their files, in two statements."""
        if not (self._exists(one[0], key) and self._exists(other[0], other_key)):
            return
        held = self._files(*one, key), self._files(*other, other_key)
        if min(map(len, held)) == 0 or (one, key) == (other, other_key):
            return
        self._write(*one, key, held[1])
        self._write(*other, other_key, held[0])

    def move(self, one: tuple[str, str], key: int, other: tuple[str, str], other_key: int) -> None:
        """Take the files out of one place and put them into an empty one: no drop names the row that holds them now."""
        if not (self._exists(one[0], key) and self._exists(other[0], other_key)):
            return
        taken = self._files(*one, key)
        if taken and not self._files(*other, other_key):
            self.unset(one, key)
            self._write(*other, other_key, taken)

    def rename(self, place: tuple[str, str], key: int, new: int) -> None:
        """Give a row another primary key."""
        if not self._exists(place[0], new):
            run(self.connection, f"UPDATE {place[0]} SET id = {new} WHERE id = {key}")

    def delete(self, place: tuple[str, str], key: int) -> None:
        """Delete a row, and with a document its pictures."""
        run(self.connection, f"DELETE FROM {place[0]} WHERE id = {key}")

    def _new(self, column: str) -> str:
        keys = [f"file{next(self.numbers)}" for _ in range(2 if column == "pages" else 1)]
        put(*keys)
        self.stored += keys
        return f"[{', '.join(map(value, keys))}]" if column == "pages" else value(keys[0])

    def _exists(self, table: str, key: int) -> bool:
        return bool(self.connection.scalar(text(f"SELECT count(*) FROM {table} WHERE id = {key}")))

    def _files(self, table: str, column: str, key: int) -> list[dict]:
        return files(self.connection.scalar(text(f"SELECT {column} FROM {table} WHERE id = {key}")))

    def _write(self, table: str, column: str, key: int, held: list[dict]) -> None:
        # Of several files a column of one takes the first: the others are let go.
        written = held if column == "pages" else held[0]
        run(self.connection, f"UPDATE {table} SET {column} = :file WHERE id = {key}", file=json.dumps(written))


def files(stored: object) -> list[dict]:
    """Return the files of a column's value, as a driver gives it."""
    found = json.loads(stored) if isinstance(stored, str) else stored
    return found if isinstance(found, list) else [found] if found else []


def held(connection: Connection) -> set[str]:
    """Return what the rows hold."""
    query = "SELECT cover FROM document UNION ALL SELECT pages FROM document UNION ALL SELECT thumbnail FROM picture"
    return {file["to_filename"] for stored in connection.scalars(text(query)) for file in files(stored)}


@pytest.fixture
def tables(engine: Engine) -> Engine:
    """The tables with their triggers."""
    metadata.create_all(engine)
    return engine


@pytest.mark.usefixtures("docs")
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(transactions=TRANSACTIONS)
def test_rows_and_storage_agree(tables: Engine, transactions: list) -> None:
    """Committed, rolled back, released: what rows hold is there, and what none holds is gone."""
    storage: StorageBackend = storages.get("docs")
    with tables.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    for key in contents(storage):
        storage.delete(key)
    numbers = count()
    with tables.begin() as connection:
        client = Client(connection, numbers)
        for key in (1, 2):
            client.insert(("document", "cover"), key, key)
            client.insert(("picture", "thumbnail"), key, key)
    undone: set[str] = set()  # stored, but rolled back: nothing in the database ever knew of them
    for commit, steps, drained in transactions:
        with tables.connect() as connection:
            run(connection, "UPDATE document SET id = id")  # SQLite's savepoints need a transaction around them
            client = Client(connection, numbers)
            client.run(steps)
            if commit:
                connection.commit()
            else:
                connection.rollback()
        undone.update(client.undone if commit else client.stored)
        if drained:
            drain(tables, metadata)
    drain(tables, metadata)
    with tables.connect() as connection:
        left = held(connection)
    there = set(contents(storage))
    assert left <= there
    assert there - left <= undone
