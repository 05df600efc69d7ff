"""`migrate`: moves files from one storage to another while the application runs."""

from __future__ import annotations

import time
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from holdfast.errors import StorageError
from holdfast.maintenance import guards
from holdfast.maintenance.columns import Columns
from holdfast.maintenance.names import Names
from holdfast.maintenance.reports import MigrateReport
from holdfast.maintenance.rewriting.copying import Copying, check_known
from holdfast.maintenance.rewriting.ends import Ends
from holdfast.maintenance.rewriting.engine import rewrite
from holdfast.maintenance.rewriting.leftovers import Leftovers
from holdfast.maintenance.rewriting.moving import Moving
from holdfast.maintenance.rewriting.renaming import Renaming
from holdfast.maintenance.rewriting.walk import PAGE, Selection, count
from holdfast.maintenance.run import Run
from holdfast.maintenance.sharding.crew import ROWS, Sharding
from holdfast.maintenance.sharding.migrating import move_in_shards
from holdfast.maintenance.spool import SortedSpool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from concurrent.futures import Executor

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm import Session

    from holdfast.maintenance.reports import Finding, Progress, Report
    from holdfast.maintenance.rewriting.moving import Moved
    from holdfast.maintenance.rewriting.walk import Span

_PASSES = 5  # of all rows; somebody may write faster than this
_TROUBLES = ("failed", "missing", "corrupt", "malformed", "busy")


def migrate(
    session: Session,
    metadata: Any,
    *,
    source: str,
    target: str,
    models: Any = None,
    where: str | ColumnElement[bool] | None = None,
    keep: bool = False,
    dry_run: bool = False,
    check: str = "sha256",
    shared: bool = False,
    concurrency: int = 16,
    batch: int = PAGE,
    progress: Callable[[Progress], Any] | None = None,
    on_finding: Callable[[Finding], Any] | None = None,
    executor: Executor | None = None,
    shard_size: int | None = None,
    application: Callable[[], tuple[Any, Any]] | None = None,
) -> MigrateReport:
    """Move files from one storage to another while the application runs.

    Each file is copied under its own key and checked, then its row is switched if nobody has changed it meanwhile.
    When no row names the old storage any more, the old objects are deleted. A run can be interrupted at any point: the
    next one goes on, and copies nothing twice.

    Args:
        session: Says which databases have the tables; they are read and changed on connections of their own.
        metadata: All tables that hold files of these storages: a `MetaData`, a declarative base, or a list of them.
        source: Name of the storage where the files are.
        target: Name of the storage where they are to be.
        models: Only rows of these: mapped classes, tables or names of either; one or several.
        where: Only rows that meet this: SQL as text, or an expression, on columns of the table.
        keep: Leave the old objects. The same call without it deletes them.
        dry_run: Only count, change nothing.
        check: ``"sha256"``: bytes are hashed as they pass and compared with the row's checksum, and what a service has
            copied inside is read back. ``"read"``: everything is read back. ``"size"``: nothing is read back.
        shared: Delete old objects although other columns may name the storages, because they hold no files in them.
        concurrency: Files under way at once.
        batch: Rows that are read and switched at a time.
        progress: Called with a `Progress` after each batch.
        on_finding: Called with each `Finding`, with some of them again when they are tried again.
        executor: Does the work in shards, side by side: a thread or process pool, or that of a Dask client.
        shard_size: Rows of a shard; 10,000 if left out.
        application: Opens the application in a worker; see `verify`.

    Returns:
        What was done. What could not be moved is in its findings, and then it is not ``ok``.

    Raises:
        ConfigurationError: The storages are one inside the other, or the arguments cannot work.
        SweepRefusedError: Columns that it was not shown may hold files in the storages, or there are prepared
            transactions; not with `keep`.
        StorageError: A storage is down.
    """
    begun = time.monotonic()
    check_known(check)
    columns = Columns(metadata)
    selection = Selection.of(columns, models, where)
    report = MigrateReport(dry_run=dry_run)
    run = _run(session, columns, report, concurrency=concurrency, progress=progress, on_finding=on_finding)
    ends = Ends.of(source, target, keep=keep, dry_run=dry_run)
    sharding = None
    if executor is not None and not dry_run:
        sharding = Sharding.of(session, columns, executor, application, shard_size, usual=ROWS)
    if ends.clears and not shared:
        guards.refuse_strangers(run.rows, {*Names(ends.source), *Names(ends.target)})
    with SortedSpool() as spool:
        leftovers = Leftovers(run, ends.source, ends.target, spool)
        work = _work(ends, run, check, leftovers.note)
        if sharding is None:
            _move_all(run, work, selection, batch=batch, dry_run=dry_run)
        else:
            call = partial(
                move, source=source, target=target, where=where, check=check, concurrency=concurrency, batch=batch
            )
            move_in_shards(
                run, sharding, selection, call, note=leftovers.note, naming=work.naming, forget=_forget_troubles
            )
        if ends.clears and "workers" not in report.errors:
            _clear(run, leftovers)
    report.seconds = time.monotonic() - begun
    return report


