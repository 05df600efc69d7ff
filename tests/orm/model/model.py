"""The model: what the rows are expected to hold, on paper. It knows nothing of keys, ledgers or sessions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

Rows = dict[int, "Row"]


@dataclass(frozen=True)
class Piece:
    """What is expected of one file.

    Attributes:
        data: Its bytes; no two uploads have the same.
        storage: Where they lie.
        note: What its metadata say.
        once: Its content can be read only once.
        fails: Its content raises when it is read.
        named: It lies under a key that the caller named.
        adopted: It was there before its row: nothing but its name is known.
    """

    data: bytes
    storage: str
    note: int | None = None
    once: bool = False
    fails: bool = False
    named: bool = False
    adopted: bool = False


@dataclass(frozen=True)
class Row:
    """One row: its class, its folder, and the value of each file column."""

    kind: str
    folder: int | None = None
    files: dict[str, Any] = field(default_factory=dict)

    def with_file(self, column: str, value: Any) -> Row:
        """Return the row with another value in one column."""
        return replace(self, files={**self.files, column: value})

    def pieces(self) -> list[Piece]:
        """Return all files of the row."""
        return [piece for value in self.files.values() for piece in pieces_of(value)]


def pieces_of(value: Any) -> tuple[Piece, ...]:
    """Return the files in the value of a column."""
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


class Model:
    """Rows by label, in three stages: in the session, flushed, committed.

    Attributes:
        view: What the session's objects hold.
        flushed: What the transaction's tables hold.
        committed: What everybody's tables hold.
        doomed: Rows that the next flush deletes.
        hidden: Rows that the session must leave alone until its transaction ends.
    """

    def __init__(self) -> None:
        self.view: Rows = {}
        self.flushed: Rows = {}
        self.committed: Rows = {}
        self.doomed: set[int] = set()
        self.hidden: set[int] = set()
        self._savepoints: list[Rows] = []

    @property
    def depth(self) -> int:
        """Number of open savepoints."""
        return len(self._savepoints)

    def labels(self, *kinds: str) -> list[int]:
        """Return the rows of some classes, as the session sees them."""
        return [label for label, row in self.view.items() if row.kind in kinds and label not in self.hidden]

    def is_new(self, label: int) -> bool:
        """Return whether a row is not flushed yet."""
        return label not in self.flushed

    def has_failing(self) -> bool:
        """Return whether an upload is bound to fail."""
        return any(piece.fails for row in self.view.values() for piece in row.pieces())

    def put(self, label: int, column: str, value: Any) -> None:
        """Change one column in the session."""
        self.view[label] = self.view[label].with_file(column, value)

    def forget(self, label: int, columns: Iterable[str] | None = None) -> None:
        """Drop changes that were not flushed."""
        row = self.flushed[label]
        for column in row.files if columns is None else columns:
            self.put(label, column, row.files[column])

    def flush(self) -> None:
        """Write the session's changes."""
        self.view = {label: row for label, row in self.view.items() if label not in self.doomed}
        self.flushed = dict(self.view)
        self.doomed = set()

    def changed(self) -> set[int]:
        """Return the rows that the next flush writes; some of them as they are."""
        return {label for label, row in self.view.items() if row is not self.flushed.get(label)} | self.doomed

    def change_outside(self, label: int, row: Row | None) -> None:
        """Change a row for everybody: another session did that, and committed it; None deletes it."""
        stages = [self.view, self.flushed, self.committed, *self._savepoints]
        stages = [{**stage, label: row} if row else {k: v for k, v in stage.items() if k != label} for stage in stages]
        self.view, self.flushed, self.committed, *self._savepoints = stages

    def begin(self) -> None:
        """Set a savepoint."""
        self._savepoints.append(self.flushed)

    def release(self) -> None:
        """Forget the last savepoint."""
        self._savepoints.pop()

    def rollback(self) -> None:
        """Go back to the last savepoint."""
        self._reset(self._savepoints.pop())

    def end(self, *, committed: bool) -> None:
        """End the transaction."""
        if committed:
            self.committed = self.flushed
        self._savepoints, self.hidden = [], set()
        self._reset(self.committed)

    def _reset(self, rows: Rows) -> None:
        self.flushed, self.view, self.doomed = rows, dict(rows), set()
