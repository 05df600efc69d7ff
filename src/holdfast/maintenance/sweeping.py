"""`sweep`: deletes what crashes, raw SQL and forgotten transactions left in the storages."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from holdfast.maintenance import guards
from holdfast.maintenance.checkpoint import Checkpoint
from holdfast.maintenance.clearing import Sweep
from holdfast.maintenance.columns import Columns
from holdfast.maintenance.reports import Finding, SweepReport
from holdfast.maintenance.run import Run, chosen, moment
from holdfast.maintenance.sharding.crew import Sharding, refuse_state
from holdfast.maintenance.sharding.sweeping import SweepOptions, sweep_in_shards

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable
    from concurrent.futures import Executor
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm import Session

    from holdfast.maintenance.reports import Progress


def sweep(
    session: Session,
    metadata: Any,
    *,
    storages: Iterable[str] | None = None,
    grace: timedelta = timedelta(hours=24),
    delete: bool = False,
    since: datetime | timedelta | None = None,
    all_keys: bool = False,
    shared: bool = False,
    concurrency: int = 16,
    progress: Callable[[Progress], Any] | None = None,
    state: str | os.PathLike[str] | None = None,
    on_finding: Callable[[Finding], Any] | None = None,
    executor: Executor | None = None,
    shard_size: int | None = None,
    application: Callable[[], tuple[Any, Any]] | None = None,
) -> SweepReport:
    """Delete objects that no row holds, in bounded memory; without ``delete=True`` only report them.

    The outbox is drained first. Then each storage is listed, and the rows are read in one later snapshot; what they
    do not hold is looked up in a second reading, and in the storage, just before it goes. Unfinished uploads go too.

    Args:
        session: Says which databases have the tables; they are read on connections of their own.
        metadata: All tables that hold files of these storages: a `MetaData`, a declarative base, or a list of them.
        storages: Names of the storages to sweep; left out, those that the columns name, and all registered ones if
            a column names none.
        grace: Younger objects stay: their row may not be committed yet.
        delete: Delete. Otherwise nothing is changed, and the outbox is left alone.
        since: Only keys that were made at this time or later, or in this period up to now.
        all_keys: Also delete objects whose keys Holdfast did not make.
        shared: Sweep although other columns may name the storage, because they hold no files in it.
        concurrency: Requests to a storage under way at once.
        progress: Called with a `Progress` after each page.
        state: A file to note progress in, so that the same call goes on after an interrupt.
        on_finding: Called with each `Finding`; the report keeps the first thousand of a kind.
        executor: Does the work in shards: a thread or process pool, or that of a Dask client.
        shard_size: Objects of a shard; 50,000 if left out.
        application: Opens the application in a worker; see `verify`.

    Returns:
        What was found and done. What failed is in its ``errors``, and then it is not ``ok``.

    Raises:
        SweepRefusedError: Columns that it was not shown may hold files in the storage, or there are prepared
            transactions and `delete` is given.
        UnknownStorageError: A storage is not registered.
        ConfigurationError: The arguments cannot work.
    """
    columns = Columns(metadata)
    wanted = chosen(storages, columns)
    report = SweepReport(delete=delete)
    run = Run(
        session,
        columns,
        report,
        grace=grace,
        concurrency=concurrency,
        progress=progress,
        on_finding=on_finding,
    )
    since_time = moment(since, run.started)
    arguments = {"delete": delete, "all_keys": all_keys, "grace": grace.total_seconds(), "since": repr(since)}
    sharding = None
    if executor is not None:
        refuse_state(state)
        sharding = Sharding.of(session, columns, executor, application, shard_size)
    checkpoint = Checkpoint(state, {"run": "sweep", "storages": sorted(wanted), **arguments})
    if not shared:
        guards.refuse_strangers(run.rows, wanted)
    if delete:
        guards.refuse_prepared(run.rows.engines)
        report.drained = sum(outbox.drain(session) for outbox in columns.outboxes)
    elif prepared := guards.prepared_transactions(run.rows.engines):
        report.notes.append(f"prepared transactions would stop it from deleting: {', '.join(map(repr, prepared))}")
    if sharding is not None:
        options = SweepOptions(delete, all_keys, since_time, grace, run.started, concurrency)
        sweep_in_shards(run, wanted, sharding, options)
        return report
    with ExitStack() as stack:
        Sweep(run, checkpoint, stack, wanted, delete=delete, all_keys=all_keys, since=since_time).go()
    checkpoint.remove()
    return report


async def sweep_async(
    session: AsyncSession,
    metadata: Any,
    *,
    storages: Iterable[str] | None = None,
    grace: timedelta = timedelta(hours=24),
    delete: bool = False,
    since: datetime | timedelta | None = None,
    all_keys: bool = False,
    shared: bool = False,
    concurrency: int = 16,
    progress: Callable[[Progress], Any] | None = None,
    state: str | os.PathLike[str] | None = None,
    on_finding: Callable[[Finding], Any] | None = None,
    executor: Executor | None = None,
    shard_size: int | None = None,
    application: Callable[[], tuple[Any, Any]] | None = None,
) -> SweepReport:
    """Like `sweep`."""
    return await session.run_sync(
        sweep,
        metadata,
        storages=storages,
        grace=grace,
        delete=delete,
        since=since,
        all_keys=all_keys,
        shared=shared,
        concurrency=concurrency,
        progress=progress,
        state=state,
        on_finding=on_finding,
        executor=executor,
        shard_size=shard_size,
        application=application,
    )
