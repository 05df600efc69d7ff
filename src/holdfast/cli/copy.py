"""``holdfast copy``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from holdfast.cli.database import open_url
from holdfast.cli.findings import write_kinds, write_rest
from holdfast.cli.options import application_options, rewriting_options
from holdfast.cli.output import Output
from holdfast.cli.running import run
from holdfast.cli.words import count, size
from holdfast.config import load
from holdfast.maintenance import copy_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import MetaData
    from sqlalchemy.orm import Session

    from holdfast.cli.progress import Meter
    from holdfast.maintenance import CopyReport

_FAILED, _LEFT = 1, 3
_AGAIN = "The same command goes on: rows that are there already are left alone."


@click.command(short_help="Copy rows and their files into another environment.")
@click.option(
    "--to-database",
    required=True,
    metavar="URL",
    help="Database that gets the rows; its tables exist.",
)
@click.option(
    "--to-storages",
    required=True,
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="Configuration of the other environment's storages, under the same names.",
)
@rewriting_options
@application_options
def copy(
    *,
    to_database: str,
    to_storages: str,
    models: Sequence[str],
    where: str | None,
    dry_run: bool,
    concurrency: int,
    as_json: bool,
    **application: Any,
) -> None:
    """Copy rows and their files into another environment: another database, other storages.

    Rows that the other database has already are left alone, so it can be interrupted, and repeated for what is new.
    Nothing is deleted or replaced. --where goes with one --model.

    \b
    Exit status:
      0  all rows are there
      1  some rows could not be copied
      2  refused, or it could not run
      3  with --dry-run: there are rows to copy

    \b
    Examples:
      holdfast copy --to-database postgresql://staging/shop --to-storages staging.toml --dry-run
      holdfast copy --to-database sqlite:///shop.db --to-storages laptop.toml --model Document --where "id > 1000"
    """  # noqa: D301  # click keeps the lines after this sign as they are
    output = Output(as_json=as_json)

    def work(session: Session, target: Session, metadata: list[MetaData], meter: Meter) -> Callable[[], int]:
        report = copy_environment(
            session,
            target,
            metadata,
            storages={storage.key: storage for storage in load(to_storages)},
            models=list(models) or None,
            where=where,
            dry_run=dry_run,
            concurrency=concurrency,
            progress=meter,
        )
        return partial(_show, output, report)

    run("copy", output, application, work, interrupted=_AGAIN, beside=lambda: open_url(to_database, "--to-database"))


def _show(output: Output, report: CopyReport) -> int:
    counts = report.counts
    status = _FAILED if not report.ok else _LEFT if report.dry_run and counts["to_do"] else 0
    write_kinds(output, report)
    write_rest(output, report)
    output.line(*_verdict(report))
    output.document({"command": "copy", "status": status, **report.to_dict()})
    return status


def _verdict(report: CopyReport) -> list[str | tuple[str, str]]:
    counts = report.counts
    there = f"; {count(counts['there'], 'row')} there already" if counts["there"] else ""
    if report.dry_run:
        return [("Dry run, nothing was changed", "bold yellow"), f": {count(counts['to_do'], 'row')} to copy{there}."]
    files = f"{count(counts['copied'], 'file')} ({size(counts['copied_bytes'])})"
    done = f": {count(counts['inserted'], 'row')} and {files} copied{there}."
    return [("Done", "bold green") if report.ok else ("Not everything could be copied", "bold red"), done]
