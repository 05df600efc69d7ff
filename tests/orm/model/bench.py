"""The bench: storages and tables that outlive a run, and the comparison of both with the model."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any

from sqlalchemy import JSON, create_engine, delete, select, type_coerce
from sqlalchemy.orm import Session

from holdfast import StorageBackend, storages
from tests.orm.model.files import AGED
from tests.orm.model.model import Piece, Rows, pieces_of
from tests.orm.model.schema import DEFAULT_STORAGE, STORAGES, Base, Document, Mode, Picture, outbox
from tests.orm.model.storage import DictDriver
from tests.orm.model.worlds import prepared

Key = tuple[str, str]


class BrokenPromiseError(AssertionError):
    """The row and its bytes did not share one fate.

    Attributes:
        kinds: Which invariants do not hold: a file is ``lost`` or ``shared``, its ``bytes`` are others, an object is
            a ``leak``, a ``value`` or the ``rows`` are not what was committed, sound files were ``refused``, cleaning
            up failed (``log``), an entry of the ``outbox`` waits for nothing.
    """

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("\n".join(f"{kind}: {text}" for kind, text in problems))
        self.kinds = {kind for kind, _ in problems}


class Left(Enum):
    """What a transaction may leave over for a sweep."""

    NOTHING = "nothing"
    NEW = "what it wrote itself"
    ANYTHING = "anything"


class Bench:
    """Storages and tables.

    Args:
        url: The database, for a sync driver: the bench looks at it from outside.
        mode: What tells which files are to be deleted.
    """

    def __init__(self, url: str, mode: Mode = Mode.PLAIN) -> None:
        self.mode = mode
        self.drivers = {name: DictDriver() for name in STORAGES}
        self._engine = prepared(create_engine(url))
        self._log = _Log()
        self._allowed: set[Key] = set()
        self._owned: set[Key] = set()

    @contextmanager
    def open(self) -> Iterator[None]:
        """Make the tables and register the storages."""
        for name, driver in self.drivers.items():
            storages.register_backend(StorageBackend(name, driver))
        logger = logging.getLogger("holdfast")
        logger.addHandler(self._log)
        try:
            Base.metadata.create_all(self._engine)
            with self._open_outbox():
                yield
        finally:
            logger.removeHandler(self._log)
            self._engine.dispose()
            for name in self.drivers:
                storages.unregister(name)

    @contextmanager
    def _open_outbox(self) -> Iterator[None]:
        """Make the triggers, if they are to be there; without an outbox its table is there, but nobody knows."""
        declared = {name: value for name, value in Base.metadata.info.items() if value is outbox}
        if self.mode is Mode.PLAIN:
            for name in declared:
                del Base.metadata.info[name]
        if self.mode is Mode.TRIGGERS:
            with self._engine.begin() as connection:
                outbox.create_triggers(connection)
        try:
            yield
        finally:
            Base.metadata.info.update(declared)
            if self.mode is Mode.TRIGGERS:
                with self._engine.begin() as connection:
                    outbox.drop_triggers(connection)

    def clear(self) -> None:
        """Empty the tables and the storages."""
        with self._engine.begin() as connection:
            for table in [*reversed(Base.metadata.sorted_tables), outbox.table]:  # triggers write to the last one
                connection.execute(delete(table))
        for driver in self.drivers.values():
            driver.objects.clear()
        self._allowed, self._owned = set(), set()
        self._log.errors.clear()

    def sweep(self) -> None:
        """Delete the files that are days old and in no committed row."""
        held = {key for row in self._rows().values() for value in row.values() for key in _keys(value)}
        for name, driver in self.drivers.items():
            driver.delete([key for key in driver.objects if key.startswith(AGED) and (name, key) not in held])

    def check(self, expected: Rows, left: Left = Left.NOTHING) -> None:
        """Compare the tables and the storages with the model.

        Args:
            expected: The rows that are committed.
            left: What may be left over; with an outbox it is drained first.

        Raises:
            BrokenPromiseError: They differ.
        """
        problems = [] if self.mode is Mode.PLAIN else self._drained(left)
        found = self._rows()
        expected = {label: row for label, row in expected.items() if row.kind in {"document", "picture"}}
        if sorted(found) != sorted(expected):
            problems.append(("rows", f"found {sorted(found)}, expected {sorted(expected)}"))
        owners: Counter[Key] = Counter()
        for label in sorted(found.keys() & expected.keys()):
            for column, value in expected[label].files.items():
                where = f"row {label}, {column}"
                problems += self._compare(where, found[label][column], value)
                owners.update(_keys(found[label][column]))
        problems += [("shared", f"{key} has {count} owners") for key, count in owners.items() if count > 1]
        stored = {(name, key) for name, driver in self.drivers.items() for key in driver.objects}
        extra = stored - owners.keys()
        if left is not Left.NOTHING:
            self._allowed |= extra if left is Left.ANYTHING else extra - self._owned
        problems += [("leak", f"{key} belongs to no row") for key in sorted(extra - self._allowed)]
        if left is not Left.ANYTHING:
            problems += [("log", text) for text in self._log.errors]
        self._log.errors.clear()
        self._owned = set(owners)
        if problems:
            raise BrokenPromiseError(problems)

    def _drained(self, left: Left) -> list[tuple[str, str]]:
        """Drain the outbox where somebody else has to, and find nothing in it."""
        with Session(self._engine) as session:
            if self.mode is Mode.TRIGGERS or left is not Left.NOTHING:
                outbox.drain(session)
            drops = session.execute(select(outbox.table).where(outbox.table.c.kind == "drop")).all()
        return [("outbox", f"{drop} is left") for drop in drops]

    def _rows(self) -> dict[int, dict[str, Any]]:
        """Read all rows over a connection of their own, past the library."""
        tables = Document.__table__.outerjoin(Picture.__table__)
        columns = [(Picture if name == "thumbnail" else Document).__table__.c[name] for name in DEFAULT_STORAGE]
        query = select(Document.__table__.c.label, *(type_coerce(column, JSON) for column in columns))
        with self._engine.connect() as connection:
            rows = connection.execute(query.select_from(tables)).all()
        return {row[0]: dict(zip(DEFAULT_STORAGE, row[1:], strict=True)) for row in rows}

    def _compare(self, where: str, found: Any, expected: Any) -> list[tuple[str, str]]:
        values, pieces = _as_list(found), pieces_of(expected)
        if type(found) is not {list: list, tuple: list, Piece: dict}.get(type(expected), type(None)) or (
            len(values) != len(pieces)
        ):
            return [("value", f"{where}: holds {found}, expected {expected}")]
        return [
            problem
            for value, piece in zip(values, pieces, strict=True)
            for problem in self._compare_file(where, value, piece)
        ]

    def _compare_file(self, where: str, value: dict[str, Any], piece: Piece) -> Iterator[tuple[str, str]]:
        checksum = None if piece.adopted else f"sha256:{hashlib.sha256(piece.data).hexdigest()}"
        facts = {
            "backend": piece.storage,
            "size": len(piece.data),
            "checksum": checksum,
            "metadata": {} if piece.note is None else {"note": piece.note},
        }
        for name, fact in facts.items():
            if value[name] != fact:
                yield "value", f"{where}: {name} is {value[name]!r}, expected {fact!r}"
        objects = self.drivers[value["backend"]].objects
        if value["to_filename"] not in objects:
            yield "lost", f"{where}: {value['to_filename']} is gone, expected {piece.data!r}"
        elif objects[value["to_filename"]] != piece.data:
            yield "bytes", f"{where}: {objects[value['to_filename']]!r}, expected {piece.data!r}"


class _Log(logging.Handler):
    """Keeps what the library logs as errors."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.errors.append(self.format(record))


def _as_list(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _keys(value: Any) -> set[Key]:
    """Return where the files of a column lie; a list may hold one of its files twice."""
    return {(file["backend"], file["to_filename"]) for file in _as_list(value)}
