"""The report of ``holdfast check`` as people read it: a table of what works, and below it what does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from holdfast.cli.words import count, plain
from holdfast.config.probing.report import STEPS

if TYPE_CHECKING:
    from holdfast.cli.output import Output
    from holdfast.config import CheckReport, StorageCheck

_CELLS = {"ok": ("ok", "green"), "failed": ("fails", "bold red"), "lacks": ("-", "yellow"), "skipped": ("", "")}


def write_report(output: Output, report: CheckReport) -> None:
    """Write the table, what each storage lacks, and what to fix."""
    output.table(_table(report))
    for check in report.storages.values():
        _write_details(output, check)
    failed = sum(not check.ok for check in report.storages.values())
    total = count(len(report.storages), "storage")
    if failed:
        output.line((f"{failed:,} of {total} {'does' if failed == 1 else 'do'} not work.", "bold red"))
    else:
        output.line(("All is well", "bold green"), f": {total} tried.")


def _table(report: CheckReport) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="dim")
    table.add_column("storage", overflow="fold", min_width=8)
    for step in STEPS:
        table.add_column(step, no_wrap=True, justify="center")
    for name, check in report.storages.items():
        outcomes = [check.outcome(step) for step in STEPS]
        if set(outcomes) == {"skipped"} and not check.ok:
            outcomes[0] = "failed"  # it came to nothing: its configuration is wrong
        cells = [Text(*_CELLS[outcome]) for outcome in outcomes]
        table.add_row(Text(plain(name), style="bold" if check.ok else "bold red"), *cells)
    return table


def _write_details(output: Output, check: StorageCheck) -> None:
    lacks = [step.name for step in check.steps if step.outcome == "lacks"] + check.lacks
    if lacks:
        output.line((f"{check.storage} lacks: ", "yellow"), ", ".join(lacks))
    for detail, names in _failures(check).items():
        output.line((f"{check.storage}: ", "bold red"), ("" if detail.startswith(names) else f"{names}: ") + detail)
    for note in check.notes:
        output.line((f"{check.storage}: ", "yellow"), note)


def _failures(check: StorageCheck) -> dict[str, str]:
    """Return the steps that failed, by what they say."""
    found: dict[str, list[str]] = {}
    for step in check.steps:
        if step.outcome == "failed":
            found.setdefault(step.detail, []).append(step.name)
    return {detail: ", ".join(names) for detail, names in found.items()}
