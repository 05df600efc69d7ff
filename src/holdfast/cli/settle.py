"""``holdfast settle``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from holdfast.cli.application import register_storages
from holdfast.cli.findings import write_kinds, write_rest
from holdfast.cli.options import go_on
from holdfast.cli.output import Output
from holdfast.cli.running import conclude
from holdfast.cli.words import count, size
from holdfast.maintenance import settle as settle_storage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from holdfast.cli.progress import Meter
    from holdfast.maintenance import SettleReport

_FAILED, _LEFT = 1, 3


@click.command(short_help="Bring the objects of a gradual storage to its new place.")
@click.argument("storage")
@click.option(
    "--app",
    multiple=True,
    metavar="MODULE:NAME",
    help="Import this, and take the storages that are registered then. May be given several times.",
)
@click.option("--keep", is_flag=True, help="Leave the old objects; the same command without --keep deletes them.")
@click.option("--deep", is_flag=True, help="Read each copy back and compare its bytes.")
@click.option("--replaced", is_flag=True, help="Also delete what the new storage has a later object for.")
@click.option("--shared", is_flag=True, help="Go on although another registered storage leads to the old one.")
@click.option("--dry-run", is_flag=True, help="Only look: nothing is changed.")
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1000),
    default=16,
    show_default=True,
    metavar="N",
    help="Objects under way at once.",
)
@click.option(
    "--resume",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Note progress in this file, and after an interrupt go on from it.",
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON document to standard output.")
def settle(
    *,
    storage: str,
    app: Sequence[str],
    keep: bool,
    deep: bool,
    replaced: bool,
    shared: bool,
    dry_run: bool,
    concurrency: int,
    resume: str | None,
    as_json: bool,
) -> None:
    """Bring the objects of STORAGE, a gradual one, from its old storage to its new one.

    Each object is copied under its key, compared, and deleted from the old storage. Rows go on naming STORAGE: none is
    read or changed, and no database is needed. It can be interrupted at any point and started again.

    \b
    Exit status:
      0  nothing is left to copy
      1  something failed, or two objects differ
      2  refused, or it could not run
      3  with --dry-run: something is still in the old storage

    \b
    Examples:
      holdfast settle docs --dry-run
      holdfast settle docs --keep
      holdfast settle docs
    """  # noqa: D301  # click keeps the lines after this sign as they are
    output = Output(as_json=as_json)

    def begin() -> Callable[[Meter], Callable[[], int]]:
        register_storages(app)
        return work

    def work(meter: Meter) -> Callable[[], int]:
        report = settle_storage(
            storage,
            keep=keep,
            dry_run=dry_run,
            deep=deep,
            replaced=replaced,
            shared=shared,
            concurrency=concurrency,
            progress=meter,
            state=resume,
        )
        return lambda: _show(output, report)

    conclude("settle", output, begin, interrupted=go_on(resume))


def _show(output: Output, report: SettleReport) -> int:
    counts = report.counts
    status = _FAILED if not report.ok else _LEFT if report.dry_run and counts["objects"] else 0
    write_kinds(output, report)
    write_rest(output, report)
    output.line(*_verdict(report))
    output.document({"command": "settle", "status": status, **report.to_dict()})
    return status


def _verdict(report: SettleReport) -> list[str | tuple[str, str]]:
    counts = report.counts
    there = f"{count(counts['objects'], 'object')} ({size(counts['bytes'])})"
    if report.dry_run:
        head = ("Dry run, nothing was changed", "bold yellow") if counts["objects"] else ("Settled", "bold green")
        return [head, f": {there} in the old storage, {counts['missing']:,} to copy."]
    done = (
        f": {count(counts['copied'], 'object')} copied ({size(counts['copied_bytes'])}), {counts['deleted']:,} deleted."
    )
    return [("Done", "bold green") if report.ok else ("Not everything could be done", "bold red"), done]
