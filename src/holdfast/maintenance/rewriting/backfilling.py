"""`backfill`: fills in what old rows do not say of their files, as the storages know it."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from holdfast.backends.base import CHUNK_SIZE
from holdfast.drivers.freshness import uncached
from holdfast.errors import NotFoundError
from holdfast.inspection import HEAD_SIZE
from holdfast.maintenance.columns import Columns
from holdfast.maintenance.reports import BackfillReport
from holdfast.maintenance.rewriting.engine import rewrite
from holdfast.maintenance.rewriting.looking import Look, missing, registered
from holdfast.maintenance.rewriting.walk import PAGE, Selection
from holdfast.maintenance.run import Run
from holdfast.maintenance.sharding.crew import ROWS, Sharding
from holdfast.maintenance.sharding.spans import rewrite_in_shards
from holdfast.names import check_name
from holdfast.registry import storages as registry
from holdfast.sources import AsyncIterableSource, IterableSource

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Collection, Iterable, Sequence
    from concurrent.futures import Executor

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm import Session

    from holdfast.backends.base import StorageBackend
    from holdfast.maintenance.reports import Finding, Progress
    from holdfast.maintenance.rewriting.engine import Job
    from holdfast.maintenance.rewriting.walk import Span

FIELDS = ("size", "etag", "checksum", "content_type", "last_modified")
"""What can be filled in."""


def backfill(
    session: Session,
    metadata: Any,
    *,
    storages: Iterable[str] | str | None = None,
    models: Any = None,
    where: str | ColumnElement[bool] | None = None,
    fields: Iterable[str] = FIELDS,
    overwrite: bool = False,
    dry_run: bool = False,
    concurrency: int = 16,
    batch: int = PAGE,
    progress: Callable[[Progress], Any] | None = None,
    on_finding: Callable[[Finding], Any] | None = None,
    executor: Executor | None = None,
    shard_size: int | None = None,
    application: Callable[[], tuple[Any, Any]] | None = None,
) -> BackfillReport:
    """Fill in what rows do not say of their files: size, etag, checksum, content type, time.

    Rows that another library wrote, or SQL by hand, say little. An object is read, in bounded memory, only where its
    checksum is missing, or its first bytes where nothing else tells the content type. A row that says everything is
    left alone: start it again after an interrupt, and it goes on. Files that are missing, or that have another size
    than the row says, are findings.

    Args:
        session: Says which databases have the tables.
        metadata: The tables: a `MetaData`, a declarative base, or a list of them.
        storages: Only files in these storages.
        models: Only rows of these models or tables, or of their names.
        where: Only rows that meet this: SQL as text, or an expression.
        fields: What to fill in. An etag brings the version with it. What a storage does not have is left out: the
            checksum too, where the storage is set to none.
        overwrite: Also replace what the rows do say.
        dry_run: Only count the files.
        concurrency: Requests to a storage under way at once.
        batch: Rows that are read and written at a time.
        progress: Called with a `Progress` after each page.
        on_finding: Called with each `Finding`; the report keeps the first thousand of a kind.
        executor: Does the work in shards, side by side: a thread or process pool, or that of a Dask client.
        shard_size: Rows of a shard; 10,000 if left out.
        application: Opens the application in a worker; see `verify`.

    Returns:
        What was done.

    Raises:
        UnknownStorageError: A storage of `storages` is not registered.
        ConfigurationError: The arguments cannot work.
        StorageError: A storage is out of order; what is done is done.
    """
    columns = Columns(metadata)
    report = BackfillReport(dry_run=dry_run)
    run = Run(
        session,
        columns,
        report,
        grace=timedelta(0),
        concurrency=concurrency,
        progress=progress,
        on_finding=on_finding,
    )
    work = Backfill(storages, fields, overwrite=overwrite, counts=report.rows.counts)
    selection = Selection.of(columns, models, where)
    try:
        if executor is None or dry_run:
            rewrite(run, work, selection, size=batch, dry_run=dry_run)
        else:
            sharding = Sharding.of(session, columns, executor, application, shard_size, usual=ROWS)
            call = partial(
                _fill,
                storages=work.naming or None,
                where=where,
                fields=work.fields,
                overwrite=overwrite,
                concurrency=concurrency,
                batch=batch,
            )
            rewrite_in_shards(run, sharding, selection, call, verb=work.verb)
    finally:
        report.seconds = time.time() - run.started
    return report


async def backfill_async(
    session: AsyncSession,
    metadata: Any,
    *,
    storages: Iterable[str] | str | None = None,
    models: Any = None,
    where: str | ColumnElement[bool] | None = None,
    fields: Iterable[str] = FIELDS,
    overwrite: bool = False,
    dry_run: bool = False,
    concurrency: int = 16,
    batch: int = PAGE,
    progress: Callable[[Progress], Any] | None = None,
    on_finding: Callable[[Finding], Any] | None = None,
    executor: Executor | None = None,
    shard_size: int | None = None,
    application: Callable[[], tuple[Any, Any]] | None = None,
) -> BackfillReport:
    """Like `backfill`."""
    return await session.run_sync(
        backfill,
        metadata,
        storages=storages,
        models=models,
        where=where,
        fields=fields,
        overwrite=overwrite,
        dry_run=dry_run,
        concurrency=concurrency,
        batch=batch,
        progress=progress,
        on_finding=on_finding,
        executor=executor,
        shard_size=shard_size,
        application=application,
    )


def _fill(
    session: Session,
    metadata: Any,
    *,
    storages: Iterable[str] | None,
    models: Any,
    where: str | ColumnElement[bool] | None,
    spans: Iterable[Span],
    fields: Iterable[str],
    overwrite: bool,
    concurrency: int,
    batch: int,
    on_finding: Callable[[Finding], Any] | None,
) -> BackfillReport:
    """Fill in some rows: one shard of `backfill`."""
    columns, report = Columns(metadata), BackfillReport()
    run = Run(
        session,
        columns,
        report,
        grace=timedelta(0),
        concurrency=concurrency,
        progress=None,
        on_finding=on_finding,
    )
    work = Backfill(storages, fields, overwrite=overwrite, counts=report.rows.counts)
    rewrite(run, work, Selection.of(columns, models, where), spans=spans, size=batch)
    return report


class Backfill:
    """What is done to each file.

    Args:
        storages: Only files in these.
        fields: What to fill in.
        overwrite: Also replace what is there.
        counts: Takes what was filled in, by field.

    Raises:
        UnknownStorageError: A storage is not registered.
        ConfigurationError: There is no such field.
    """

    naming: Collection[str]
    verb: str = "filled"

    def __init__(
        self,
        storages: Iterable[str] | str | None,
        fields: Iterable[str],
        *,
        overwrite: bool,
        counts: Counter[str],
    ) -> None:
        self.fields = tuple(fields)
        for name in self.fields:
            check_name(name, FIELDS, "backfill")
        names = () if storages is None else (storages,) if isinstance(storages, str) else tuple(storages)
        for name in names:
            registry.get(name)
        self.naming = frozenset(names)
        self.overwrite, self.counts = overwrite, counts
        self._lock = threading.Lock()

    def wants(self, fields: dict[str, Any]) -> bool:
        """Return whether something is missing that the file's storage knows."""
        return (not self.naming or fields["backend"] in self.naming) and bool(self._missing(fields))

    def prepare(self, jobs: Sequence[Job]) -> None:
        """Do nothing."""

    def work(self, job: Job) -> dict[str, Any]:
        """Describe the object, and read it if that takes its bytes."""
        storage, look = self._look(job)
        try:
            with uncached():
                look.at(storage.stat(look.key))
                if look.needs_bytes:
                    body = look.body(IterableSource(storage.stream(look.key)))
                    for block in body.blocks(CHUNK_SIZE):
                        look.take(block)
                elif look.needs_head:
                    look.take(storage.read(look.key, end=HEAD_SIZE))
        except NotFoundError as error:
            raise missing(error) from error
        return self._filled(look)

    async def work_async(self, job: Job) -> dict[str, Any]:
        """Like `work`."""
        storage, look = self._look(job)
        try:
            with uncached():
                look.at(await storage.stat_async(look.key))
                if look.needs_bytes:
                    body = look.body(AsyncIterableSource(storage.stream_async(look.key)))
                    async for block in body.blocks_async(CHUNK_SIZE):
                        look.take(block)
                elif look.needs_head:
                    look.take(await storage.read_async(look.key, end=HEAD_SIZE))
        except NotFoundError as error:
            raise missing(error) from error
        return self._filled(look)

    def finished(self, done: Sequence[tuple[Job, dict[str, Any]]]) -> None:
        """Count what was filled in."""
        for job, item in done:
            for name in FIELDS:
                self.counts[f"filled: {name}"] += item.get(name) != job.item.get(name)

    def undo(self, lost: Sequence[tuple[Job, dict[str, Any]]]) -> None:
        """Do nothing: nothing was made."""

    def _look(self, job: Job) -> tuple[StorageBackend, Look]:
        storage = registered(job)
        wanted, refine = self._missing(job.fields), "content_type" in self.fields
        return storage, Look(job, storage.checksum_algorithm, wanted, overwrite=self.overwrite, refine=refine)

    def _filled(self, look: Look) -> dict[str, Any]:
        item = look.filled()
        with self._lock:
            self.counts["read_bytes"] += look.read
        return item

    def _missing(self, fields: dict[str, Any]) -> frozenset[str]:
        names = {name for name in self.fields if self.overwrite or fields[name] is None}
        if fields["backend"] not in registry:
            return frozenset(names)  # which is found out when it is looked for
        storage = registry.get(fields["backend"])
        has = {"etag": storage.abilities.etag, "last_modified": storage.abilities.last_modified}
        has["checksum"] = storage.checksum_algorithm is not None
        return frozenset(name for name in names if has.get(name, True))
