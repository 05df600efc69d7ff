"""What the commands show that go through rows and change them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.cli.findings import write_kinds, write_rest
from holdfast.cli.words import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.cli.output import Output
    from holdfast.maintenance.reports import RewriteReport

AGAIN = "Nothing is lost: the same command goes on."
"""What to do after an interrupt."""

_FAILED, _LEFT = 1, 3


def show(output: Output, name: str, report: RewriteReport, *, done: Sequence[str], nothing: str, to_do: str) -> int:
    """Write a report and return the status.

    Args:
        output: Where it is written.
        name: Name of the command, for the JSON document.
        report: The report.
        done: What was done, in words; empty for nothing.
        nothing: What to say then.
        to_do: What a dry run would do, as in ``"to fill in"``.
    """
    counts = report.counts
    left = counts["to_do"]
    status = _FAILED if not report.ok else _LEFT if report.dry_run and left else 0
    write_kinds(output, report)
    write_rest(output, report)
    rate = f"; {left / max(report.seconds, 0.001):,.0f} files/s" if left else ""
    if report.dry_run and left:
        output.line(("Dry run, nothing was changed", "bold yellow"), f": {count(left, 'file')} {to_do}.")
    elif not report.ok:
        output.line(("Not everything could be done", "bold red"), f": {', '.join(done) or 'nothing'}{rate}.")
    elif done:
        output.line(("Done", "bold green"), f": {', '.join(done)}{rate}.")
    else:
        output.line((nothing, "bold green"), f" in {count(counts['rows'], 'row')}.")
    output.document({"command": name, "status": status, **report.to_dict()})
    return status
