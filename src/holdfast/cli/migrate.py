"""``holdfast migrate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from holdfast.cli.options import application_options, rewriting_options, sharding_options
from holdfast.cli.output import Output
from holdfast.cli.rewriting import AGAIN, show
from holdfast.cli.running import run
from holdfast.cli.words import count, size
from holdfast.maintenance import migrate as migrate_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import MetaData
    from sqlalchemy.orm import Session

    from holdfast.cli.progress import Meter
    from holdfast.cli.shards import Shards
    from holdfast.maintenance import MigrateReport


@click.command(short_help="Move files to another storage while the application runs.")
@click.option("--from", "source", required=True, metavar="NAME", help="Storage where the files are.")
@click.option("--to", "target", required=True, metavar="NAME", help="Storage where they are to be.")
@click.option("--keep", is_flag=True, help="Leave the old objects; the same command without --keep deletes them.")
@click.option(
    "--check",
    type=click.Choice(["sha256", "read", "size"]),
    default="sha256",
    show_default=True,
    help="How copies are checked: by the SHA-256 of their bytes, by reading each one back, or by size alone.",
)
@click.option("--shared", is_flag=True, help="Go on although columns that are not shown name one of the storages, too.")
@rewriting_options
@sharding_options
@application_options
def migrate(
    *,
    source: str,
    target: str,
    keep: bool,
    check: str,
    shared: bool,
    models: Sequence[str],
    where: str | None,
    dry_run: bool,
    concurrency: int,
    shards: Shards,
    as_json: bool,
    **application: Any,
) -> None:
    """Move files from one storage to another while the application runs.

    Each file is copied under its own key and checked; then its row is switched, if nobody has changed it meanwhile.
    When no row names the old storage any more, the old objects are deleted. It can be interrupted at any point and
    started again.

    \b
    Exit status:
      0  all files are in the new storage
      1  some files could not be moved
      2  refused, or it could not run
      3  with --dry-run: there is something to move

    \b
    Examples:
      holdfast migrate --from local --to s3 --dry-run
      holdfast migrate --from local --to s3 --keep
      holdfast migrate --from local --to s3 --model Document --where "id < 1000"
    """  # noqa: D301  # click keeps the lines after this sign as they are
    output = Output(as_json=as_json)

    def work(session: Session, metadata: list[MetaData], meter: Meter) -> Callable[[], int]:
        with shards.arguments(application) as more:
            report = migrate_files(
                session,
                metadata,
                source=source,
                target=target,
                models=list(models) or None,
                where=where,
                keep=keep,
                dry_run=dry_run,
                check=check,
                shared=shared,
                concurrency=concurrency,
                progress=meter,
                **more,
            )
        return lambda: _show(output, report)

    run("migrate", output, application, work, interrupted=AGAIN)


def _show(output: Output, report: MigrateReport) -> int:
    counts = report.counts
    done = []
    if counts["moved"]:
        rate = size(counts["moved_bytes"] / max(report.seconds, 0.001))
        done.append(f"{count(counts['moved'], 'file')} moved ({size(counts['moved_bytes'])}, {rate}/s)")
    if counts["adopted"]:
        done.append(f"{counts['adopted']:,} of them copied before")
    if counts["deleted"]:
        done.append(f"{count(counts['deleted'], 'old object')} deleted")
    if counts["left"]:
        done.append(f"{count(counts['left'], 'object')} of no row left there")
    return show(output, "migrate", report, done=done, nothing="Nothing to move", to_do="to move")
