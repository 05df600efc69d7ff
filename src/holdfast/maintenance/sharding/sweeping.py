"""`sweep` in shards: each finds the objects of a range of keys that no row seems to hold.

What they find is brought together and cut anew: for each piece all rows are read once more, in one snapshot, before
anything goes. Which rows a range read is therefore no matter of safety.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.maintenance.checkpoint import Checkpoint
from holdfast.maintenance.clearing import Sweep
from holdfast.maintenance.columns import Columns
from holdfast.maintenance.confirming import CHUNK
from holdfast.maintenance.merging import Listed
from holdfast.maintenance.pacing import pages
from holdfast.maintenance.reports import Finding, SweepReport
from holdfast.maintenance.run import Run
from holdfast.maintenance.sharding.crew import Crew, Sharding
from holdfast.maintenance.sharding.keyranges import KeyRanges
from holdfast.maintenance.sharding.totals import Part, arrange, take
from holdfast.maintenance.spool import SortedSpool
from holdfast.registry import storages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import timedelta

    from sqlalchemy.orm import Session

    from holdfast.maintenance.scopes import Scope


@dataclass(frozen=True)
class SweepOptions:
    """What all shards of a sweep have in common.

    Attributes:
        delete: Whether anything is deleted.
        all_keys: Whether keys that Holdfast did not make are looked at.
        since: Objects whose keys were made before this time stay, in seconds since the epoch.
        grace: Age below which an object may belong to a transaction that is still open.
        started: When the run began: all shards have one clock.
        concurrency: Requests to a storage under way at once.
        told: Whether all findings are wanted.
    """

    delete: bool
    all_keys: bool
    since: float | None
    grace: timedelta
    started: float
    concurrency: int
    told: bool = False

    def sweep(
        self, session: Session, metadata: Any, stack: ExitStack, name: str | None, scope: Scope | None = None
    ) -> tuple[Sweep, list[Finding]]:
        """Return a sweep of one storage, and the list that takes its findings."""
        findings: list[Finding] = []
        run = Run(
            session,
            Columns(metadata),
            SweepReport(delete=self.delete),
            grace=self.grace,
            concurrency=self.concurrency,
            progress=None,
            on_finding=findings.append if self.told else None,
            scope=scope,
            started=self.started,
        )
        wanted = {} if name is None else {name: storages.get(name)}
        made = Sweep(
            run, Checkpoint(None, {}), stack, wanted, delete=self.delete, all_keys=self.all_keys, since=self.since
        )
        return made, findings


class Found(NamedTuple):
    """What a search brings back.

    Attributes:
        part: Its report.
        storage: The storage.
        candidates: Objects that no row seems to hold, in the order of their keys.
    """

    part: Part
    storage: str | None
    candidates: list[Listed]


@dataclass(frozen=True)
class Search:
    """Lists a range of keys, reads the rows whose files lie there, and returns what no row holds."""

    scope: Scope
    options: SweepOptions

    def __str__(self) -> str:
        """Name it for a report."""
        return str(self.scope)

    def __call__(self, session: Session, metadata: Any) -> Found:
        """Search."""
        with ExitStack() as stack:
            sweep, findings = self.options.sweep(session, metadata, stack, self.scope.storage, self.scope)
            candidates = sweep.search()
            return Found(Part(sweep.run.report, findings), self.scope.storage, candidates)


@dataclass(frozen=True)
class Clearing:
    """Looks at some objects for the last time, and deletes them if that was asked for."""

    storage: str
    candidates: list[Listed]
    options: SweepOptions

    def __str__(self) -> str:
        """Name it for a report."""
        return f"{self.storage}, {len(self.candidates)} objects of no row from {self.candidates[0].key} on"

    def __call__(self, session: Session, metadata: Any) -> Part:
        """Confirm and delete."""
        with ExitStack() as stack:
            sweep, findings = self.options.sweep(session, metadata, stack, self.storage)
            sweep.clear(self.storage, self.candidates)
            return Part(sweep.run.report, findings)


@dataclass(frozen=True)
class PartialUploads:
    """Clears the uploads to a storage that were never finished."""

    storage: str
    options: SweepOptions

    def __str__(self) -> str:
        """Name it for a report."""
        return f"{self.storage}, unfinished uploads"

    def __call__(self, session: Session, metadata: Any) -> Part:
        """Clear them."""
        with ExitStack() as stack:
            sweep, findings = self.options.sweep(session, metadata, stack, self.storage)
            sweep.clear_partial_uploads(self.storage)
            return Part(sweep.run.report, findings)


def sweep_in_shards(run: Run, names: Iterable[str], sharding: Sharding, options: SweepOptions) -> None:
    """Sweep some storages; the run's report takes all."""
    names = sorted(names)
    for name in names:
        run.report.section(name)
    with ExitStack() as stack:
        ranges = KeyRanges(run.rows, names, sharding.size, stack)
        spools = {name: stack.enter_context(SortedSpool()) for name in names}

        def keep(found: Found) -> None:
            if found.storage is not None:
                spools[found.storage].extend(found.candidates)
            take(run.report, found.part, run.on_finding)

        options = replace(options, told=run.on_finding is not None)
        searching = Crew(sharding, run.report, lambda done, total: run.tell("shards", None, done, total))
        searching.run((Search(scope, options) for scope in ranges), keep, len(ranges))
        # One storage after the other: they may have objects in common, which go once.
        for name in names:
            if "workers" not in run.report.errors:
                clearing = Crew(sharding, run.report, lambda done, total: run.tell("clear", None, done, total))
                clearing.run(
                    _clearings(name, spools[name], options), lambda part: take(run.report, part, run.on_finding)
                )
    arrange(run.report)


def _clearings(name: str, found: SortedSpool, options: SweepOptions) -> Iterator[Clearing | PartialUploads]:
    for chunk in pages(iter(found), CHUNK):
        yield Clearing(name, [Listed(*record) for record in chunk], options)
    yield PartialUploads(name, options)
