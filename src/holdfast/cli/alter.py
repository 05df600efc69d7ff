"""``holdfast alter``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from holdfast.cli.options import application_options, rewriting_options
from holdfast.cli.output import Output
from holdfast.cli.rewriting import AGAIN, show
from holdfast.cli.running import run
from holdfast.cli.values import Pair
from holdfast.cli.words import count
from holdfast.maintenance import alter as alter_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import MetaData
    from sqlalchemy.orm import Session

    from holdfast.cli.progress import Meter
    from holdfast.maintenance import AlterReport

    Pairs = Sequence[tuple[str, str]]


@click.command(short_help="Change content type, metadata or storage class of many files.")
@click.option("--storage", metavar="NAME", help="Only this storage.")
@click.option("--content-type", metavar="TYPE", help="The new media type.")
@click.option("--set", "fields", multiple=True, type=Pair(), metavar="NAME=TEXT", help="A field of the metadata.")
@click.option("--unset", multiple=True, metavar="NAME", help="Remove a field of the metadata.")
@click.option(
    "--object",
    "settings",
    multiple=True,
    type=Pair(),
    metavar="NAME=VALUE",
    help="How the storage keeps the objects: storage_class=STANDARD_IA, cache_control=no-cache …",
)
@click.option("--tag", "tags", multiple=True, type=Pair(), metavar="NAME=VALUE", help="A tag of the objects.")
@click.option("--objects", is_flag=True, help="Give content type and metadata to the objects, too.")
@rewriting_options
@application_options
def alter(
    *,
    storage: str | None,
    content_type: str | None,
    fields: Pairs,
    unset: Sequence[str],
    settings: Pairs,
    tags: Pairs,
    objects: bool,
    models: Sequence[str],
    where: str | None,
    dry_run: bool,
    concurrency: int,
    as_json: bool,
    **application: Any,
) -> None:
    """Change content type or metadata of many files, or how their storage keeps them.

    Content type and metadata are changed in the rows; with --objects, --object or --tag in the storage too, where it
    can change objects in place. Options that take NAME=… may be given several times.

    \b
    Exit status:
      0  all files are as wanted
      1  some files could not be changed
      2  refused, or it could not run
      3  with --dry-run: there are files to change, or to look at

    \b
    Examples:
      holdfast alter --model Document --set team=legal --unset draft
      holdfast alter --where "created_at < '2025-01-01'" --object storage_class=GLACIER_IR
    """  # noqa: D301  # click keeps the lines after this sign as they are
    output = Output(as_json=as_json)

    def work(session: Session, metadata: list[MetaData], meter: Meter) -> Callable[[], int]:
        report = alter_files(
            session,
            metadata,
            storage=storage,
            models=list(models) or None,
            where=where,
            content_type=content_type,
            metadata_changes={**dict(fields), **dict.fromkeys(unset)},
            object_settings={**dict(settings), **({"tags": dict(tags)} if tags else {})},
            objects=objects,
            dry_run=dry_run,
            concurrency=concurrency,
            progress=meter,
        )
        nothing = "All files are as wanted"
        return lambda: show(output, "alter", report, done=_done(report), nothing=nothing, to_do="to change")

    run("alter", output, application, work, interrupted=AGAIN)


def _done(report: AlterReport) -> list[str]:
    counts = report.counts
    objects = [f"{count(counts['objects'], 'object')} in the storage"] if counts["objects"] else []
    return [f"{count(counts['altered'], 'file')} changed", *objects] if counts["altered"] else []
