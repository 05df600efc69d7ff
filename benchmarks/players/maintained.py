"""Rows and files to be looked after, a few bytes each: one file in a hundred is held by no row."""

from __future__ import annotations

import json
import os
import random
import time
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text

from benchmarks.measuring.race import SPEED, Player

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from benchmarks.measuring.race import Setting

CONTENT = b"twelve bytes"
CHECKSUM = f"sha256:{sha256(CONTENT).hexdigest()}"
GARBAGE = 100  # one file in so many
DAYS = 365
MILLION = 10**6


class Caretaker(Player):
    """Has rows in SQLite and files in a local folder; the figure is what a million of them take."""

    def __init__(self, setting: Setting, key: Callable[[int], str]) -> None:
        """`key` makes a key for a day, counted back from today."""
        super().__init__(setting)
        self.files = setting.folder / "files"
        self.url = f"sqlite:///{setting.folder}/rows.sqlite"
        keys = [key(number * 7919 % DAYS) for number in range(setting.amount)]
        self.garbage, self.held = keys[::GARBAGE], [key for number, key in enumerate(keys) if number % GARBAGE]
        random.Random(1).shuffle(keys)  # noqa: S311  # not a secret
        self.write(keys)
        self.write_rows("docs")

    def write(self, keys: Iterable[str]) -> None:
        """Write files."""
        for key in keys:
            path = self.files / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(CONTENT)

    def write_rows(self, storage: str) -> None:
        """Write a row for each key that is held, as Holdfast does, and no other."""
        value = {"backend": storage, "filename": "a.pdf", "content_type": "application/pdf", "size": len(CONTENT)}
        value |= {"last_modified": 1.0, "checksum": CHECKSUM, "etag": "1-12", "version_id": None, "metadata": {}}
        engine = create_engine(self.url)
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE IF EXISTS document"))
            connection.execute(text("CREATE TABLE document (id INTEGER PRIMARY KEY, file JSON)"))
            rows = [{"file": json.dumps(value | {"to_filename": key})} for key in self.held]
            connection.execute(text("INSERT INTO document (file) VALUES (:file)"), rows)
        engine.dispose()

    def measure(self) -> dict[str, float]:
        """Return the seconds for a million."""
        start, worked = time.perf_counter(), time.process_time()
        self.run()
        seconds, worked = time.perf_counter() - start, time.process_time() - worked
        return {SPEED: seconds * MILLION / self.setting.amount, "computed": worked * MILLION / self.setting.amount}


def expect(found: int, expected: int, what: str) -> None:
    """Raise if a round did not do its work."""
    if found != expected:
        message = f"{found} {what} instead of {expected}"
        raise RuntimeError(message)


def count(folder: Path) -> int:
    """Count the files of a folder."""
    return sum(len(files) for _, _, files in os.walk(folder))
