"""Takes the objects of a storage that moves across, page by page; runs in either world."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from sqlalchemy.util import concurrency as greenlets

from holdfast.maintenance.crossing import Outcome, Stopwatch
from holdfast.maintenance.listing import listing
from holdfast.maintenance.pacing import PAGE, each
from holdfast.maintenance.reports import Finding, Progress
from holdfast.maintenance.run import is_foreign, raise_if_down
from holdfast.orm import bridge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from holdfast.backends.wrappers import GradualBackend
    from holdfast.maintenance.checkpoint import Checkpoint
    from holdfast.maintenance.crossing import Crossing
    from holdfast.maintenance.reports import SettleReport

_LONGEST = 10 * PAGE
"""Copies of others that are kept in mind before the first of them are looked at."""

_WORDS = {
    "different": "the new storage has another object under this key: compare the two, and delete one of them",
    "replaced": "the new storage has a later object under this key; the old one goes with replaced=True",
    "unclear": "it left the old storage while it was copied: if another run did not move it, somebody deleted it, and "
    "the copy is for the sweep",
    "busy": "it was changed each time that it was copied",
}
DONE = frozenset({"copied", "same"})
"""Kinds of outcomes after which the original may go."""


class Ferry:
    """One run.

    Args:
        storage: The storage that moves.
        report: Takes what was done.
        checkpoint: Notes it.
        crossing: Moves single objects.

    Attributes:
        concurrency: Objects under way at once.
        progress: Called after each page.
        on_finding: Called with each finding.
        done: Kinds of outcomes after which the original is deleted.
    """

    concurrency = 16
    progress: Callable[[Progress], Any] | None = None
    on_finding: Callable[[Finding], Any] | None = None
    done = DONE

    def __init__(
        self, storage: GradualBackend, report: SettleReport, checkpoint: Checkpoint, crossing: Crossing
    ) -> None:
        self._storage, self._report, self._checkpoint, self._crossing = storage, report, checkpoint, crossing
        self._section = report.section(storage.key)
        self._waiting: deque[tuple[str, Stopwatch]] = deque()  # copies that may be another run's

    def go(self) -> None:
        """Walk the listing of the old storage."""
        name, after = self._storage.key, self._checkpoint.after(self._storage.key)
        if after is not None:
            self._report.notes.append(f"{name} goes on after {after!r}, from an earlier run")
        with listing(self._storage.old, after) as pages:
            for page in pages:
                self._section.counts["objects"] += len(page)
                self._section.counts["bytes"] += sum(info.size for info in page)
                keys = [info.key for info in page if not is_foreign(info.key)]
                self._section.counts["foreign"] += len(page) - len(keys)
                self._cross(keys)
                if len(self._waiting) > _LONGEST:
                    self._adopt(PAGE)
                if self.progress is not None:
                    counts = self._section.counts
                    self.progress(Progress("move", name, counts["objects"], None, counts["copied_bytes"]))
                if not self._waiting:  # else a run that goes on must find them again
                    self._checkpoint.save(name, self._section, after=page[-1].key)
        while self._waiting:
            self._adopt(PAGE)

    def _cross(self, keys: Sequence[str]) -> None:
        report, crossing = self._report, self._crossing
        outcomes = self._each(keys, crossing.look if report.dry_run else crossing.copy)
        there = [key for key, outcome in outcomes if outcome.kind == "there"]
        self._section.counts["there"] += len(there)
        if report.keep or report.dry_run:
            found = [] if report.dry_run else self._each(there, crossing.look)
            outcomes += [(key, outcome) for key, outcome in found if outcome.kind != "there"]
        else:
            self._waiting.extend((key, Stopwatch()) for key in there)
        self._settle(outcomes)

    def _adopt(self, most: int) -> None:
        """Look at copies that others have made, once these cannot take them back any more."""
        chosen = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        left = self._crossing.patience - chosen[-1][1].at_least()
        if left > 0:
            bridge.do(lambda: time.sleep(left), lambda: asyncio.sleep(left))
        self._settle(self._each([key for key, _ in chosen], self._crossing.adopt))

    def _each(self, keys: Sequence[str], call: Callable[[str], Outcome]) -> list[tuple[str, Outcome]]:
        outcomes = each(keys, call, lambda key: greenlets.greenlet_spawn(call, key), self.concurrency)
        raise_if_down(outcomes)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                self._section.counts["failed"] += 1
                self._report.errors.setdefault(self._storage.key, str(outcome))
        return [(key, found) for key, found in zip(keys, outcomes, strict=True) if isinstance(found, Outcome)]

    def _settle(self, outcomes: Sequence[tuple[str, Outcome]]) -> None:
        """Count, tell, and delete what has arrived from the old storage."""
        section, old = self._section, self._storage.old
        for key, outcome in outcomes:
            if outcome.kind in _WORDS:
                section.add(Finding(outcome.kind, self._storage.key, key, _WORDS[outcome.kind]), self.on_finding)
            elif outcome.kind in {"copied", "gone", "missing"}:
                section.counts[outcome.kind] += 1
            if outcome.kind == "copied":
                section.counts["copied_bytes"] += outcome.size
        dead = [key for key, outcome in outcomes if outcome.kind in self.done]
        if dead and not (self._report.keep or self._report.dry_run):
            bridge.do(lambda: old.delete(dead), lambda: old.delete_async(dead))
            section.counts["deleted"] += len(dead)
