"""Which row gets an object that several name: one of them, and the others get copies.

It is the last in key order: all copies are made before a row owns the object and could delete it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from typing import TYPE_CHECKING, Any, Self

from holdfast.backends.wrappers.places import places_of
from holdfast.registry import storages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from holdfast.drivers.places import Place

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
        self._places: dict[str, list[Place]] = {}
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE owner (object BLOB PRIMARY KEY, row TEXT) WITHOUT ROWID")

    def note(self, found: Iterable[tuple[str | None, str | None, Any]]) -> None:
        """Note that a row names an object, in key order; None for a row that has it already."""
        records = [
            (digest, _name(row))
            for storage, key, row in found
            if key is not None
            for digest in self._digests(storage, key)
        ]
        self._database.execute("BEGIN")
        self._database.executemany(_NOTE, records)
        self._database.execute("COMMIT")

    def may_have(self, storage: str, key: str, row: Any) -> bool:
        """Return whether a row gets the object itself; one that nobody has named yet goes to the first that asks."""
        return all(self._has(digest, _name(row)) for digest in self._digests(storage, key))

    def _has(self, digest: bytes, row: str | None) -> bool:
        self._database.execute("INSERT INTO owner VALUES (?, ?) ON CONFLICT (object) DO NOTHING", (digest, row))
        found = self._database.execute("SELECT row FROM owner WHERE object = ?", (digest,)).fetchone()
        return bool(found == (row,))

    def _digests(self, storage: str | None, key: str) -> list[bytes]:
        """Return short names of an object that are the same under all names of its storage, one for each copy."""
        if storage is None or storage not in storages:
            return [_digest(storage, key)]
        if storage not in self._places:
            self._places[storage] = places_of(storages.get(storage))
        return [_digest(repr(place.anchor), f"{place.folder}{key}") for place in self._places[storage]]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._database.close()


def _digest(place: str | None, key: str) -> bytes:
    return hashlib.blake2b(json.dumps([place, key]).encode(), digest_size=16).digest()


def _name(row: Any) -> str | None:
    return None if row is None else repr(row)
