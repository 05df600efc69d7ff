"""`rekey`: gives files other keys in the storage where they are, as another naming scheme makes them."""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from holdfast.checksums import algorithm_of, hash_factory
from holdfast.drivers.freshness import uncached
from holdfast.errors import (
    AlreadyExistsError,
    ChecksumMismatchError,
    ConfigurationError,
    MissingExtraError,
    NotFoundError,
)
from holdfast.maintenance import guards
from holdfast.maintenance.columns import Columns
from holdfast.maintenance.differences import differ, differ_async
from holdfast.maintenance.names import Names
from holdfast.maintenance.reports import RekeyReport
from holdfast.maintenance.rewriting.engine import Refusal, rewrite
from holdfast.maintenance.rewriting.journal import Journal
from holdfast.maintenance.rewriting.looking import missing
from holdfast.maintenance.rewriting.newkeys import NewKeys
from holdfast.maintenance.rewriting.superseded import clear, refuse_other_names
from holdfast.maintenance.rewriting.walk import PAGE, Selection
from holdfast.maintenance.run import Run
from holdfast.registry import storages as registry
from holdfast.schemes import KeyScheme, check_scheme

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm import Session

    from holdfast.backends.base import StorageBackend
    from holdfast.maintenance.reports import Finding, Progress
    from holdfast.maintenance.rewriting.engine import Job
    from holdfast.objects import ObjectInfo

CHECKS = ("sha256", "size")
"""How a copy is checked: its bytes are read, or its size is asked for."""


def rekey(
    session: Session,
    metadata: Any,
    *,
    storage: str,
    scheme: KeyScheme | None = None,
    models: Any = None,
    where: str | ColumnElement[bool] | None = None,
    keep: bool = False,
    shared: bool = False,
    check: str = "sha256",
    dry_run: bool = False,
    concurrency: int = 16,
    batch: int = PAGE,
    state: str | os.PathLike[str] | None = None,
    progress: Callable[[Progress], Any] | None = None,
    on_finding: Callable[[Finding], Any] | None = None,
) -> RekeyReport:
    """Give files the keys that a naming scheme makes, in the storage where they are.

    Each object is copied inside the storage to its new key, and checked; then its row is switched, if nobody has
    changed it meanwhile. At the end the old objects that no row holds any more are deleted. Files whose keys follow the
    scheme are left alone: the scheme makes the same key again from the id in it. New keys tell the time of the upload.

    Args:
        session: Says which databases have the tables.
        metadata: All tables that hold files of this storage: a `MetaData`, a declarative base, or a list of them.
        storage: Name of the storage.
        scheme: The scheme; left out, the one of each column, else of the storage, else the default one.
        models: Only rows of these models or tables, or of their names.
        where: Only rows that meet this: SQL as text, or an expression.
        keep: Leave the old objects. With `state`, a later run without `keep` deletes them.
        shared: Delete although other columns may name the storage, because they hold no files in it.
        check: How copies are checked: ``"sha256"`` reads each of them, ``"size"`` asks for its size.
        dry_run: Only count the files.
        concurrency: Requests to the storage under way at once.
        batch: Rows that are read and written at a time.
        state: A file to note new keys in before anything is copied, so that the same call goes on after an interrupt:
            it copies nothing twice, and deletes what is left over. Without it a sweep finds that.
        progress: Called with a `Progress` after each page.
        on_finding: Called with each `Finding`; the report keeps the first thousand of a kind.

    Returns:
        What was done.

    Raises:
        SweepRefusedError: Columns that it was not shown may hold files in the storage, or there are prepared
            transactions.
        UnknownStorageError: The storage is not registered.
        ConfigurationError: The arguments cannot work.
        StorageError: The storage is out of order; what is done is done.
    """
    backend = registry.get(storage)
    check_scheme(scheme)
    if check not in CHECKS:
        message = f"check={check!r} must be one of {', '.join(CHECKS)}"
        raise ConfigurationError(message)
    columns = Columns(metadata)
    report = RekeyReport(dry_run=dry_run)
    run = Run(
        session,
        columns,
        report,
        grace=timedelta(0),
        concurrency=concurrency,
        progress=progress,
        on_finding=on_finding,
    )
    selection = Selection.of(columns, models, where)
    if not (dry_run or keep):
        refuse_other_names(backend)
        guards.refuse_prepared(run.rows.engines)
        if not shared:
            guards.refuse_strangers(run.rows, {*Names(backend), storage})
    named = scheme if isinstance(scheme, str) else getattr(scheme, "__qualname__", repr(scheme)) if scheme else None
    try:
        with Journal(None if dry_run else state, {"run": "rekey", "storage": storage, "scheme": named}) as journal:
            work = Rekey(run, storage, scheme, journal, check=check)
            rewrite(run, work, selection, size=batch, dry_run=dry_run)
            if not dry_run:
                clear(run, backend, journal, keep=keep)
    finally:
        report.seconds = time.time() - run.started
    return report


async def rekey_async(
    session: AsyncSession,
    metadata: Any,
    *,
    storage: str,
    scheme: KeyScheme | None = None,
    models: Any = None,
    where: str | ColumnElement[bool] | None = None,
    keep: bool = False,
    shared: bool = False,
    check: str = "sha256",
    dry_run: bool = False,
    concurrency: int = 16,
    batch: int = PAGE,
    state: str | os.PathLike[str] | None = None,
    progress: Callable[[Progress], Any] | None = None,
    on_finding: Callable[[Finding], Any] | None = None,
) -> RekeyReport:
    """Like `rekey`."""
    return await session.run_sync(
        rekey,
        metadata,
        storage=storage,
        scheme=scheme,
        models=models,
        where=where,
        keep=keep,
        shared=shared,
        check=check,
        dry_run=dry_run,
        concurrency=concurrency,
        batch=batch,
        state=state,
        progress=progress,
        on_finding=on_finding,
    )