async def migrate_async(
    session: AsyncSession,
    metadata: Any,
    *,
    source: str,
    target: str,
    models: Any = None,
    where: str | ColumnElement[bool] | None = None,
    keep: bool = False,
    dry_run: bool = False,
    check: str = "sha256",
    shared: bool = False,
    concurrency: int = 16,
    batch: int = PAGE,
    progress: Callable[[Progress], Any] | None = None,
    on_finding: Callable[[Finding], Any] | None = None,
    executor: Executor | None = None,
    shard_size: int | None = None,
    application: Callable[[], tuple[Any, Any]] | None = None,
) -> MigrateReport:
    """Like `migrate`."""
    return await session.run_sync(
        migrate,
        metadata,
        source=source,
        target=target,
        models=models,
        where=where,
        keep=keep,
        dry_run=dry_run,
        check=check,
        shared=shared,
        concurrency=concurrency,
        batch=batch,
        progress=progress,
        on_finding=on_finding,
        executor=executor,
        shard_size=shard_size,
        application=application,
    )


def move(
    session: Session,
    metadata: Any,
    *,
    source: str,
    target: str,
    models: Any = None,
    where: str | ColumnElement[bool] | None = None,
    spans: Iterable[Span] | None = None,
    check: str = "sha256",
    concurrency: int = 16,
    batch: int = PAGE,
    progress: Callable[[Progress], Any] | None = None,
    on_finding: Callable[[Finding], Any] | None = None,
) -> MigrateReport:
    """Go through some rows once and give them their files in the other storage: one share of `migrate`.

    Args:
        session: As in `migrate`, and so are the others.
        metadata: The tables.
        source: Where the files are.
        target: Where they are to be.
        models: Only these tables.
        where: Only these rows.
        spans: Only these ranges of primary keys.
        check: How copies are checked.
        concurrency: Files under way at once.
        batch: Rows that are read and switched at a time.
        progress: Called with a `Progress` after each batch.
        on_finding: Called with each `Finding`.

    Returns:
        What was done; ``moved`` is for `clear`.
    """
    begun = time.monotonic()
    columns = Columns(metadata)
    report = MigrateReport()
    run = _run(session, columns, report, concurrency=concurrency, progress=progress, on_finding=on_finding)
    work = _work(Ends.of(source, target, keep=True), run, check, report.moved.extend)
    rewrite(run, work, Selection.of(columns, models, where), spans=spans, size=batch)
    work.clear_strays()
    report.seconds = time.monotonic() - begun
    return report


def clear(
    session: Session,
    metadata: Any,
    *,
    source: str,
    target: str,
    moved: Iterable[Moved] = (),
    shared: bool = False,
    progress: Callable[[Progress], Any] | None = None,
) -> MigrateReport:
    """Delete old objects of files that have moved: the last step of `migrate`.

    Args:
        session: As in `migrate`, and so are the others.
        metadata: All tables that hold files of these storages.
        source: Where the files were.
        target: Where they are.
        moved: What is known to have moved, of the reports of `move`.
        shared: Delete although other columns may name the storages.
        progress: Called with a `Progress` after each page.
    """
    begun = time.monotonic()
    columns = Columns(metadata)
    report = MigrateReport()
    run = _run(session, columns, report, concurrency=1, progress=progress, on_finding=None)
    ends = Ends.of(source, target)
    if ends.clears:
        if not shared:
            guards.refuse_strangers(run.rows, {*Names(ends.source), *Names(ends.target)})
        with SortedSpool() as spool:
            leftovers = Leftovers(run, ends.source, ends.target, spool)
            leftovers.note(moved)
            _clear(run, leftovers)
    report.seconds = time.monotonic() - begun
    return report


def _run(
    session: Session,
    columns: Columns,
    report: MigrateReport,
    *,
    concurrency: int,
    progress: Callable[[Progress], Any] | None,
    on_finding: Callable[[Finding], Any] | None,
) -> Run:
    return Run(
        session,
        columns,
        report,
        grace=timedelta(0),
        concurrency=concurrency,
        progress=progress,
        on_finding=on_finding,
    )


def _work(ends: Ends, run: Run, check: str, note: Callable[[Sequence[Moved]], object]) -> Moving | Renaming:
    if ends.is_same_place:
        run.report.notes.append("both names lead to the same place: rows get the other name, and no object is touched")
        return Renaming(ends.source.key, ends.target.key)
    return Moving(run, Copying(ends.source, ends.target, check, creates=ends.creates), note)


def _move_all(run: Run, work: Moving | Renaming, selection: Selection, *, batch: int, dry_run: bool) -> None:
    """Go through all rows until none is left to do: others may appear behind."""
    counts = run.report.rows.counts
    expected = None if dry_run else sum(count(run.rows, each, selection, work.naming) for each in selection.tables)
    to_do = 0
    for attempt in range(_PASSES):
        if attempt:
            _forget_troubles(run.report)
        done = rewrite(run, work, selection, size=batch, dry_run=dry_run, expected=expected)
        work.clear_strays()
        to_do, expected = to_do or counts["to_do"], None
        if not done:
            break
    else:
        run.report.notes.append(
            "files are still being written to the old storage: migrate again when no process does that any more"
        )
    counts["to_do"] = to_do


def _forget_troubles(report: Report) -> None:
    """Forget what could not be done: it is tried again."""
    report.rows.findings.clear()
    for kind in [each for each in report.rows.counts if each.partition(":")[0] in _TROUBLES]:
        del report.rows.counts[kind]


def _clear(run: Run, leftovers: Leftovers) -> None:
    guards.refuse_prepared(run.rows.engines)
    for outbox in run.columns.outboxes:  # what waits there is not held any more
        outbox.drain(run.rows.session)
    try:
        leftovers.clear()
    except StorageError as error:
        run.failed(leftovers.source.key, error)
