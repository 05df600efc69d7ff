"""``holdfast mirror``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from holdfast.cli.findings import write_findings, write_rest
from holdfast.cli.options import application_options, go_on, walk_options
from holdfast.cli.output import Output
from holdfast.cli.running import run
from holdfast.cli.words import count, size
from holdfast.maintenance import mirror as mirror_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import timedelta

    from sqlalchemy import MetaData
    from sqlalchemy.orm import Session

    from holdfast.cli.progress import Meter
    from holdfast.maintenance import MirrorReport

_FAILED, _DIFFERENT = 1, 3
_SHOWN = 20
_KINDS = {"missing": "yellow", "different": "yellow", "lost": "red", "extra": "dim"}
_TO_COPY = ("missing", "different", "lost")


@click.command(short_help="Bring the storages of a mirror up to date.")
@click.option("--dry-run", is_flag=True, help="Only look: nothing is copied or deleted.")
@click.option("--delete", is_flag=True, help="Delete copies of no row that the first storage does not have.")
@click.option("--deep", is_flag=True, help="Read all objects and compare their bytes.")
@click.option("--shared", is_flag=True, help="Delete although columns that are not shown name the storage, too.")
@walk_options
@application_options
def mirror(
    *,
    dry_run: bool,
    delete: bool,
    deep: bool,
    shared: bool,
    storages: Sequence[str],
    grace: timedelta,
    concurrency: int,
    resume: str | None,
    as_json: bool,
    **application: Any,
) -> None:
    """Bring the storages of a mirror up to date with the first of them.

    Copies that could not be written are made now. What a row holds and the first storage has lost is given back to it.
    With --delete, what neither has goes, if Holdfast named it and it is older than the grace period.

    \b
    Exit status:
      0  all copies are there
      1  something failed
      2  refused, or it could not run
      3  with --dry-run: there is something to copy

    \b
    Examples:
      holdfast mirror --dry-run
      holdfast mirror
      holdfast mirror --storage safe --deep
    """  # noqa: D301  # click keeps the lines after this sign as they are
    output = Output(as_json=as_json)

    def work(session: Session, metadata: list[MetaData], meter: Meter) -> Callable[[], int]:
        report = mirror_files(
            session,
            metadata,
            storages=storages or None,
            grace=grace,
            dry_run=dry_run,
            delete=delete,
            deep=deep,
            shared=shared,
            concurrency=concurrency,
            progress=meter,
            state=resume,
        )
        return lambda: _show(output, report)

    run("mirror", output, application, work, interrupted=go_on(resume))


def _show(output: Output, report: MirrorReport) -> int:
    counts = report.counts
    to_copy = sum(counts[kind] for kind in _TO_COPY)
    status = _FAILED if report.errors else _DIFFERENT if report.dry_run and to_copy else 0
    for name, section in report.storages.items():
        for kind, style in _KINDS.items():
            if total := section.counts[kind]:
                output.line((f"{name}: {count(total, 'object')} {kind}", style))
                found = [finding for finding in section.findings if finding.kind == kind]
                write_findings(output, found, total, style=style, at_most=_SHOWN)
    write_rest(output, report)
    output.line(*_verdict(report, to_copy))
    output.document({"command": "mirror", "status": status, **report.to_dict()})
    return status


def _verdict(report: MirrorReport, to_copy: int) -> list[str | tuple[str, str]]:
    counts = report.counts
    copied = f"{count(counts['copied'], 'object')} copied ({size(counts['copied_bytes'])})"
    deleted = f", {count(counts['deleted'], 'object')} deleted" if counts["deleted"] else ""
    if report.errors:
        return [("Not everything could be done", "bold red"), f": {copied}{deleted}."]
    if report.dry_run and to_copy:
        return [("Dry run, nothing was changed", "bold yellow"), f": {count(to_copy, 'object')} to copy."]
    if counts["copied"] or counts["deleted"]:
        return [("Done", "bold green"), f": {copied}{deleted}."]
    return [("All copies are there", "bold green"), f": {count(counts['objects'], 'object')} compared."]
