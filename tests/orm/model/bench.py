"""The bench: storages and tables that outlive a run, and the comparison of both with the model."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import JSON, create_engine, delete, select, type_coerce

from holdfast import StorageBackend, storages
from tests.orm.model.model import Piece, Rows, pieces_of
from tests.orm.model.schema import DEFAULT_STORAGE, STORAGES, Base, Document, Picture
from tests.orm.model.storage import DictDriver
from tests.orm.model.worlds import prepared

Key = tuple[str, str]


class BrokenPromiseError(AssertionError):
    """The row and its bytes did not share one fate.

    Attributes:
        kinds: Which invariants do not hold: a file is ``lost`` or ``shared``, its ``bytes`` are others, an object is
            a ``leak``, a ``value`` or the ``rows`` are not what was committed, sound files were ``refused``, cleaning
            up failed (``log``).
    """

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("\n".join(f"{kind}: {text}" for kind, text in problems))
        self.kinds = {kind for kind, _ in problems}


class Bench:
    """Storages and tables.

    Args:
        url: The database, for a sync driver: the bench looks at it from outside.
    """

    def __init__(self, url: str) -> None:
        self.drivers = {name: DictDriver() for name in STORAGES}
        self._engine = prepared(create_engine(url))
        self._log = _Log()
        self._allowed: set[Key] = set()

    @contextmanager
    def open(self) -> Iterator[None]:
        """Make the tables and register the storages."""
        for name, driver in self.drivers.items():
            storages.register_backend(StorageBackend(name, driver))
        logger = logging.getLogger("holdfast")
        logger.addHandler(self._log)
        try:
            Base.metadata.create_all(self._engine)
            yield
        finally:
            logger.removeHandler(self._log)
            self._engine.dispose()
            for name in self.drivers:
                storages.unregister(name)

    def clear(self) -> None:
        """Empty the tables and the storages."""
        with self._engine.begin() as connection:
            for table in reversed(Base.metadata.sorted_tables):
                connection.execute(delete(table))
        for driver in self.drivers.values():
            driver.objects.clear()
        self._allowed = set()
        self._log.errors.clear()

    def check(self, expected: Rows, *, unknown: bool = False) -> None:
        """Compare the tables and the storages with the model.

        Args:
            expected: The rows that are committed.
            unknown: A COMMIT was sent and not acknowledged: what it left over stays for the sweep.

        Raises:
            BrokenPromiseError: They differ.
        """
        problems: list[tuple[str, str]] = []
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
        if unknown:
            self._allowed |= extra
        else:
            problems += [("leak", f"{key} belongs to no row") for key in sorted(extra - self._allowed)]
            problems += [("log", text) for text in self._log.errors]
        self._log.errors.clear()
        if problems:
            raise BrokenPromiseError(problems)

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
        facts = {
            "backend": piece.storage,
            "size": len(piece.data),
            "checksum": f"sha256:{hashlib.sha256(piece.data).hexdigest()}",
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
