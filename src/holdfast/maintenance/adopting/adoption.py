"""`adopt`: fills a file column from the column of another library, or from one's own keys and URLs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from holdfast.errors import ConfigurationError
from holdfast.maintenance.adopting.loop import Adoption
from holdfast.maintenance.adopting.owners import Owners
from holdfast.maintenance.adopting.places import Target
from holdfast.maintenance.adopting.reading import OldRows
from holdfast.maintenance.adopting.report import AdoptReport
from holdfast.maintenance.columns import Columns
from holdfast.maintenance.rewriting.walk import PAGE
from holdfast.maintenance.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm import Session

    from holdfast.file import FileObject
    from holdfast.maintenance.reports import Finding, Progress


def adopt(
    session: Session,
    metadata: Any,
    *,
    column: Any,
    source: Any,
    mapping: Callable[..., FileObject | list[FileObject] | None],
    where: str | ColumnElement[bool] | None = None,
    check: bool = True,
    clear: bool = False,
    dry_run: bool = False,
    concurrency: int = 16,
    batch: int = PAGE,
    progress: Callable[[Progress], Any] | None = None,
    on_finding: Callable[[Finding], Any] | None = None,
) -> AdoptReport:
    """Fill a file column from other columns of its table; the objects stay where they are.

    Rows are read in key order and filled page by page, while the application runs: a row that somebody gave a file, or
    whose old value changed meanwhile, is not overwritten. Interrupt it at any time and start it again. Where several
    rows name one object, the last gets it and the others get copies, because each row owns its files.

    Args:
        session: Says which database has the table.
        metadata: All tables that hold files of these storages: a `MetaData`, a declarative base, or a list of them.
        column: The file column: ``Document.file`` or ``"document.file"``.
        source: The old column of the table, or several.
        mapping: Gets the values of `source` as the database holds them (JSON decoded), and returns the file, a list of
            files, or None: `holdfast.maintenance.adopting.from_sqlalchemy_file`, or any function. What it raises is
            a finding.
        where: Only rows that meet this: SQL as text, or an expression.
        check: Ask the storage for each file, for its size, time and etag; a file that is missing or has another size
            is not given to the row, but reported.
        clear: Set the old columns to NULL in the same statement, so that never two columns name one object.
        dry_run: Only look: nothing is copied or changed.
        concurrency: Requests to storages under way at once.
        batch: Rows of a page.
        progress: Called with a `Progress` after each page.
        on_finding: Called with each `Finding`; the report keeps the first thousand of a kind.

    Returns:
        What was found and done. Findings are ``missing``, ``truncated``, ``corrupt``, ``unreadable``,
        ``unregistered``, ``malformed`` and ``busy``, after which the row is as it was, and ``shared`` for each copy.

    Raises:
        ConfigurationError: The columns do not fit.
        StorageError: A storage does not work at all.
    """
    if batch < 1:
        message = f"batch={batch} must be at least 1"
        raise ConfigurationError(message)
    columns = Columns(metadata)
    target = Target.of(columns, column, source)
    unset = [each.name for each in target.sources if not each.nullable]
    if clear and unset:
        message = f"clear=True needs columns that can be NULL: {', '.join(unset)} of {target.table.fullname!r} cannot"
        raise ConfigurationError(message)
    report = AdoptReport(dry_run=dry_run)
    run = Run(
        session,
        columns,
        report,
        grace=timedelta(0),
        concurrency=concurrency,
        progress=progress,
        on_finding=on_finding,
    )
    if not dry_run:  # what waits there is no owner
        for outbox in columns.outboxes:
            outbox.drain(session)
    with Owners() as owners:
        adoption = Adoption(run, target, mapping, owners, check=check, clear=clear, dry_run=dry_run)
        adoption.find_owners(OldRows(run.rows, target, size=batch))
        adoption.go(OldRows(run.rows, target, where=where, size=batch))
    return report


async def adopt_async(
    session: AsyncSession,
    metadata: Any,
    *,
    column: Any,
    source: Any,
    mapping: Callable[..., FileObject | list[FileObject] | None],
    where: str | ColumnElement[bool] | None = None,
    check: bool = True,
    clear: bool = False,
    dry_run: bool = False,
    concurrency: int = 16,
    batch: int = PAGE,
    progress: Callable[[Progress], Any] | None = None,
    on_finding: Callable[[Finding], Any] | None = None,
) -> AdoptReport:
    """Like `adopt`."""
    return await session.run_sync(
        adopt,
        metadata,
        column=column,
        source=source,
        mapping=mapping,
        where=where,
        check=check,
        clear=clear,
        dry_run=dry_run,
        concurrency=concurrency,
        batch=batch,
        progress=progress,
        on_finding=on_finding,
    )
