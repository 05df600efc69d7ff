"""`copy_environment`: rows and their files go into another database and other storages, such as those for tests."""

from __future__ import annotations

import time
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from holdfast.backends.base import StorageBackend
from holdfast.errors import ConfigurationError
from holdfast.maintenance.columns import Columns
from holdfast.maintenance.environments.files import Files, pairs_of, with_copies
from holdfast.maintenance.environments.tables import TableCopy
from holdfast.maintenance.pacing import each
from holdfast.maintenance.reports import CopyReport, Finding, RowName
from holdfast.maintenance.rewriting.engine import Refusal
from holdfast.maintenance.rewriting.walk import PAGE, names_of, refuse_part
from holdfast.maintenance.run import Run
from holdfast.orm.engines import engine_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sqlalchemy import ColumnElement, Table
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm import Session

    from holdfast.backends.base import StorageBackend
    from holdfast.maintenance.environments.files import File
    from holdfast.maintenance.environments.tables import Row
    from holdfast.maintenance.reports import Progress
    from holdfast.maintenance.rewriting.copying import Copied


def copy_environment(
    session: Session,
    target_session: Session,
    metadata: Any,
    *,
    storages: Mapping[str, StorageBackend | str],
    models: Any = None,
    where: str | ColumnElement[bool] | None = None,
    dry_run: bool = False,
    concurrency: int = 16,
    batch: int = PAGE,
    progress: Callable[[Progress], Any] | None = None,
    on_finding: Callable[[Finding], Any] | None = None,
) -> CopyReport:
    """Copy rows and their files into another database and other storages, for tests, or for a second region.

    Rows keep their keys and go in the order that foreign keys ask for. Files keep theirs, too, and their rows go on
    naming storages as they do: another environment calls its own storages by the same names. A row that the other
    database has already is left alone, so that a run can be interrupted and started again, and repeated for what is
    new. Nothing is deleted or replaced anywhere.

    Args:
        session: Says which databases have the rows.
        target_session: Says which databases get them; the tables exist there.
        metadata: The tables: a `MetaData`, a declarative base, or a list of them.
        storages: For each storage that rows name, the one that gets the copies: a storage, or a registered name.
        models: Only these models or tables, or of these names; with those that they refer to.
        where: Only rows of the model that meet this, SQL as text or an expression; `models` names one then.
        dry_run: Only count.
        concurrency: Requests to a storage under way at once.
        batch: Rows that are read and written at a time.
        progress: Called with a `Progress` after each page.
        on_finding: Called with each `Finding`; the report keeps the first thousand of a kind.

    Returns:
        What was done. A row of which a file could not be copied is a finding, and is not inserted.

    Raises:
        ConfigurationError: The arguments cannot work, both databases are one, or two storages are the same place.
        StorageError: A storage is out of order; what is done is done.
    """
    columns = Columns(metadata)
    tables = [TableCopy(table, session, target_session) for table in _chosen(columns, models)]
    if where is not None and len(tables) != 1:
        message = "where= is a condition on one model: name it with models="
        raise ConfigurationError(message)
    _check_databases(session, target_session, tables)
    report = CopyReport(dry_run=dry_run)
    run = Run(
        session, columns, report, grace=timedelta(0), concurrency=concurrency, progress=progress, on_finding=on_finding
    )
    files = Files(pairs_of(columns, storages), columns)
    condition = text(f"({where})") if isinstance(where, str) else where
    try:
        for table in tables:
            for page in table.pages(batch, condition):
                _Page(run, table, files).go(page, dry_run=dry_run)
                run.tell("copy", None, report.rows.counts["rows"])
            if not dry_run:
                table.advance_sequences()
    finally:
        report.seconds = time.time() - run.started
    return report


async def copy_environment_async(
    session: AsyncSession,
    target_session: AsyncSession,
    metadata: Any,
    *,
    storages: Mapping[str, StorageBackend | str],
    models: Any = None,
    where: str | ColumnElement[bool] | None = None,
    dry_run: bool = False,
    concurrency: int = 16,
    batch: int = PAGE,
    progress: Callable[[Progress], Any] | None = None,
    on_finding: Callable[[Finding], Any] | None = None,
) -> CopyReport:
    """Like `copy_environment`."""
    return await session.run_sync(
        copy_environment,
        target_session.sync_session,
        metadata,
        storages=storages,
        models=models,
        where=where,
        dry_run=dry_run,
        concurrency=concurrency,
        batch=batch,
        progress=progress,
        on_finding=on_finding,
    )


