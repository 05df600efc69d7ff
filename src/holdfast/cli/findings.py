"""Findings of a run as lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from holdfast.cli.words import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.cli.output import Output
    from holdfast.maintenance.reports import Finding, Report, RowName

_DIGEST = re.compile(r"\b([a-z0-9]+:[0-9a-f]{12})[0-9a-f]{20,}")


def write_findings(output: Output, findings: Sequence[Finding], total: int, *, style: str, at_most: int) -> None:
    """Write the first findings of one kind, and how many more there are."""
    width = max((len(finding.key or "") for finding in findings[:at_most]), default=0)
    for finding in findings[:at_most]:
        key = f"  {finding.key or '(no key)':{width}}"
        output.line((key, style), f"  {_detail(finding)}", (_places(finding.rows), "dim"))
    if total > at_most:
        output.line((f"  … and {total - at_most:,} more", "dim"))


def write_kinds(output: Output, report: Report, *, at_most: int = 20) -> None:
    """Write the files that a command could not do, kind by kind."""
    findings = report.findings
    for kind in dict.fromkeys(finding.kind for finding in findings):
        total = report.counts[kind]
        output.line((f"{count(total, 'file')} {kind}", "bold red"))
        write_findings(output, [each for each in findings if each.kind == kind], total, style="red", at_most=at_most)


def write_rest(output: Output, report: Report) -> None:
    """Write what could not be done, and what else to know."""
    for note in report.notes:
        output.line(("note: ", "yellow"), note)
    for storage, error in report.errors.items():
        output.line((f"{storage}: ", "bold red"), error)


def _detail(finding: Finding) -> str:
    """Return what is wrong, without the names that stand beside it."""
    detail = finding.detail.replace(f" of {finding.key!r} in storage {finding.storage!r}", "")
    return _DIGEST.sub(r"\1…", detail)


def _places(rows: Sequence[RowName]) -> str:
    if not rows:
        return ""
    first = f"{rows[0].table}.{rows[0].column} [{', '.join(rows[0].key)}]"
    more = f" and {count(len(rows) - 1, 'other')}" if len(rows) > 1 else ""
    return f"  in {first}{more}"
