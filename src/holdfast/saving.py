"""One save of one file: its key is chosen, the storage writes it, and the file becomes stored, or stays as it was."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast import admission
from holdfast.backends.batch import PutRequest
from holdfast.rowvalue import check_metadata
from holdfast.rules import NO_RULES, Rules
from holdfast.schemes import KeyContext, KeyScheme, make_key
from holdfast.tracked import untrack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from holdfast.backends.base import StorageBackend
    from holdfast.file import FileObject
    from holdfast.objects import ObjectInfo
    from holdfast.sources import Source


class Ref(NamedTuple):
    """Where an object lies: key of the storage, key in it."""

    backend: str
    path: str


class Place(NamedTuple):
    """The column that a file is saved for.

    Attributes:
        row: The row, None without one.
        model: Name of its table.
        column: Name of the attribute.
        scheme: The column's own key scheme.
        rules: What the column accepts.
    """

    row: Any = None
    model: str | None = None
    column: str | None = None
    scheme: KeyScheme | None = None
    rules: Rules = NO_RULES


@dataclass(slots=True)
class Saving:
    """One save.

    Attributes:
        file: The file.
        storage: Where it goes.
        request: What the storage is asked to write.
        before: The file's state, for `undo`.
        rules: What the content must keep to.
        declared: Media type that somebody says it has.
        on_finish: Called when the object was written.
        noted: Whether a transaction answers for the object, so that no other may take it.
    """

    file: FileObject
    storage: StorageBackend
    request: PutRequest
    before: dict[str, Any]
    rules: Rules = NO_RULES
    declared: str | None = None
    on_finish: Callable[[], object] | None = None
    noted: bool = False

    @property
    def ref(self) -> Ref:
        """Where the new object will lie."""
        return Ref(self.storage.key, self.request.key)

    @property
    def is_fresh(self) -> bool:
        """Whether the key was made for this save, so that nobody else can own what lies there."""
        return self.request.fresh

    def finish(self, info: ObjectInfo) -> None:
        """Make the file the stored one."""
        self.file._become_stored(info, owned=self.noted)
        if self.rules:
            self.file._become_accepted(self.rules, self.request.content_type)
        if self.on_finish is not None:
            self.on_finish()

    def undo(self) -> None:
        """Make the file what it was: pending again, or spent if its content cannot be read again."""
        self.file._restore(self.before)


def prepare(
    file: FileObject, source: Source, *, place: Place | None = None, replacing: bool = False, **options: Any
) -> Saving:
    """Choose the key and everything else of a save, without any I/O.

    Args:
        file: The file; its ``to_filename``, if any, is the key.
        source: The content.
        place: The column that the file is for.
        replacing: Whether an object under the caller's ``to_filename`` may be replaced.
        options: ``use_multipart``, ``chunk_size``, ``max_concurrency`` of `StorageBackend.put`.

    Raises:
        ConfigurationError, InvalidKeyError: The key scheme does not yield a key.
        InvalidValueError: The metadata is not JSON.
    """
    storage = file.backend
    fresh = file.to_filename is None
    place = place or Place()
    metadata = untrack(check_metadata(file._metadata or {}))
    request = PutRequest(
        key=_fresh_key(file, storage, place) if fresh else str(file.to_filename),
        content=source,
        content_type=file.content_type,
        metadata=metadata,
        if_absent=fresh or not replacing,
        object_settings=file.object_settings,
        fresh=fresh,
        **options,
    )
    declared = file._content_type if source is file._source else source.content_type  # of other content, or of this
    return Saving(file, storage, request, file._snapshot(), place.rules, declared)


def _fresh_key(file: FileObject, storage: StorageBackend, place: Place) -> str:
    context = KeyContext(file._take_id(), file, place.row, place.model, place.column)
    return make_key(place.scheme or storage.key_scheme, context)


def save_all(savings: Sequence[Saving]) -> list[Exception]:
    """Save files, side by side up to each storage's limit; return what went wrong, having tried all.

    If a column refuses one of them, none is saved.
    """
    failures = admission.admit_all(savings)
    if failures:
        return failures
    for storage, group in _by_storage(savings):
        named = [saving for saving in group if not saving.is_fresh and saving.request.if_absent]
        taken = [saving for saving in named if storage.exists(saving.request.key)]
        failures += [storage.taken("put", saving.request.key) for saving in taken]
        rest = [saving for saving in group if saving not in taken]
        failures += _finish(rest, storage.put_many([saving.request for saving in rest]))
    return failures


async def save_all_async(savings: Sequence[Saving]) -> list[Exception]:
    """Like `save_all`."""
    failures = await admission.admit_all_async(savings)
    if failures:
        return failures

    async def save_group(storage: StorageBackend, group: list[Saving]) -> list[Exception]:
        named = [saving for saving in group if not saving.is_fresh and saving.request.if_absent]
        taken = [saving for saving in named if await storage.exists_async(saving.request.key)]
        rest = [saving for saving in group if saving not in taken]
        outcomes = await storage.put_many_async([saving.request for saving in rest])
        return [storage.taken("put", saving.request.key) for saving in taken] + _finish(rest, outcomes)

    groups = _by_storage(savings)
    if len(groups) == 1:  # nearly always
        return await save_group(*groups[0])
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(save_group(storage, group)) for storage, group in groups]
    return [failure for task in running for failure in task.result()]


def _by_storage(savings: Sequence[Saving]) -> list[tuple[StorageBackend, list[Saving]]]:
    groups: dict[str, tuple[StorageBackend, list[Saving]]] = {}
    for saving in savings:
        groups.setdefault(saving.storage.key, (saving.storage, []))[1].append(saving)
    return list(groups.values())


def _finish(savings: Sequence[Saving], outcomes: Sequence[ObjectInfo | Exception]) -> list[Exception]:
    failures = []
    for saving, outcome in zip(savings, outcomes, strict=True):
        if isinstance(outcome, Exception):
            failures.append(outcome)
        else:
            saving.finish(outcome._replace(key=saving.request.key))
    return failures
