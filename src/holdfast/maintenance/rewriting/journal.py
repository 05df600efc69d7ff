"""Which file gets which new key, written down before anything is copied: a small SQLite file."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

_TABLES = """
    CREATE TABLE IF NOT EXISTS run (arguments TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS entry (
        number INTEGER PRIMARY KEY, name TEXT NOT NULL, old TEXT NOT NULL, new TEXT NOT NULL,
        switched INTEGER NOT NULL DEFAULT 0, UNIQUE (name, old)
    );
"""


class Entry(NamedTuple):
    """A file that gets a new key.

    Attributes:
        number: Of the entry.
        old: Its key.
        new: Its new key.
        switched: Whether its row was seen to have the new key.
    """

    number: int
    old: str
    new: str
    switched: bool


class Journal:
    """The new keys of a run, and of those that were interrupted before it.

    Args:
        path: The file; None for one that goes with the run.
        run: What the run is to do, so that another one does not go on from here.

    Raises:
        ConfigurationError: The file belongs to another run, is in use by one, or cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str] | None, run: dict[str, Any]) -> None:
        self._path = None if path is None else Path(path)
        self._database = self._opened()
        try:
            self._begin(json.dumps(run))
        except BaseException:
            self._database.close()
            raise

    def _opened(self) -> sqlite3.Connection:
        try:
            # An empty name is a temporary file. One thread at a time uses it, and not always the same.
            return sqlite3.connect(self._path or "", timeout=0.0, check_same_thread=False)
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def _begin(self, arguments: str) -> None:
        try:
            # Up to the end: another run would take the copies of this one for left over.
            self._database.executescript(f"PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; {_TABLES} COMMIT;")
            found = self._database.execute("SELECT arguments FROM run").fetchone()
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        if found is None:
            with self._database:
                self._database.execute("INSERT INTO run VALUES (?)", (arguments,))
        elif found[0] != arguments:
            message = f"{self._path} belongs to a run with other arguments: repeat them, or give another path"
            raise ConfigurationError(message)

    def _unusable(self, error: sqlite3.Error) -> ConfigurationError:
        return ConfigurationError(f"state={str(self._path)!r} cannot be used: {error}; give another path")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def plan(self, wanted: Sequence[tuple[str, str, str]]) -> list[str]:
        """Note new keys, and return those to be used: an earlier run may have chosen before.

        Args:
            wanted: For each file its name, its key, and its new key.
        """
        with self._database:
            self._database.executemany("INSERT OR IGNORE INTO entry (name, old, new) VALUES (?, ?, ?)", wanted)
        query = "SELECT new FROM entry WHERE name = ? AND old = ?"
        return [self._database.execute(query, (name, old)).fetchone()[0] for name, old, _ in wanted]

    def switched(self, files: Sequence[tuple[str, str]]) -> None:
        """Note that rows have their new keys, by name and old key."""
        with self._database:
            self._database.executemany("UPDATE entry SET switched = 1 WHERE name = ? AND old = ?", files)

    def entries(self, size: int) -> Iterator[list[Entry]]:
        """Yield all entries, so many at a time; those that were yielded may be forgotten or noted."""
        last = 0
        query = "SELECT number, old, new, switched FROM entry WHERE number > ? ORDER BY number LIMIT ?"
        while True:
            with closing(self._database.execute(query, (last, size))) as found:
                page = [Entry(number, old, new, bool(switched)) for number, old, new, switched in found]
            if not page:
                return
            yield page
            last = page[-1].number

    def forget(self, entries: Sequence[Entry]) -> None:
        """Drop entries."""
        with self._database:
            self._database.executemany("DELETE FROM entry WHERE number = ?", [(each.number,) for each in entries])

    def mark(self, entries: Sequence[Entry]) -> None:
        """Note that the rows of entries have their new keys."""
        with self._database:
            numbers = [(each.number,) for each in entries]
            self._database.executemany("UPDATE entry SET switched = 1 WHERE number = ?", numbers)

    def remove_if_done(self) -> None:
        """Remove the file if nothing is left to be remembered."""
        if self._path is not None and self._database.execute("SELECT 1 FROM entry LIMIT 1").fetchone() is None:
            self._database.close()
            self._path.unlink(missing_ok=True)
