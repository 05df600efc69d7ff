"""``holdfast backfill``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from holdfast.cli.options import application_options, rewriting_options, sharding_options
from holdfast.cli.output import Output
from holdfast.cli.rewriting import AGAIN, show
from holdfast.cli.running import run
from holdfast.cli.words import count, size
from holdfast.maintenance import backfill as backfill_rows
from holdfast.maintenance.rewriting.backfilling import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import MetaData
    from sqlalchemy.orm import Session

    from holdfast.cli.progress import Meter
    from holdfast.cli.shards import Shards
    from holdfast.maintenance import BackfillReport


@click.command(short_help="Fill in what old rows do not say of their files.")
@click.option(
    "--storage", "storages", multiple=True, metavar="NAME", help="Only this storage. May be given several times."
)
@click.option(
    "--field",
    "fields",
    multiple=True,
    type=click.Choice(FIELDS),
    help="Fill in only this. May be given several times.  [default: all]",
)
@click.option("--overwrite", is_flag=True, help="Also replace what the rows do say.")
@rewriting_options
@sharding_options
@application_options
def backfill(
    *,
    storages: Sequence[str],
    fields: Sequence[str],
    overwrite: bool,
    models: Sequence[str],
    where: str | None,
    dry_run: bool,
    concurrency: int,
    shards: Shards,
    as_json: bool,
    **application: Any,
) -> None:
    """Fill in what old rows do not say of their files: size, etag, checksum, content type, time.

    Such rows were written by another library, or by SQL. Objects are read only for checksums, and their first bytes
    where nothing else tells the content type. What rows say already is left as it is.

    \b
    Exit status:
      0  nothing is missing any more
      1  some files could not be filled in: they are missing, or not what the row says
      2  refused, or it could not run
      3  with --dry-run: there is something to fill in

    \b
    Examples:
      holdfast backfill --dry-run
      holdfast backfill
      holdfast backfill --field size --field etag    without reading any object
    """  # noqa: D301  # click keeps the lines after this sign as they are
    output = Output(as_json=as_json)

    def work(session: Session, metadata: list[MetaData], meter: Meter) -> Callable[[], int]:
        with shards.arguments(application) as more:
            report = backfill_rows(
                session,
                metadata,
                storages=storages or None,
                models=list(models) or None,
                where=where,
                fields=fields or FIELDS,
                overwrite=overwrite,
                dry_run=dry_run,
                concurrency=concurrency,
                progress=meter,
                **more,
            )
        nothing = "Nothing is missing"
        return lambda: show(output, "backfill", report, done=_done(report), nothing=nothing, to_do="to fill in")

    run("backfill", output, application, work, interrupted=AGAIN)


def _done(report: BackfillReport) -> list[str]:
    counts = report.counts
    if not counts["filled"]:
        return []
    read = [f"{size(counts['read_bytes'])} read"] if counts["read_bytes"] else []
    return [f"{count(counts['filled'], 'file')} filled in", *read]
