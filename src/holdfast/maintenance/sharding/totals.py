"""One report out of those of all shards."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.maintenance.reports import LIMIT, Finding, Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.maintenance.reports import Section

_NOTES = 100


class Part(NamedTuple):
    """What a shard brings back.

    Attributes:
        report: Its report, which keeps some of the findings.
        findings: All of them, if the caller wants to be told.
    """

    report: Report
    findings: list[Finding]


def take(total: Report, part: Part, told: Callable[[Finding], Any] | None) -> None:
    """Add a shard's report, and tell of its findings."""
    add(total, part.report)
    for finding in part.findings:
        if told is not None:
            told(finding)


def add(total: Report, part: Report) -> None:
    """Add a report: counts grow, findings are kept up to their limit."""
    _add(total.rows, part.rows)
    for name, section in part.storages.items():
        _add(total.section(name), section)
    for name, message in part.errors.items():
        total.errors.setdefault(name, message)
    total.notes += [note for note in dict.fromkeys(part.notes) if note not in total.notes][: _NOTES - len(total.notes)]


def _add(total: Section, part: Section) -> None:
    total.counts.update(part.counts)
    if part.findings:
        kept = Counter(finding.kind for finding in total.findings)
        for finding in part.findings:
            kept[finding.kind] += 1
            if kept[finding.kind] <= LIMIT:
                total.findings.append(finding)


def arrange(total: Report) -> None:
    """Put findings in order: shards end when they like."""
    for section in (total.rows, *total.storages.values()):
        section.findings.sort(key=_order)


def _order(finding: Finding) -> tuple[str, tuple[Any, ...], str]:
    return finding.key or "", tuple((row.table, row.column, row.key) for row in finding.rows), finding.kind
