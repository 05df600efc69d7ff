"""What a process wrote down before each COMMIT."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Rows = dict[int, dict[str, Any]]
"""Rows by label: the SHA-256 of each file's content, a list of them for the pages, and the folder."""


@dataclass(frozen=True)
class Intent:
    """What a process wrote down before it sent COMMIT.

    Attributes:
        rows: The rows as they should be then.
        held: The objects that they hold.
        done: Whether COMMIT was answered.
    """

    rows: Rows
    held: set[tuple[str, str]]
    done: bool


class Journal:
    """Intents of one process, which outlive it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def clear(self) -> None:
        """Begin anew."""
        self._path.write_bytes(b"")

    def write(self, entry: Any) -> None:
        """Append a line, past all buffers of the process."""
        with self._path.open("ab", buffering=0) as file:
            file.write(json.dumps(entry).encode() + b"\n")

    def read(self) -> list[Intent]:
        """Return all intents."""
        intents: list[Intent] = []
        for entry in map(json.loads, self._path.read_bytes().splitlines()):
            if entry is None:
                intents[-1] = Intent(intents[-1].rows, intents[-1].held, done=True)
            else:
                rows = {int(label): row for label, row in entry["rows"].items()}
                intents.append(Intent(rows, {(backend, path) for backend, path in entry["held"]}, done=False))
        return intents
