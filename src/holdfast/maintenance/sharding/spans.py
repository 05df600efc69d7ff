"""Commands that rewrite rows, in shards: each takes a range of a table's primary keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.maintenance.rewriting.walk import boundaries
from holdfast.maintenance.sharding.crew import Crew
from holdfast.maintenance.sharding.totals import Part, arrange, take

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.orm import Session

    from holdfast.maintenance.reports import Finding, Report
    from holdfast.maintenance.rewriting.walk import Selection, Span
    from holdfast.maintenance.run import Run
    from holdfast.maintenance.sharding.crew import Sharding


@dataclass(frozen=True)
class SpanShard:
    """Some rows of one table.

    Attributes:
        call: What is done with them: a function of a module, as `partial` binds its other arguments. It takes a
            session, the metadata, ``models=``, ``spans=`` and ``on_finding=``.
        span: Which rows.
        told: Whether all findings are wanted.
    """

    call: Callable[..., Report]
    span: Span
    told: bool

    def __str__(self) -> str:
        """Name it for a report."""
        first = self.span.after if self.span.after is not None else "the first row"
        last = self.span.until if self.span.until is not None else "the last"
        return f"{self.span.table}, from {first} to {last}"

    def __call__(self, session: Session, metadata: Any) -> Part:
        """Do it."""
        findings: list[Finding] = []
        told = findings.append if self.told else None
        report = self.call(session, metadata, models=[self.span.table], spans=[self.span], on_finding=told)
        return Part(report, findings)


def rewrite_in_shards(
    run: Run,
    sharding: Sharding,
    selection: Selection,
    call: Callable[..., Report],
    *,
    verb: str,
    expected: int | None = None,
    note: Callable[[Any], object] | None = None,
) -> int:
    """Go through rows once, in shards; the run's report takes all.

    Args:
        run: The run.
        sharding: Who does the shards, and how.
        selection: Which rows.
        call: See `SpanShard`.
        verb: What the report counts finished files as.
        expected: How many rows there will be, if that is known, for the progress.
        note: Called with each shard's report.

    Returns:
        How many files were done.
    """
    counts = run.report.rows.counts
    before = counts[verb]

    def keep(part: Part) -> None:
        take(run.report, part, run.on_finding)
        if note is not None:
            note(part.report)

    def tell(_done: int, _total: int | None) -> None:
        run.tell("rows", None, counts["rows"], expected, counts[f"{verb}_bytes"])

    told = run.on_finding is not None
    Crew(sharding, run.report, tell).run(
        (SpanShard(call, span, told) for span in _spans(run, selection, sharding)), keep
    )
    arrange(run.report)
    return counts[verb] - before


def _spans(run: Run, selection: Selection, sharding: Sharding) -> Iterator[Span]:
    for table in selection.tables:
        yield from boundaries(run.rows, table, sharding.size)
