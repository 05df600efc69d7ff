"""Which row gets an object that several name: one of them, and the others get copies.

It is the last in key order: all copies are made before a row owns the object and could delete it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from typing import TYPE_CHECKING, Any, Self

from holdfast.backends.wrappers import levels
from holdfast.registry import storages

if TYPE_CHECKING:
    from collections.abc import Iterable

_NOTE = "INSERT INTO owner VALUES (?, ?) ON CONFLICT (object) DO UPDATE SET row = excluded.row"


class Owners:
    """The owner of each object, in a temporary file without a name: memory is bounded for any number of rows.

    Example:
        >>> with Owners() as owners:
        ...     owners.note([("docs", "a.txt", (1, 0)), ("docs", "a.txt", (2, 0))])
        ...     [owners.may_have("docs", "a.txt", row) for row in [(1, 0), (2, 0)]]
        [False, True]
    """

    def __init__(self) -> None:
        # Under an AsyncSession it is used in threads, one after the other.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE owner (object BLOB PRIMARY KEY, row TEXT) WITHOUT ROWID")

    def note(self, found: Iterable[tuple[str | None, str | None, Any]]) -> None:
        """Note that a row names an object, in key order; None for a row that has it already."""
        records = [(_digest(storage, key), _name(row)) for storage, key, row in found if key is not None]
        self._database.execute("BEGIN")
        self._database.executemany(_NOTE, records)
        self._database.execute("COMMIT")

    def may_have(self, storage: str, key: str, row: Any) -> bool:
        """Return whether a row gets the object itself; one that nobody has named yet goes to the first that asks."""
        digest = _digest(storage, key)
        self._database.execute("INSERT INTO owner VALUES (?, ?) ON CONFLICT (object) DO NOTHING", (digest, _name(row)))
        found = self._database.execute("SELECT row FROM owner WHERE object = ?", (digest,)).fetchone()
        return bool(found == (_name(row),))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._database.close()


def _digest(storage: str | None, key: str) -> bytes:
    """Return a short name of an object that is the same under all names of its storage."""
    if storage is not None and storage in storages:
        *_, (place, folder) = levels(storages.get(storage))
        storage, key = f"#{id(place)}", f"{folder}{key}"
    return hashlib.blake2b(json.dumps([storage, key]).encode(), digest_size=16).digest()


def _name(row: Any) -> str | None:
    return None if row is None else repr(row)
