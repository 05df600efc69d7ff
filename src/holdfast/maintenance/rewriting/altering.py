"""`alter`: changes what rows say of many files, and how their storage keeps them."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from holdfast.backends.signing import check_media_type
from holdfast.errors import ConfigurationError, InvalidValueError, NotFoundError
from holdfast.maintenance.columns import Columns
from holdfast.maintenance.reports import AlterReport
from holdfast.maintenance.rewriting.engine import Refusal, rewrite
from holdfast.maintenance.rewriting.looking import missing, refuse_size, registered
from holdfast.maintenance.rewriting.walk import PAGE, Selection
from holdfast.maintenance.run import Run
from holdfast.object_settings import ObjectSettings, ObjectSettingsLike
from holdfast.registry import storages as registry
from holdfast.rowvalue import check_metadata

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Collection, Mapping, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm import Session

    from holdfast.maintenance.reports import Finding, Progress
    from holdfast.maintenance.rewriting.engine import Job
    from holdfast.objects import ObjectInfo

_OWN = "holdfast"  # what the library itself keeps in a file's metadata


def alter(
    session: Session,
    metadata: Any,
    *,
    storage: str | None = None,
    models: Any = None,
    where: str | ColumnElement[bool] | None = None,
    content_type: str | None = None,
    metadata_changes: Mapping[str, Any] | None = None,
    object_settings: ObjectSettingsLike = None,
    objects: bool = False,
    dry_run: bool = False,
    concurrency: int = 16,
    batch: int = PAGE,
    progress: Callable[[Progress], Any] | None = None,
    on_finding: Callable[[Finding], Any] | None = None,
) -> AlterReport:
    """Change the content type or the metadata of many files, or how their storage keeps them.

    Content type and metadata are changed in the rows, and with `objects` or `object_settings` in the storage too. An
    object is changed where it lies, at once: on S3 it is copied onto itself. Its row gets the new etag, version and
    time then. Start it again after an interrupt: what is as wanted is left alone.

    Args:
        session: Says which databases have the tables.
        metadata: The tables: a `MetaData`, a declarative base, or a list of them.
        storage: Only files in this storage.
        models: Only rows of these models or tables, or of their names.
        where: Only rows that meet this: SQL as text, or an expression.
        content_type: The new media type.
        metadata_changes: Fields of the metadata with their new values; None removes a field.
        object_settings: Storage class, tags, encryption … of the objects, see
            `holdfast.object_settings.ObjectSettings`. Tags that are not named stay.
        objects: Give content type and metadata to the objects, too.
        dry_run: Only count the files. Whether an object is as wanted is not asked then.
        concurrency: Requests to a storage under way at once.
        batch: Rows that are read and written at a time.
        progress: Called with a `Progress` after each page.
        on_finding: Called with each `Finding`; the report keeps the first thousand of a kind.

    Returns:
        What was done.

    Raises:
        UnsupportedError: Objects of a storage cannot be changed where they lie; nothing was done.
        UnknownStorageError: The storage is not registered.
        ConfigurationError: The arguments cannot work, or say nothing.
        StorageError: A storage is out of order; what is done is done.
    """
    settings = ObjectSettings.of(object_settings)
    columns = Columns(metadata)
    report = AlterReport(dry_run=dry_run)
    run = Run(
        session,
        columns,
        report,
        grace=timedelta(0),
        concurrency=concurrency,
        progress=progress,
        on_finding=on_finding,
    )
    work = Alter(storage, content_type, metadata_changes or {}, settings, objects=objects, counts=report.rows.counts)
    if work.objects:
        names = [storage] if storage is not None else [name for name in columns.declared() if name in registry]
        for name in names:
            registry.get(name).check_alter(settings)
    try:
        rewrite(run, work, Selection.of(columns, models, where), size=batch, dry_run=dry_run)
    finally:
        report.seconds = time.time() - run.started
    return report


async def alter_async(
    session: AsyncSession,
    metadata: Any,
    *,
    storage: str | None = None,
    models: Any = None,
    where: str | ColumnElement[bool] | None = None,
    content_type: str | None = None,
    metadata_changes: Mapping[str, Any] | None = None,
    object_settings: ObjectSettingsLike = None,
    objects: bool = False,
    dry_run: bool = False,
    concurrency: int = 16,
    batch: int = PAGE,
    progress: Callable[[Progress], Any] | None = None,
    on_finding: Callable[[Finding], Any] | None = None,
) -> AlterReport:
    """Like `alter`."""
    return await session.run_sync(
        alter,
        metadata,
        storage=storage,
        models=models,
        where=where,
        content_type=content_type,
        metadata_changes=metadata_changes,
        object_settings=object_settings,
        objects=objects,
        dry_run=dry_run,
        concurrency=concurrency,
        batch=batch,
        progress=progress,
        on_finding=on_finding,
    )


class Alter:
    """What is done to each file.

    Args:
        storage: Only files in this one.
        content_type: The new media type; None leaves it.
        changes: Fields of the metadata.
        settings: Settings of the objects.
        objects: Whether objects get content type and metadata, too.
        counts: Takes how many objects were changed.

    Attributes:
        objects: Whether objects are to be changed at all.

    Raises:
        UnknownStorageError: The storage is not registered.
        ConfigurationError: There is nothing to change, or it cannot be.
    """

    naming: Collection[str]
    verb: str = "altered"

    def __init__(
        self,
        storage: str | None,
        content_type: str | None,
        changes: Mapping[str, Any],
        settings: ObjectSettings,
        *,
        objects: bool,
        counts: Counter[str],
    ) -> None:
        if content_type is None and not changes and not settings.given:
            message = "nothing to change: give content_type, metadata_changes or object_settings"
            raise ConfigurationError(message)
        if content_type is not None:
            check_media_type(content_type)
        if _OWN in changes:
            message = f"metadata_changes: {_OWN!r} is what the library itself keeps there"
            raise ConfigurationError(message)
        try:
            check_metadata(dict(changes))
        except InvalidValueError as error:
            raise ConfigurationError(str(error)) from error
        if storage is not None:
            registry.get(storage)
        self.naming = () if storage is None else (storage,)
        self.objects = objects or bool(settings.given)
        self._content_type, self._changes, self._settings = content_type, changes, settings
        self._counts, self._lock = counts, threading.Lock()

    def wants(self, fields: dict[str, Any]) -> bool:
        """Return whether the row says something else, or the object may be kept in another way."""
        if self.naming and fields["backend"] not in self.naming:
            return False
        same_type = self._content_type in {None, fields["content_type"]}
        return self.objects or not same_type or self._merged(fields["metadata"]) != fields["metadata"]

    def prepare(self, jobs: Sequence[Job]) -> None:
        """Do nothing."""

    def work(self, job: Job) -> dict[str, Any]:
        """Change the object, if that is wanted, and the row."""
        item = self._item(job)
        if not self.objects:
            return item
        storage, options = registered(job), self._options(item)
        try:
            info, changed = storage.alter(job.fields["to_filename"], **options)
        except NotFoundError as error:
            raise missing(error) from error
        return self._altered(job, item, info, changed=changed)

    async def work_async(self, job: Job) -> dict[str, Any]:
        """Like `work`."""
        item = self._item(job)
        if not self.objects:
            return item
        storage, options = registered(job), self._options(item)
        try:
            info, changed = await storage.alter_async(job.fields["to_filename"], **options)
        except NotFoundError as error:
            raise missing(error) from error
        return self._altered(job, item, info, changed=changed)

    def finished(self, done: Sequence[tuple[Job, dict[str, Any]]]) -> None:
        """Do nothing."""

    def undo(self, lost: Sequence[tuple[Job, dict[str, Any]]]) -> None:
        """Leave the objects: a row that was changed is done again, and a dropped object is of no use to anybody."""

    def _merged(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in {**metadata, **self._changes}.items() if name not in self._removed}

    @property
    def _removed(self) -> set[str]:
        return {name for name, value in self._changes.items() if value is None}

    def _item(self, job: Job) -> dict[str, Any]:
        item = dict(job.item)
        if self._content_type is not None:
            item["content_type"] = self._content_type
        if self._changes:
            try:
                item["metadata"] = check_metadata(self._merged(job.fields["metadata"]))
            except InvalidValueError as error:
                raise Refusal("refused", str(error)) from error
        return item

    def _options(self, item: Mapping[str, Any]) -> dict[str, Any]:
        metadata = item["metadata"] if self._changes else None
        return {"content_type": self._content_type, "metadata": metadata, "object_settings": self._settings}

    def _altered(self, job: Job, item: dict[str, Any], info: ObjectInfo, *, changed: bool) -> dict[str, Any]:
        refuse_size(job, info)
        with self._lock:
            self._counts["objects"] += changed
        told = {"etag": info.etag, "version_id": info.version_id, "last_modified": info.last_modified}
        return item | {name: value for name, value in told.items() if value is not None}
