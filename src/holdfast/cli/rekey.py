"""``holdfast rekey``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from holdfast.cli.options import application_options, go_on, rewriting_options
from holdfast.cli.output import Output
from holdfast.cli.rewriting import show
from holdfast.cli.running import run
from holdfast.cli.words import count, size
from holdfast.maintenance import rekey as rekey_files
from holdfast.maintenance.rewriting.rekeying import CHECKS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import MetaData
    from sqlalchemy.orm import Session

    from holdfast.cli.progress import Meter
    from holdfast.maintenance import RekeyReport


@click.command(short_help="Give files the keys of another naming scheme.")
@click.option("--storage", required=True, metavar="NAME", help="Storage where the files are.")
@click.option(
    "--scheme",
    metavar="TEMPLATE",
    help='Such as "{model}/{date:%Y}/{id}-{name}".  [default: the scheme of each column, or of the storage]',
)
@click.option(
    "--keep", is_flag=True, help="Leave the old objects; the same command without --keep deletes them, given --resume."
)
@click.option("--shared", is_flag=True, help="Go on although columns that are not shown name the storage, too.")
@click.option(
    "--check",
    type=click.Choice(CHECKS),
    default=CHECKS[0],
    show_default=True,
    help="How copies are checked: by reading them, or by size alone.",
)
@click.option(
    "--resume",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Note the new keys in this file, and after an interrupt, or a run with --keep, go on from it.",
)
@rewriting_options
@application_options
def rekey(
    *,
    storage: str,
    scheme: str | None,
    keep: bool,
    shared: bool,
    check: str,
    resume: str | None,
    models: Sequence[str],
    where: str | None,
    dry_run: bool,
    concurrency: int,
    as_json: bool,
    **application: Any,
) -> None:
    """Give files the keys that a naming scheme makes, in the storage where they are.

    Each object is copied to its new key and checked; then its row is switched, if nobody has changed it meanwhile. At
    the end the old objects are deleted that no row holds any more. Files whose keys follow the scheme are left alone.

    \b
    Exit status:
      0  all files follow the scheme
      1  some files could not get a new key
      2  refused, or it could not run
      3  with --dry-run: there are files to name anew

    \b
    Examples:
      holdfast rekey --storage docs --dry-run
      holdfast rekey --storage docs --resume rekey.state --keep
      holdfast rekey --storage docs --resume rekey.state
    """  # noqa: D301  # click keeps the lines after this sign as they are
    output = Output(as_json=as_json)

    def work(session: Session, metadata: list[MetaData], meter: Meter) -> Callable[[], int]:
        report = rekey_files(
            session,
            metadata,
            storage=storage,
            scheme=scheme,
            models=list(models) or None,
            where=where,
            keep=keep,
            shared=shared,
            check=check,
            dry_run=dry_run,
            concurrency=concurrency,
            state=resume,
            progress=meter,
        )
        nothing = "All files follow the scheme"
        return lambda: show(output, "rekey", report, done=_done(report), nothing=nothing, to_do="to name anew")

    run("rekey", output, application, work, interrupted=go_on(resume))


def _done(report: RekeyReport) -> list[str]:
    counts = report.counts
    done = [f"{count(counts['rekeyed'], 'file')} named anew ({size(counts['rekeyed_bytes'])})"]
    deleted = [f"{count(counts['deleted'], 'old object')} deleted"]
    return (done if counts["rekeyed"] else []) + (deleted if counts["deleted"] else [])
