"""``holdfast sweep``."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from holdfast.cli.findings import write_findings, write_rest
from holdfast.cli.options import application_options, go_on, sharding_options, walk_options
from holdfast.cli.output import Output
from holdfast.cli.running import run, without_password
from holdfast.cli.values import Moment
from holdfast.cli.words import count, size
from holdfast.maintenance import sweep as sweep_files

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import MetaData
    from sqlalchemy.orm import Session

    from holdfast.cli.progress import Meter
    from holdfast.cli.shards import Shards
    from holdfast.maintenance import Progress, SweepReport
    from holdfast.maintenance.reports import Section

_ARGUMENTS = "holdfast.arguments"
_SHOWN = 20
_STAY = {
    "recent": "younger than the grace period",
    "foreign": "not made by Holdfast (--all-keys includes them)",
    "undated": "of unknown age",
    "earlier": "from before --since",
    "elsewhere": "held through another storage",
}


class _Remembering(click.Command):
    """Keeps its arguments as they were written, to show the command that deletes."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse them."""
        ctx.meta[_ARGUMENTS] = list(args)
        return super().parse_args(ctx, args)


@click.command(cls=_Remembering)
@click.option("--delete", is_flag=True, help="Delete. Without it, nothing is changed.")
@click.option("--since", type=Moment(), metavar="WHEN", help="Only files made since then: 2026-11-01 (UTC) or 7d.")
@click.option("--all-keys", is_flag=True, help="Also files that Holdfast did not name, whoever put them there.")
@click.option("--shared", is_flag=True, help="Sweep although columns that are not shown name the storage, too.")
@walk_options
@sharding_options
@application_options
@click.pass_context
def sweep(
    context: click.Context,
    /,
    *,
    delete: bool,
    since: datetime | timedelta | None,
    all_keys: bool,
    shared: bool,
    storages: Sequence[str],
    grace: timedelta,
    concurrency: int,
    resume: str | None,
    shards: Shards,
    as_json: bool,
    **application: Any,
) -> None:
    """Find files that belong to no row, and with --delete delete them.

    Such files are left by crashes, by raw SQL, and by uploads that broke off. Only files that Holdfast named, that are
    older than the grace period, and that no row of the application holds, are deleted; rows are asked once more
    just before.

    \b
    Exit status:
      0  done, or nothing to do
      1  something failed
      2  refused, or it could not run

    \b
    Examples:
      holdfast sweep                        show what would be deleted
      holdfast sweep --delete               delete it
      holdfast sweep --delete --since 7d    look only at what was uploaded in the last week
    """  # noqa: D301  # click keeps the lines after this sign as they are
    shards.refuse(resume)
    output = Output(as_json=as_json)
    command = shlex.join([*context.command_path.split(), *context.meta[_ARGUMENTS], "--delete"])

    def work(session: Session, metadata: list[MetaData], meter: Meter) -> Callable[[], int]:
        with shards.arguments(application) as more:
            report = sweep_files(
                session,
                metadata,
                storages=storages or None,
                grace=grace,
                delete=delete,
                since=since,
                all_keys=all_keys,
                shared=shared,
                concurrency=concurrency,
                progress=meter if delete else lambda step: meter(_dry(step)),
                state=resume,
                **more,
            )
        return lambda: _show(output, report, without_password(command))

    run("sweep", output, application, work, interrupted=go_on(resume))


def _dry(step: Progress) -> Progress:
    return step._replace(phase="check") if step.phase == "delete" else step


def _show(output: Output, report: SweepReport, command: str) -> int:
    status = 0 if report.ok else 1
    for name, section in report.storages.items():
        _write_storage(output, name, section, delete=report.delete)
    write_rest(output, report)
    if report.drained:
        output.line(f"outbox: {count(report.drained, 'file')} deleted")
    counts = report.counts
    if report.delete:
        output.line(*_verdict(report))
    elif counts["unreferenced"] or counts["partial"]:
        output.line(("Dry run, nothing was deleted.", "bold yellow"), " To delete:")
        output.line((f"  {command}", "bold"))
    else:
        output.line(("Dry run: there is nothing to delete", "bold green"), f" among {_objects(counts)}.")
    output.document({"command": "sweep", "status": status, **report.to_dict()})
    return status


def _verdict(report: SweepReport) -> list[str | tuple[str, str]]:
    counts = report.counts
    if report.errors:
        return [("Not everything could be done", "bold red"), f": {_deleted(counts)}."]
    if counts["deleted"] or counts["partial"] or report.drained:
        return [("Done", "bold green"), f": {_deleted(counts)}."]
    return [("Nothing to delete", "bold green"), f" among {_objects(counts)}."]


def _deleted(counts: Counter[str]) -> str:
    uploads = f", {count(counts['partial'], 'unfinished upload')} cleared" if counts["partial"] else ""
    return f"{count(counts['deleted'], 'object')} deleted ({size(counts['deleted_bytes'])}){uploads}"


def _objects(counts: Counter[str]) -> str:
    return count(counts["objects"], "object")


def _write_storage(output: Output, name: str, section: Section, *, delete: bool) -> None:
    counts = section.counts
    if counts["unreferenced"]:
        what = f"{count(counts['unreferenced'], 'object')} of no row, {size(counts['unreferenced_bytes'])}"
        output.line((f"{name}: {what}", "bold yellow"))
    if counts["unreferenced"] and not delete:
        found = [finding for finding in section.findings if finding.kind == "unreferenced"]
        write_findings(output, found, counts["unreferenced"], style="yellow", at_most=_SHOWN)
    if counts["partial"]:
        output.line((f"{name}: {count(counts['partial'], 'unfinished upload')}", "bold yellow"))
    if counts["partial"] and not delete:
        found = [finding for finding in section.findings if finding.kind == "partial"]
        write_findings(output, found, counts["partial"], style="yellow", at_most=_SHOWN)
    if counts["failed"]:
        output.line((f"{name}: {count(counts['failed'], 'object')} could not be deleted", "bold red"))
    if stay := [f"{counts[kind]:,} {why}" for kind, why in _STAY.items() if counts[kind]]:
        output.line((f"{name}: left alone: {', '.join(stay)}", "dim"))
