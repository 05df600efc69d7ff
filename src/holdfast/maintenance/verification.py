"""`verify`: does every row's file exist, as the row says; and what lies there that no row holds?"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from holdfast.errors import ConfigurationError
from holdfast.maintenance.checkpoint import Checkpoint
from holdfast.maintenance.columns import Columns
from holdfast.maintenance.comparing import Verification
from holdfast.maintenance.reports import Finding, VerifyReport
from holdfast.maintenance.run import Run, chosen
from holdfast.maintenance.sharding.crew import Sharding, refuse_state
from holdfast.maintenance.sharding.verifying import verify_in_shards
from holdfast.registry import storages as registry

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable
    from concurrent.futures import Executor

    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm import Session

    from holdfast.maintenance.reports import Progress


def verify(
    session: Session,
    metadata: Any,
    *,
    storages: Iterable[str] | None = None,
    deep: bool = False,
    sample: float = 1.0,
    grace: timedelta = timedelta(hours=24),
    concurrency: int = 16,
    progress: Callable[[Progress], Any] | None = None,
    state: str | os.PathLike[str] | None = None,
    seed: int = 0,
    on_finding: Callable[[Finding], Any] | None = None,
    executor: Executor | None = None,
    shard_size: int | None = None,
    application: Callable[[], tuple[Any, Any]] | None = None,
) -> VerifyReport:
    """Compare rows and storages, in bounded memory, and change nothing.

    Each storage is listed once, without a request for each file; what seems wrong is asked again before it is
    reported. Only committed rows count.

    Args:
        session: Says which databases have the tables; they are read on connections of their own.
        metadata: The tables: a `MetaData`, a declarative base, or a list of them.
        storages: Names of the storages to look at; left out, those that the columns and their values name.
        deep: Read every file and compare its checksum.
        sample: With `deep`, the share of the files to read, from 0 to 1.
        seed: Chooses which files are in the sample; the same one chooses the same.
        grace: Unreferenced objects that are younger are only counted: their row may not be committed yet.
        concurrency: Requests to a storage under way at once.
        progress: Called with a `Progress` after each page.
        on_finding: Called with each `Finding`; the report keeps the first thousand of a kind.
        state: A file to note progress in, so that the same call goes on after an interrupt.
        executor: Does the work in shards: a thread or process pool, or that of a Dask client.
        shard_size: Objects of a shard; 50,000 if left out.
        application: Opens the application in a worker: a function in a module that registers the storages and returns
            an engine, or a factory of sessions, and the metadata. Threads need none.

    Returns:
        What was found. What could not be looked at is in its ``errors``, and then it is not ``ok``.

    Raises:
        UnknownStorageError: A storage that was asked for is not registered.
        ConfigurationError: The arguments cannot work.
    """
    if not 0 <= sample <= 1:
        message = f"sample={sample} must be a share from 0 to 1"
        raise ConfigurationError(message)
    columns = Columns(metadata)
    report = VerifyReport()
    arguments = {"deep": deep, "sample": sample, "seed": seed, "grace": grace.total_seconds()}
    if storages is None:
        wanted = chosen([name for name in columns.declared() if name in registry], columns)
    else:
        wanted = chosen(storages, columns)
    run = Run(
        session,
        columns,
        report,
        grace=grace,
        concurrency=concurrency,
        progress=progress,
        on_finding=on_finding,
    )
    share = sample if deep else 0.0
    if executor is not None:
        refuse_state(state)
        sharding = Sharding.of(session, columns, executor, application, shard_size)
        verify_in_shards(run, wanted, sharding, grace=grace, share=share, seed=seed, more=storages is None)
        return report
    checkpoint = Checkpoint(state, {"run": "verify", "storages": sorted(wanted), **arguments})
    with ExitStack() as stack:
        Verification(run, checkpoint, stack, wanted, share=share, seed=seed, more=storages is None).go()
    checkpoint.remove()
    return report


async def verify_async(
    session: AsyncSession,
    metadata: Any,
    *,
    storages: Iterable[str] | None = None,
    deep: bool = False,
    sample: float = 1.0,
    grace: timedelta = timedelta(hours=24),
    concurrency: int = 16,
    progress: Callable[[Progress], Any] | None = None,
    state: str | os.PathLike[str] | None = None,
    seed: int = 0,
    on_finding: Callable[[Finding], Any] | None = None,
    executor: Executor | None = None,
    shard_size: int | None = None,
    application: Callable[[], tuple[Any, Any]] | None = None,
) -> VerifyReport:
    """Like `verify`."""
    return await session.run_sync(
        verify,
        metadata,
        storages=storages,
        deep=deep,
        sample=sample,
        grace=grace,
        concurrency=concurrency,
        progress=progress,
        state=state,
        seed=seed,
        on_finding=on_finding,
        executor=executor,
        shard_size=shard_size,
        application=application,
    )
