"""The same by hand, all keys in memory at once: what the database and the folder take by themselves."""

from __future__ import annotations

import json
import os
import uuid
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, text

from benchmarks.players.maintained import Caretaker, count, expect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.measuring.race import Setting

BATCH = 200


class Script(Caretaker):
    """What people write in an afternoon."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting, lambda day: f"2026/{day // 31 + 1:02}/{day % 31 + 1:02}/{uuid.uuid4().hex}-a.pdf")
        self.engine = create_engine(self.url)

    def rows(self) -> list[tuple[int, dict[str, Any]]]:
        """Read all rows."""
        with self.engine.connect() as connection:
            return [(key, json.loads(file)) for key, file in connection.execute(text("SELECT id, file FROM document"))]

    def sizes(self) -> dict[str, int]:
        """Look at all files."""
        found = walk(os.fspath(self.files))
        start = len(os.fspath(self.files)) + 1
        return {entry.path[start:]: entry.stat().st_size for entry in found}


def walk(folder: str) -> Iterator[os.DirEntry[str]]:
    """Yield all files below a folder."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from walk(entry.path)
            else:
                yield entry


class Verify(Script):
    """Every row has its bytes."""

    def run(self) -> None:
        """Compare names and sizes."""
        sizes = self.sizes()
        self.good = sum(sizes.pop(value["to_filename"], -1) == value["size"] for _, value in self.rows())
        self.left = len(sizes)

    def check(self) -> None:
        """It has seen them all."""
        expect(self.good, len(self.held), "good rows")
        expect(self.left, len(self.garbage), "without a row")


class Sweep(Script):
    """What no row holds goes."""

    def prepare(self) -> None:
        """Write what the last round has deleted."""
        self.write(self.garbage)

    def run(self) -> None:
        """Delete."""
        held = {value["to_filename"] for _, value in self.rows()}
        for key in self.sizes().keys() - held:
            (self.files / key).unlink()

    def check(self) -> None:
        """It has deleted these, and no others."""
        expect(count(self.files), len(self.held), "files")


class Migrate(Script):
    """Files move to another folder."""

    number = 0

    def prepare(self) -> None:
        """Let the rows be as in the beginning, and the new folder empty."""
        self.number += 1
        self.target = self.setting.folder / f"moved-{self.number}"
        self.write_rows("docs")

    def run(self) -> None:
        """Copy one file after the other, and update the rows."""
        rows = self.rows()
        for start in range(0, len(rows), BATCH):
            moved = []
            for key, value in rows[start : start + BATCH]:
                copy(self.files / value["to_filename"], self.target / value["to_filename"], value["checksum"])
                moved.append({"id": key, "file": json.dumps(value | {"backend": "new"})})
            with self.engine.begin() as connection:
                connection.execute(text("UPDATE document SET file = :file WHERE id = :id"), moved)

    def check(self) -> None:
        """The files have moved."""
        expect(count(self.target), len(self.held), "files")


def copy(source: Path, target: Path, checksum: str) -> None:
    """Copy a file whose checksum is known; it appears at once, or not at all."""
    content = source.read_bytes()
    if f"sha256:{sha256(content).hexdigest()}" != checksum:
        message = f"{source} has changed"
        raise RuntimeError(message)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    part.write_bytes(content)
    part.rename(target)