class Rekey:
    """What is done to each file.

    Args:
        run: The run.
        name: Name of the storage.
        scheme: The scheme; None for the one of each column.
        journal: Takes the new keys.
        check: How copies are checked.
    """

    naming: Collection[str]
    verb: str = "rekeyed"

    def __init__(self, run: Run, name: str, scheme: KeyScheme | None, journal: Journal, *, check: str) -> None:
        self.naming, self._run, self._journal, self._check = (name,), run, journal, check
        self._storage: StorageBackend = registry.get(name)
        self._keys = NewKeys(run.rows, self._storage, scheme)
        self._new: dict[tuple[Any, ...], str | Refusal] = {}
        self._lock = threading.Lock()

    def wants(self, fields: dict[str, Any]) -> bool:
        """Return whether a file is in the storage."""
        return fields["backend"] in self.naming

    def choose(self, jobs: Sequence[Job]) -> list[Job]:
        """Return those that do not follow their scheme."""
        self._new = self._keys.wanted(jobs)
        return [job for job in jobs if job[:3] in self._new]

    def prepare(self, jobs: Sequence[Job]) -> None:
        """Write the new keys down, or take those of an interrupted run."""
        named = [(job, key) for job in jobs if isinstance(key := self._new[job[:3]], str)]
        chosen = self._journal.plan([(self._name(job), job.fields["to_filename"], key) for job, key in named])
        self._new |= {job[:3]: key for (job, _), key in zip(named, chosen, strict=True)}

    def work(self, job: Job) -> dict[str, Any]:
        """Copy the object, and check the copy."""
        old, new = self._of(job)
        storage = self._storage
        try:
            try:
                copy = storage.copy(old, new)
            except AlreadyExistsError:  # the key is our own: an interrupted run made the copy
                copy = self._adopted(storage.stat(new))
            if (size := job.fields["size"]) is None or copy.size != size:
                _compare(copy, storage.stat(old), size)
            if self._check == "sha256":
                with uncached():
                    if checksum := _usable(job):
                        storage.verify(new, checksum)
                    elif differ(storage.stream(old), storage.stream(new)):
                        raise _different(new)
        except ChecksumMismatchError as error:
            raise Refusal("corrupt", str(error)) from error
        except NotFoundError as error:
            raise missing(error) from error
        return _item(job, copy, new)

    async def work_async(self, job: Job) -> dict[str, Any]:
        """Like `work`."""
        old, new = self._of(job)
        storage = self._storage
        try:
            try:
                copy = await storage.copy_async(old, new)
            except AlreadyExistsError:
                copy = self._adopted(await storage.stat_async(new))
            if (size := job.fields["size"]) is None or copy.size != size:
                _compare(copy, await storage.stat_async(old), size)
            if self._check == "sha256":
                with uncached():
                    if checksum := _usable(job):
                        await storage.verify_async(new, checksum)
                    elif await differ_async(storage.stream_async(old), storage.stream_async(new)):
                        raise _different(new)
        except ChecksumMismatchError as error:
            raise Refusal("corrupt", str(error)) from error
        except NotFoundError as error:
            raise missing(error) from error
        return _item(job, copy, new)

    def finished(self, done: Sequence[tuple[Job, dict[str, Any]]]) -> None:
        """Note that the rows have their new keys."""
        self._journal.switched([(self._name(job), job.fields["to_filename"]) for job, _ in done])
        self._run.report.rows.counts["rekeyed_bytes"] += sum(item["size"] for _, item in done)

    def undo(self, lost: Sequence[tuple[Job, dict[str, Any]]]) -> None:
        """Leave the copies: the next attempt takes them, and what no row holds goes at the end."""

    def _name(self, job: Job) -> str:
        table, column, key = self._run.rows.name(job.place, job.identity)
        return json.dumps([table, column, key, job.position])

    def _of(self, job: Job) -> tuple[str, str]:
        new = self._new[job[:3]]
        if isinstance(new, Refusal):
            raise new
        return job.fields["to_filename"], new

    def _adopted(self, info: ObjectInfo) -> ObjectInfo:
        with self._lock:
            self._run.report.rows.counts["adopted"] += 1
        return info


def _compare(copy: ObjectInfo, original: ObjectInfo, size: int | None) -> None:
    """Refuse a file whose copy, or itself, has the wrong size."""
    if original.size != copy.size:
        raise Refusal("failed", f"its copy has {copy.size} bytes, and it has {original.size}")
    if size is not None:
        kind = "truncated" if original.size < size else "corrupt"
        raise Refusal(kind, f"it has {original.size} bytes, the row says {size}")


def _usable(job: Job) -> str | None:
    """Return the file's checksum, if it is of a kind that can be computed here."""
    checksum: str | None = job.fields["checksum"]
    try:
        return checksum if checksum and ":" in checksum and hash_factory(algorithm_of(checksum)) else None
    except MissingExtraError:
        raise
    except ConfigurationError:
        return None


def _different(key: str) -> Refusal:
    return Refusal("failed", f"its copy {key!r} has other bytes")


def _item(job: Job, copy: ObjectInfo, key: str) -> dict[str, Any]:
    said = {"size": copy.size, "last_modified": copy.last_modified}
    known = {name: value for name, value in said.items() if value is not None}
    return job.item | known | {"to_filename": key, "etag": copy.etag, "version_id": copy.version_id}
