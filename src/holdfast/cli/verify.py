"""``holdfast verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from holdfast.cli.findings import write_findings, write_rest
from holdfast.cli.options import application_options, go_on, sharding_options, walk_options
from holdfast.cli.output import Output
from holdfast.cli.running import run
from holdfast.cli.values import Share
from holdfast.cli.words import count, size
from holdfast.maintenance import verify as verify_files
from holdfast.maintenance.reports import BROKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import timedelta

    from sqlalchemy import MetaData
    from sqlalchemy.orm import Session

    from holdfast.cli.progress import Meter
    from holdfast.cli.shards import Shards
    from holdfast.maintenance import VerifyReport

_SHOWN = 10
_ADVICE = {
    "missing": "restore these from a backup, or set the column to NULL",
    "shared": "give each row its own copy: deleting one row would take the file from the other",
    "unreferenced": "holdfast sweep shows what it would delete",
    "unregistered": "register the storage, or correct the value",
}
_WRONG, _SWEEP_IS_DUE = 1, 3


@click.command()
@click.option("--deep", is_flag=True, help="Read every file and compare its checksum.")
@click.option(
    "--sample", type=Share(), metavar="PERCENT", help="With --deep: read only this share of the files, such as 5%."
)
@walk_options
@sharding_options
@application_options
def verify(
    *,
    deep: bool,
    sample: float | None,
    storages: Sequence[str],
    grace: timedelta,
    concurrency: int,
    resume: str | None,
    shards: Shards,
    as_json: bool,
    **application: Any,
) -> None:
    """Check that every row has its file, as the row says. Nothing is changed.

    Each storage is listed once and compared with the rows: missing files, wrong sizes, files of no row.
    With --deep the files are read, too.

    \b
    Exit status:
      0  all is well
      1  files are missing or damaged, shared by rows, or a storage failed
      2  it could not run
      3  every row has its file, but some files belong to no row: a sweep is due

    \b
    Examples:
      holdfast verify
      holdfast verify --deep --sample 5% --storage photos
      holdfast verify --json > report.json
    """  # noqa: D301  # click keeps the lines after this sign as they are
    if sample is not None and not deep:
        message = "goes with --deep: without it no file is read."
        raise click.BadOptionUsage("sample", f"--sample {message}")
    shards.refuse(resume)
    output = Output(as_json=as_json)

    def work(session: Session, metadata: list[MetaData], meter: Meter) -> Callable[[], int]:
        with shards.arguments(application) as more:
            report = verify_files(
                session,
                metadata,
                storages=storages or None,
                deep=deep,
                sample=1.0 if sample is None else sample,
                grace=grace,
                concurrency=concurrency,
                progress=meter,
                state=resume,
                **more,
            )
        return lambda: _show(output, report, deep=deep)

    run("verify", output, application, work, interrupted=go_on(resume))


def _show(output: Output, report: VerifyReport, *, deep: bool) -> int:
    counts = report.counts
    broken = sum(counts[kind] for kind in BROKEN)
    status = _WRONG if broken or counts["shared"] or report.errors else _SWEEP_IS_DUE if counts["unreferenced"] else 0
    for kind in (*BROKEN, "shared", "unreferenced"):
        _write_kind(output, report, kind)
    write_rest(output, report)
    output.line(*_verdict(report, broken, deep=deep))
    output.document({"command": "verify", "status": status, **report.to_dict()})
    return status


def _write_kind(output: Output, report: VerifyReport, kind: str) -> None:
    style = "yellow" if kind == "unreferenced" else "red"
    for name, section in [("rows", report.rows), *report.storages.items()]:
        if total := section.counts[kind]:
            advice = f" ({_ADVICE[kind]})" if kind in _ADVICE else ""
            output.line((f"{name}: {total:,} {kind}", f"bold {style}"), (advice, "dim"))
            found = [finding for finding in section.findings if finding.kind == kind]
            write_findings(output, found, total, style=style, at_most=_SHOWN)


def _verdict(report: VerifyReport, broken: int, *, deep: bool) -> list[str | tuple[str, str]]:
    counts = report.counts
    files = count(report.rows.counts["held"], "file")
    seen = f"{files} in {count(counts['rows'], 'row')}, {count(counts['objects'], 'object')} stored"
    if deep:
        seen += f", {counts['hashed']:,} read ({size(counts['hashed_bytes'])})"
    if broken:
        return [(count(broken, "problem"), "bold red"), f": {seen}."]
    if report.errors:
        return [(f"Not everything could be looked at: {', '.join(report.errors)}", "bold red"), f": {seen}."]
    if counts["shared"]:
        return [(f"{counts['shared']:,} shared by rows", "bold red"), f": {seen}."]
    if counts["unreferenced"]:
        return [("Every row has its file; a sweep is due", "bold yellow"), f": {seen}."]
    return [("All is well", "bold green"), f": {seen}."]
