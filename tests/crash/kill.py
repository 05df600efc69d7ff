"""Points at which a process ends itself by SIGKILL, as if the power had gone."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from signal import SIGKILL
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from holdfast import Outbox

TRANSACTION = (
    "before put",
    "in put",
    "in multipart",
    "after put",
    "before COMMIT",
    "after COMMIT",
)
"""Points that every transaction can pass."""

CLEANUP = "between deletes"
"""After COMMIT, with some of the objects deleted that nobody needs any more."""

DRAIN = ("drain: entries read", "drain: objects deleted", "drain: entries removed")
"""Points of a drain, be it after a COMMIT or on its own; only where there is an outbox."""

SWEEP = "in sweep"
"""Anywhere between two steps of a sweep: listing, reading rows, deleting."""

ANYWHERE = "at any moment"
"""From outside, wherever the process is."""

UNCOMMITTED = frozenset({"before put", "in put", "in multipart", "after put", "before COMMIT"})


class Killer:
    """Kills its own process when it arrives at a point for the n-th time.

    Args:
        point: The point; None to live on.
        count: Arrivals at it, the last of which is the end.
        outbox: Whether deletions after COMMIT are a drain.

    Attributes:
        phase: What the process is doing: ``work``, ``cleanup`` (after COMMIT), ``drain`` or ``sweep``.
    """

    def __init__(self, point: str | None, count: int = 1, *, outbox: bool = False) -> None:
        self.point, self.phase, self._left = point, "work", count
        self._drains = {"drain", "cleanup"} if outbox else {"drain"}
        self._lock = threading.Lock()

    def at(self, *points: str, first: Callable[[], object] | None = None) -> None:
        """Arrive at a point; `first` is done before the end, if this is the end."""
        with self._lock:
            if self.point not in points:
                return
            self._left -= 1
            if self._left:
                return
            if first is not None:
                first()
            os.kill(os.getpid(), SIGKILL)

    def between_deletes(self, keys: int, delete: Callable[[int], object]) -> None:
        """Arrive at each point between two deletions; `delete` deletes the first few of the keys."""
        point = {"sweep": SWEEP, "cleanup": CLEANUP}.get(self.phase)
        if self.phase in self._drains:
            self.at(DRAIN[0])
        for done in range(keys):
            if point is not None:
                self.at(point, first=lambda done=done: delete(done))

    def deleted(self) -> None:
        """Arrive at the point after a deletion."""
        if self.phase in self._drains:
            self.at(DRAIN[1])
        elif self.phase == "cleanup":
            self.at(CLEANUP)
        elif self.phase == "sweep":
            self.at(SWEEP)

    @contextmanager
    def during(self, phase: str) -> Iterator[None]:
        """Do something else for a while."""
        self.phase, before = phase, self.phase
        try:
            yield
        finally:
            self.phase = before

    def watch(self, engine: Engine, outbox: Outbox | None) -> None:
        """Listen to COMMITs, statements and names of files."""
        removal = f"DELETE FROM {outbox.table.name}" if outbox is not None else None

        def before_commit(_: Any) -> None:
            if self.phase == "work":
                self.at("before COMMIT")

        def after_statement(_: Any, __: Any, statement: str, *___: Any) -> None:
            if self.phase == "sweep":
                self.at(SWEEP)
            elif removal is not None and self.phase in self._drains and statement.startswith(removal):
                self.at(DRAIN[2])

        def after_commit(session: Session) -> None:
            if session.get_nested_transaction() is None and self.phase == "work":
                self.at("after COMMIT")
                self.phase = "cleanup"

        def after_end(_: Session, transaction: Any) -> None:
            if transaction.parent is None and self.phase == "cleanup":
                self.phase = "work"

        event.listen(engine, "commit", before_commit)
        event.listen(engine, "after_cursor_execute", after_statement)
        event.listen(Session, "after_commit", after_commit)
        event.listen(Session, "after_transaction_end", after_end)  # the library's own listener came first
        sys.addaudithook(self._audit)

    def _audit(self, name: str, _: tuple[Any, ...]) -> None:
        # Local disk: between two files of one batch that get their names, or lose the temporary ones.
        if self.phase == "work" and name in {"os.link", "os.remove"}:
            self.at("in put")
