"""One run of `sweep`: list, read the rows, compare, confirm, delete."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from holdfast.claim import MARKERS_LAST
from holdfast.errors import NotFoundError, StorageError, SweepRefusedError, UnsupportedError
from holdfast.maintenance import guards
from holdfast.maintenance.confirming import CHUNK, Candidates
from holdfast.maintenance.listing import listing
from holdfast.maintenance.merging import Listed, matches
from holdfast.maintenance.pacing import PAGE, compute, each, pages
from holdfast.maintenance.reports import Finding
from holdfast.maintenance.run import day_folder, is_foreign
from holdfast.maintenance.sparing import Sparing
from holdfast.maintenance.spool import RUN, SortedSpool
from holdfast.orm import bridge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import ExitStack

    from holdfast.backends.base import StorageBackend
    from holdfast.maintenance.checkpoint import Checkpoint
    from holdfast.maintenance.merging import Match
    from holdfast.maintenance.reports import Report, Section
    from holdfast.maintenance.rows import Value
    from holdfast.maintenance.run import Run
    from holdfast.objects import ObjectInfo

_LISTED = ("objects", "candidates", "foreign", "undated", "recent", "earlier")
_TRIES = 3  # pages in a row that may fail before a storage is given up


class Sweep:
    """One run: list, read the rows, compare, confirm, delete."""

    def __init__(
        self,
        run: Run,
        checkpoint: Checkpoint,
        stack: ExitStack,
        wanted: dict[str, StorageBackend],
        *,
        delete: bool,
        all_keys: bool,
        since: float | None,
    ) -> None:
        self.run, self.checkpoint, self.wanted = run, checkpoint, wanted
        self.delete, self.since = delete, since
        self.sparing = Sparing(run.too_young, since, all_keys, run.started - MARKERS_LAST)
        _resume(run.report, checkpoint)
        self.wanted = {name: storage for name, storage in wanted.items() if not checkpoint.is_done(name)}
        size = max(PAGE, RUN // (2 * len(self.wanted) + 1))
        self.listed = {name: stack.enter_context(SortedSpool(size)) for name in self.wanted}
        self.held = {name: stack.enter_context(SortedSpool(size)) for name in self.wanted}

    def go(self) -> None:
        """Objects are listed before the rows are read: whatever was uploaded later is not looked at."""
        for name in self.wanted:
            self._guarded(name, self._list)
        self._read()
        for name in self.wanted:
            self._guarded(name, self._compare)
            self._guarded(name, self._clear_partial_uploads)

    def search(self) -> list[Listed]:
        """List and read, and return what no row seems to hold, without deleting anything."""
        found: list[Listed] = []
        for name in self.wanted:
            self._guarded(name, self._list)
        self._read()
        for name in self.wanted:
            self._guarded(name, lambda storage, section: found.extend(self._unheld(storage, section)))
        return found

    def clear(self, name: str, found: list[Listed]) -> None:
        """Look at the objects that a search found for the last time, and delete them if that was asked for."""
        self._guarded(name, lambda storage, section: self._work_off(storage, section, found))

    def clear_partial_uploads(self, name: str) -> None:
        """Clear the unfinished uploads to a storage."""
        self._guarded(name, self._clear_partial_uploads)

    def _guarded(self, name: str, step: Callable[[StorageBackend, Section], None]) -> None:
        if name in self.run.report.errors:
            return
        try:
            step(self.wanted[name], self.run.report.section(name))
        except (StorageError, SweepRefusedError) as error:
            self.run.failed(name, error)

    # --- listing

    def _list(self, storage: StorageBackend, section: Section) -> None:
        done = 0
        with listing(storage, self._start(storage), self.run.scope and self.run.scope.until) as found:
            for page in found:
                compute(partial(self._take_objects, storage.key, section, page))
                done += len(page)
                self.run.tell("list", storage.key, done)

    def _start(self, storage: StorageBackend) -> str | None:
        after = self.checkpoint.after(storage.key) if self.run.scope is None else self.run.scope.after
        if self.since is None or storage.key_scheme is not None or self.run.columns.has_own_keys:
            return after
        return max(after or "", day_folder(self.since))

    def _take_objects(self, name: str, section: Section, page: list[ObjectInfo]) -> None:
        candidates: list[tuple[str, int, float | None]] = []
        for info in page:
            reason = self.sparing.reason(info.key, info.last_modified)
            section.counts[reason or "candidates"] += 1
            if reason is None:
                candidates.append((info.key, info.size, info.last_modified))
        section.counts["objects"] += len(page)
        self.listed[name].extend(candidates)

    # --- rows

    def _read(self) -> None:
        done = 0
        with self.run.rows.pages() as found:
            for page in found:
                compute(partial(self._take_values, page))
                done += len(page)
                self.run.tell("rows", None, done)

    def _take_values(self, page: list[Value]) -> None:
        counts = self.run.report.rows.counts
        counts["rows"] += sum(map(self.run.rows.counts, page))
        found: dict[str, list[tuple[str, int, tuple[Any, ...]]]] = {}
        for value in page:
            for file in self.run.rows.mine(value):
                counts["held"] += 1
                counts["malformed"] += file.problem is not None
                if file.storage in self.held and file.key is not None:
                    found.setdefault(file.storage, []).append((file.key, value.place, ()))
        for name, records in found.items():
            self.held[name].extend(records)

    # --- deleting

    def _compare(self, storage: StorageBackend, section: Section) -> None:
        chunk: list[Listed] = []
        for listed in self._unheld(storage, section):
            chunk.append(listed)
            if len(chunk) >= CHUNK:
                self._work_off(storage, section, chunk)
                chunk = []
        if chunk:
            self._work_off(storage, section, chunk)
        self.checkpoint.save(storage.key, section, done=True)

    def _unheld(self, storage: StorageBackend, section: Section) -> Iterator[Listed]:
        done, total = 0, section.counts["candidates"]
        for page in pages(matches(iter(self.listed[storage.key]), iter(self.held[storage.key]))):
            for listed in _unreferenced(page):
                if is_foreign(listed.key):
                    section.counts["foreign"] += 1
                else:
                    yield listed
            done += sum(match.listed is not None for match in page)
            self.run.tell("compare", storage.key, done, total)

    def _work_off(self, storage: StorageBackend, section: Section, chunk: list[Listed]) -> None:
        if self.delete:
            guards.refuse_prepared(self.run.rows.engines)  # one that came since may have taken any of these
        candidates = Candidates(self.run, storage, chunk)
        left = candidates.confirm()
        section.counts["elsewhere"] += candidates.elsewhere
        failures = 0
        for start in range(0, len(left), PAGE):
            page = self._still_there(storage, section, left[start : start + PAGE])
            failures = failures + 1 if not self._delete(storage, section, page) else 0
            if failures == _TRIES:
                break
            last = left[start : start + PAGE][-1].key
            self.checkpoint.save(storage.key, section, after=last)
            self.run.tell("delete", storage.key, min(start + PAGE, len(left)), len(left))

    def _still_there(self, storage: StorageBackend, section: Section, page: list[Listed]) -> list[Listed]:
        """Ask for each object again: it may have gone, or been written anew."""
        outcomes: list[Any] = each(
            page,
            lambda found: storage.stat(found.key),
            lambda found: storage.stat_async(found.key),
            self.run.concurrency,
        )
        self.run.raise_if_down(outcomes)
        left = []
        for found, outcome in zip(page, outcomes, strict=True):
            if isinstance(outcome, NotFoundError):
                section.counts["gone"] += 1
            elif isinstance(outcome, Exception):
                self.run.failed(storage.key, outcome)
            elif self.sparing.reason(found.key, outcome.last_modified) is None:
                left.append(found)
        return left

    def _delete(self, storage: StorageBackend, section: Section, page: Sequence[Listed]) -> bool:
        size = sum(found.size for found in page)
        keys = [found.key for found in page]
        for found in page:
            detail = f"no row holds its {found.size} bytes"
            section.add(Finding("unreferenced", storage.key, found.key, detail), self.run.on_finding)
        section.counts["unreferenced_bytes"] += size
        if not self.delete or not keys:
            return True
        try:
            bridge.do(lambda: storage.delete(keys), lambda: storage.delete_async(keys))
        except StorageError as error:
            self.run.failed(storage.key, error)
            section.counts["failed"] += len(keys)
            return False
        section.counts["deleted"] += len(keys)
        section.counts["deleted_bytes"] += size
        return True

    def _clear_partial_uploads(self, storage: StorageBackend, section: Section) -> None:
        older_than, delete = self.run.too_young, self.delete
        try:
            found = bridge.do(
                lambda: storage.clear_partial_uploads(older_than, delete=delete),
                lambda: storage.clear_partial_uploads_async(older_than, delete=delete),
            )
        except UnsupportedError as error:
            self.run.report.notes.append(str(error))
            return
        for key in found:
            section.add(Finding("partial", storage.key, key, "an upload that was never finished"), self.run.on_finding)


def _unreferenced(page: list[Match]) -> list[Listed]:
    return [match.listed for match in page if match.listed is not None and not match.held]


def _resume(report: Report, checkpoint: Checkpoint) -> None:
    checkpoint.restore(report)
    for name, section in report.storages.items():
        if not checkpoint.is_done(name):
            for each in _LISTED:  # what is listed now is counted anew
                section.counts.pop(each, None)
            report.notes.append(f"storage {name!r} goes on after {checkpoint.after(name)!r}, from an earlier run")
