"""``holdfast adopt``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from holdfast.cli.findings import write_findings, write_rest
from holdfast.cli.options import application_options
from holdfast.cli.output import Output
from holdfast.cli.references import load
from holdfast.cli.running import run
from holdfast.cli.words import count
from holdfast.errors import ConfigurationError
from holdfast.maintenance import adopt as adopt_files
from holdfast.maintenance.adopting import (
    from_path,
    from_sqlalchemy_file,
    from_url,
    thumbnail_from_sqlalchemy_file,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import MetaData
    from sqlalchemy.orm import Session

    from holdfast.cli.progress import Meter
    from holdfast.maintenance import AdoptReport, Finding

_FAILED, _TO_DO = 1, 3
_SHOWN = 20
_JSON_FORMS = {
    "sqlalchemy-file": from_sqlalchemy_file,
    "sqlalchemy-file-thumbnail": thumbnail_from_sqlalchemy_file,
}
_FORMS = ("path", "url", *_JSON_FORMS)
_MILD = {"shared"}


@click.command(short_help="Fill a file column from the column of another library.")
@click.argument("column", metavar="TABLE.COLUMN")
@click.option(
    "--from", "sources", multiple=True, required=True, metavar="NAME", help="Old column. May be given several times."
)
@click.option(
    "--as", "form", required=True, metavar="FORM", help=f"What it holds: {', '.join(_FORMS)}, or a MODULE:NAME."
)
@click.option("--storage", metavar="NAME", help="For path and url: the storage that the objects are in.")
@click.option(
    "--root", "roots", multiple=True, metavar="TEXT", help="For path and url: what values begin with before the key."
)
@click.option(
    "--rename",
    "renames",
    multiple=True,
    metavar="OLD=NEW",
    help="For sqlalchemy-file: its name of a storage, and ours.",
)
@click.option("--where", metavar="SQL", help="Only rows that meet this condition on columns of their table.")
@click.option("--no-check", is_flag=True, help="Do not ask the storage whether each file is there.")
@click.option("--clear", is_flag=True, help="Set the old columns of filled rows to NULL.")
@click.option("--dry-run", is_flag=True, help="Only look: nothing is changed.")
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1000),
    default=16,
    show_default=True,
    metavar="N",
    help="Requests to a storage at once.",
)
@application_options
def adopt(
    *,
    column: str,
    sources: Sequence[str],
    form: str,
    storage: str | None,
    roots: Sequence[str],
    renames: Sequence[str],
    where: str | None,
    no_check: bool,
    clear: bool,
    dry_run: bool,
    concurrency: int,
    as_json: bool,
    **application: Any,
) -> None:
    """Fill a file column from the column of another library, or from keys and URLs.

    The objects stay where they are, and the old column as it is. Only rows without a file are filled, and a row that is
    changed meanwhile is not overwritten: start it again at any time. Where several rows name one object, the last of
    them gets it and the others get copies, because each row owns its files.

    With --as MODULE:NAME a function gets the values of the old columns, in the order of --from, and returns the file.

    \b
    Exit status:
      0  every row has its file
      1  some rows could not be filled
      2  refused, or it could not run
      3  with --dry-run: there are rows to fill

    \b
    Examples:
      holdfast adopt book.file --from cover --as sqlalchemy-file --dry-run
      holdfast adopt person.cv --from old_cv --as path --storage media --root /srv/media
      holdfast adopt invoice.scan --from bucket --from key --as shop.moving:to_file
    """  # noqa: D301  # click keeps the lines after this sign as they are
    output = Output(as_json=as_json)

    def work(session: Session, metadata: list[MetaData], meter: Meter) -> Callable[[], int]:
        report = adopt_files(
            session,
            metadata,
            column=column,
            source=list(sources),
            mapping=_mapping(form, storage, roots, renames),
            where=where,
            check=not no_check,
            clear=clear,
            dry_run=dry_run,
            concurrency=concurrency,
            progress=meter,
        )
        return lambda: _show(output, report)

    run("adopt", output, application, work, interrupted="The same command goes on from there.")


def _mapping(form: str, storage: str | None, roots: Sequence[str], renames: Sequence[str]) -> Callable[..., Any]:
    """Return the mapping that the options name.

    Raises:
        ConfigurationError: There is none, or an option is missing.
    """
    if form in _JSON_FORMS:
        pairs = [each.partition("=") for each in renames]
        if not all(old and new for old, _, new in pairs):
            message = "--rename takes the old name and the new one: --rename images=media"
            raise ConfigurationError(message)
        return partial(_JSON_FORMS[form], storages={old: new for old, _, new in pairs})
    if form in _FORMS and not storage:
        message = f"--as {form} needs --storage NAME: the storage that the objects are in"
        raise ConfigurationError(message)
    if form == "path":
        return partial(from_path, storage=str(storage), root=tuple(roots))
    if form == "url":
        if not roots:
            message = "--as url needs --root: what the URLs begin with, such as https://acme.s3.amazonaws.com/"
            raise ConfigurationError(message)
        return partial(from_url, storages=dict.fromkeys(roots, str(storage)))
    if ":" not in form:
        message = f"--as {form!r} is none of {', '.join(_FORMS)}, nor a function such as shop.moving:to_file"
        raise ConfigurationError(message)
    found = load(form, "--as")
    if not callable(found):
        message = f"--as {form!r} is not a function"
        raise ConfigurationError(message)
    mapping: Callable[..., Any] = found
    return mapping


def _show(output: Output, report: AdoptReport) -> int:
    status = (_TO_DO if report.counts["to_do"] else 0) if report.ok else _FAILED
    kinds: dict[str, list[Finding]] = {}
    for finding in report.findings:
        kinds.setdefault(finding.kind, []).append(finding)
    for kind, found in kinds.items():
        style = "yellow" if kind in _MILD else "red"
        total = report.counts[kind]
        output.line((f"{count(total, 'file')} {kind}", style))
        write_findings(output, found, total, style=style, at_most=_SHOWN)
    write_rest(output, report)
    output.line(*_verdict(report))
    output.document({"command": "adopt", "status": status, **report.to_dict()})
    return status


def _verdict(report: AdoptReport) -> list[str | tuple[str, str]]:
    counts = report.counts
    left = counts["rows"] - counts["adopted"] - counts["to_do"] - counts["empty"]
    empty = f", {count(counts['empty'], 'row')} without a file" if counts["empty"] else ""
    if report.dry_run:
        cannot = f", {left:,} cannot be" if left else ""
        return [
            ("Dry run, nothing was changed", "bold yellow"),
            f": {count(counts['to_do'], 'row')} to fill{cannot}{empty}.",
        ]
    copied = f", {count(counts['copied'], 'object')} copied" if counts["copied"] else ""
    filled = f": {count(counts['adopted'], 'row')} filled{copied}{empty}"
    if not report.ok:
        return [("Not all rows could be filled", "bold red"), f"{filled}, {count(left, 'row')} left."]
    return [("Done", "bold green"), f"{filled}."]