class _Page:
    def __init__(self, run: Run, table: TableCopy, files: Files) -> None:
        self.run, self.table, self.files = run, table, files

    def go(self, page: list[Row], *, dry_run: bool) -> None:
        counts = self.run.report.rows.counts
        there = self.table.there(page)
        rows = [row for row in page if self.table.encoded(row) not in there]
        counts["rows"] += len(page)
        counts["there"] += len(page) - len(rows)
        found: dict[int, list[File]] = {}
        for number, row in enumerate(rows):
            try:
                found[number] = list(self.files.of(self.table, number, row))
            except Refusal as refusal:
                self._find(row, None, refusal.kind, refusal.detail)
        jobs = [file for each_ in found.values() for file in each_]
        counts["to_do"] += len(found)
        if dry_run:
            return
        outcomes: list[Any] = each(jobs, self.files.copy, self.files.copy_async, self.run.concurrency)
        self.run.raise_if_down(outcomes)
        copies: dict[int, list[tuple[File, Copied]]] = {number: [] for number in found}
        broken: set[int] = set()
        for file, outcome in zip(jobs, outcomes, strict=True):
            if isinstance(outcome, Exception):
                kind = outcome.kind if isinstance(outcome, Refusal) else "failed"
                self._find(rows[file.row], file, kind, str(outcome))
                broken.add(file.row)
            else:
                copies[file.row].append((file, outcome))
        whole = [number for number in found if number not in broken]
        refused = self.table.insert([with_copies(self.table, rows[number], copies[number]) for number in whole])
        for number, error in zip(whole, refused, strict=True):
            if error is not None:
                self._find(rows[number], None, "refused", str(error.orig).strip())
                broken.add(number)
        for number in broken:
            self.files.delete(copies[number])
        self._count([pair for number in whole if number not in broken for pair in copies[number]])
        counts["inserted"] += len(whole) - len(broken & set(whole))

    def _count(self, copies: list[tuple[File, Copied]]) -> None:
        counts = self.run.report.rows.counts
        counts["copied"] += len(copies)
        counts["copied_bytes"] += sum(copied.info.size or 0 for _, copied in copies)
        counts["adopted"] += sum(not copied.made for _, copied in copies)

    def _find(self, row: Row, file: File | None, kind: str, detail: str) -> None:
        identity = tuple(map(str, self.table.identity(row)))
        name = file.name if file is not None else RowName(self.table.table.fullname, "", identity)
        storage, key = (file.fields["backend"], file.fields["to_filename"]) if file is not None else (None, None)
        self.run.report.rows.add(Finding(kind, storage, key, detail, (name,)), self.run.on_finding)


def _chosen(columns: Columns, models: Any) -> list[Table]:
    """Return the tables in the order of their foreign keys, without outboxes."""
    outboxes = [outbox.table for outbox in columns.outboxes]
    tables = [table for each_ in columns.metadata for table in each_.sorted_tables if table not in outboxes]
    several = models if isinstance(models, (list, tuple, set, frozenset)) else [models]
    given = [getattr(model, "__table__", model) for model in several]
    unknown = [] if models is None else [each_ for each_ in given if not any(each_ in names_of(t) for t in tables)]
    if unknown:
        message = f"there is no model or table called {str(unknown[0])!r}; there are: {', '.join(map(str, tables))}"
        raise ConfigurationError(message)
    for table, model in product(tables, [] if models is None else several):
        refuse_part(table, model)
    found = [table for table in tables if models is None or any(each_ in names_of(table) for each_ in given)]
    if without := [table.fullname for table in found if not table.primary_key.columns]:
        message = f"table {without[0]!r} has no primary key, by which rows are told apart: leave it out (models=)"
        raise ConfigurationError(message)
    return found


def _check_databases(session: Session, target: Session, tables: Iterable[TableCopy]) -> None:
    for each_ in tables:
        one, other = engine_of(session, each_.table), engine_of(target, each_.table)
        if one is other or (one.url == other.url and one.url.database not in {None, "", ":memory:"}):
            message = f"both sessions have the same database for table {each_.table.fullname!r}"
            raise ConfigurationError(message)
