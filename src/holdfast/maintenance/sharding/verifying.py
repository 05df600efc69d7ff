"""`verify` in shards: each compares a range of a storage's keys with the rows whose files lie there."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.maintenance.checkpoint import Checkpoint
from holdfast.maintenance.columns import Columns
from holdfast.maintenance.comparing import Verification
from holdfast.maintenance.reports import Finding, VerifyReport
from holdfast.maintenance.run import Run
from holdfast.maintenance.sharding.crew import Crew, Sharding
from holdfast.maintenance.sharding.keyranges import KeyRanges
from holdfast.maintenance.sharding.totals import Part, arrange, take
from holdfast.registry import storages

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from sqlalchemy.orm import Session

    from holdfast.maintenance.scopes import Scope


@dataclass(frozen=True)
class VerifyShard:
    """One shard.

    Attributes:
        scope: What it looks at.
        more: Whether storages count that no column names.
        share: Share of the files to read.
        seed: Chooses them.
        grace: Age below which an object may belong to a transaction that is still open.
        started: When the run began: all shards have one clock.
        concurrency: Requests to a storage under way at once.
        told: Whether all findings are wanted.
    """

    scope: Scope
    more: bool
    share: float
    seed: int
    grace: timedelta
    started: float
    concurrency: int
    told: bool

    def __str__(self) -> str:
        """Name it for a report."""
        return str(self.scope)

    def __call__(self, session: Session, metadata: Any) -> Part:
        """Compare the shard."""
        findings: list[Finding] = []
        report = VerifyReport()
        run = Run(
            session,
            Columns(metadata),
            report,
            grace=self.grace,
            concurrency=self.concurrency,
            progress=None,
            on_finding=findings.append if self.told else None,
            scope=self.scope,
            started=self.started,
        )
        name = self.scope.storage
        wanted = {} if name is None else {name: storages.get(name)}
        with ExitStack() as stack:
            Verification(
                run,
                Checkpoint(None, {}),
                stack,
                wanted,
                share=self.share,
                seed=self.seed,
                more=self.more and name is None,
            ).go()
        return Part(report, findings)


def verify_in_shards(
    run: Run, names: Iterable[str], sharding: Sharding, *, grace: timedelta, share: float, seed: int, more: bool
) -> None:
    """Verify some storages, and what rows say of others; the run's report takes all."""
    crew = Crew(sharding, run.report, lambda done, total: run.tell("shards", None, done, total))
    for name in sorted(names):
        run.report.section(name)
    with ExitStack() as stack:
        ranges = KeyRanges(run.rows, names, sharding.size, stack)
        told = run.on_finding is not None
        jobs = (VerifyShard(scope, more, share, seed, grace, run.started, run.concurrency, told) for scope in ranges)
        crew.run(jobs, lambda part: take(run.report, part, run.on_finding), len(ranges))
    arrange(run.report)
