"""Giving rows the same files in another storage."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.errors import AlreadyExistsError, HoldfastError, NotFoundError
from holdfast.file import FileObject
from holdfast.keys import default_key, find_id, new_id
from holdfast.maintenance.rewriting import originals
from holdfast.maintenance.rewriting.adoption import Strays, held
from holdfast.maintenance.rewriting.engine import Refusal, UndecidedError
from holdfast.saving import Ref
from holdfast.schemes import KeyContext, make_key

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from holdfast.maintenance.rewriting.copying import Copied, Copying
    from holdfast.maintenance.rewriting.engine import Job
    from holdfast.maintenance.rewriting.originals import Original
    from holdfast.maintenance.run import Run


class Moved(NamedTuple):
    """A file that a row holds in the new storage now.

    Attributes:
        source: Key of the old object.
        target: Key of the new one.
        size: Bytes.
        at: A time before it was copied, in seconds since the epoch.
    """

    source: str
    target: str
    size: int
    at: float


class Moving:
    """The work of `migrate` on each file, see `holdfast.maintenance.rewriting.engine.Rewrite`.

    Args:
        run: The run.
        copying: Copies from the old to the new storage.
        note: Takes what has moved.
    """

    verb = "moved"

    def __init__(self, run: Run, copying: Copying, note: Callable[[Sequence[Moved]], object]) -> None:
        self._run, self._copying, self._note = run, copying, note
        self._source, self._target = copying.source.key, copying.target.key
        self.naming: Collection[str] = {self._source}
        self._decided: dict[str, bool] = {}  # keys that are taken: whether a row holds them
        self._copies: dict[tuple[int, tuple[Any, ...], int], Copied] = {}
        self._strays = Strays(run.rows, copying.target)
        self._began = 0.0

    def wants(self, fields: dict[str, Any]) -> bool:
        """Return whether a file is in the old storage."""
        return bool(fields["backend"] == self._source)

    def prepare(self, jobs: Sequence[Job]) -> None:  # noqa: ARG002
        """Begin a page."""
        self._decided.clear()
        self._copies.clear()
        self._began = time.time()

    def decide(self, jobs: Sequence[Job]) -> None:
        """Ask whether rows hold the keys that are taken in the new storage."""
        keys = {job.fields["to_filename"] for job in jobs}
        found = held(self._run.rows, {Ref(self._target, key) for key in keys})
        self._decided |= {key: Ref(self._target, key) in found for key in keys}

    # --- one file

    def work(self, job: Job) -> dict[str, Any]:
        """Copy a file, or find its copy."""
        key = job.fields["to_filename"]
        try:
            return self._item(job, self._copied(job))
        except NotFoundError as error:
            if error.storage != self._source:
                raise
            copied = self._copied_before(job)
            if copied is None:
                raise Refusal("missing", f"there is no {key!r} in storage {self._source!r}") from error
            return self._item(job, copied)

    async def work_async(self, job: Job) -> dict[str, Any]:
        """Like `work`."""
        key = job.fields["to_filename"]
        try:
            return self._item(job, await self._copied_async(job))
        except NotFoundError as error:
            if error.storage != self._source:
                raise
            copied = await self._copied_before_async(job)
            if copied is None:
                raise Refusal("missing", f"there is no {key!r} in storage {self._source!r}") from error
            return self._item(job, copied)

    def _copied(self, job: Job) -> Copied:
        found = originals.original(self._copying.source, job.fields)
        if found.key not in self._decided:
            try:
                return self._copying.copy(found, found.key)
            except AlreadyExistsError:
                self._leave_undecided(found.key)
        return self._taken(job, found)

    async def _copied_async(self, job: Job) -> Copied:
        found = await originals.original_async(self._copying.source, job.fields)
        if found.key not in self._decided:
            try:
                return await self._copying.copy_async(found, found.key)
            except AlreadyExistsError:
                self._leave_undecided(found.key)
        return await self._taken_async(job, found)

    def _leave_undecided(self, key: str) -> None:
        # A key with an id of ours can only be this file's; any other may be somebody else's.
        if find_id(key) is None and key not in self._decided:
            raise UndecidedError from None

    def _taken(self, job: Job, found: Original) -> Copied:
        """Take over what lies under the key, if it is this file and nobody else's; else copy to a fresh key."""
        if self._decided.get(found.key):
            return self._copying.copy(found, self._fresh_key(job))
        try:
            adopted = self._copying.adopt(found, found.key)
        except NotFoundError as error:
            if error.storage != self._target:
                raise
            return self._copying.copy(found, found.key)  # it has just gone
        return adopted or self._copying.copy(found, self._fresh_key(job))

    async def _taken_async(self, job: Job, found: Original) -> Copied:
        if self._decided.get(found.key):
            return await self._copying.copy_async(found, self._fresh_key(job))
        try:
            adopted = await self._copying.adopt_async(found, found.key)
        except NotFoundError as error:
            if error.storage != self._target:
                raise
            return await self._copying.copy_async(found, found.key)
        return adopted or await self._copying.copy_async(found, self._fresh_key(job))

    def _copied_before(self, job: Job) -> Copied | None:
        """Return the copy of a file that is gone from the old storage, if its row knows enough to tell."""
        self._leave_undecided(job.fields["to_filename"])
        known = originals.known(job.fields)
        if known is None or self._decided.get(known.key):
            return None
        try:
            return self._copying.adopt(known, known.key)
        except NotFoundError:
            return None

    async def _copied_before_async(self, job: Job) -> Copied | None:
        self._leave_undecided(job.fields["to_filename"])
        known = originals.known(job.fields)
        if known is None or self._decided.get(known.key):
            return None
        try:
            return await self._copying.adopt_async(known, known.key)
        except NotFoundError:
            return None

    def _fresh_key(self, job: Job) -> str:
        place = self._run.columns.places[job.place]
        file, identifier = FileObject.from_row(job.item), new_id()
        context = KeyContext(identifier, file, model=place.table.name, column=place.column.key)
        try:
            return make_key(place.type.key_scheme or self._copying.target.key_scheme, context)
        except (HoldfastError, AttributeError, TypeError):  # a scheme that needs the row
            return default_key(identifier, file.filename)

    def _item(self, job: Job, copied: Copied) -> dict[str, Any]:
        self._copies[job.place, job.identity, job.position] = copied
        return job.item | {
            "backend": self._target,
            "to_filename": copied.key,
            "size": copied.info.size,
            "last_modified": copied.info.last_modified,
            "checksum": copied.checksum or job.fields["checksum"],
            "etag": copied.info.etag,
            "version_id": copied.info.version_id,
        }

    # --- after the rows were switched

    def finished(self, done: Sequence[tuple[Job, dict[str, Any]]]) -> None:
        """Count files that have moved."""
        counts = self._run.report.rows.counts
        moved = []
        for job, item in done:
            copied = self._copies[job.place, job.identity, job.position]
            counts["moved_bytes"] += item["size"]
            counts["adopted"] += not copied.made
            counts["renamed"] += copied.key != job.fields["to_filename"]
            moved.append(Moved(job.fields["to_filename"], copied.key, item["size"], self._began))
        self._note(moved)
        if done:
            self._copying.learn([self._copies[job.place, job.identity, job.position] for job, _ in done])

    def undo(self, lost: Sequence[tuple[Job, dict[str, Any]]]) -> None:
        """Remember copies whose rows were changed meanwhile."""
        for job, _ in lost:
            copied = self._copies[job.place, job.identity, job.position]
            if copied.made:
                self._strays.add(job.fields["to_filename"], copied.key)

    def clear_strays(self) -> None:
        """Delete copies that nobody holds."""
        self._strays.clear()
