"""Deleting old objects after their rows have moved, those that this run or an earlier one has moved.

Both storages are listed first and the rows are read after that, in one snapshot: an object that no row holds any more
goes if a row holds its copy, and that is there, or if this run has moved it. What nobody can tell is left to the sweep.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import chain, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.errors import StorageError
from holdfast.keys import find_id, find_ids
from holdfast.maintenance.listing import listing
from holdfast.maintenance.names import Names
from holdfast.maintenance.pacing import compute, pages
from holdfast.orm import bridge

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from holdfast.backends.base import StorageBackend
    from holdfast.maintenance.rewriting.moving import Moved
    from holdfast.maintenance.rows import Value
    from holdfast.maintenance.run import Run
    from holdfast.maintenance.spool import SortedSpool
    from holdfast.objects import ObjectInfo

_OLD = timedelta(hours=24).total_seconds()
_TRIES = 3  # pages in a row that may fail before it is given up
_OBJECT, _HELD, _COPY, _MOVED, _THERE = range(5)


class _Leftover(NamedTuple):
    """An old object that may go; a row that holds its copy, if there is one."""

    key: str
    size: int
    row: tuple[int, tuple[Any, ...]] | None


class Leftovers:
    """What is left in the old storage.

    Args:
        run: The run.
        source: The old storage.
        target: The new one.
        spool: Holds what `note` is told, and what is found here.
    """

    def __init__(self, run: Run, source: StorageBackend, target: StorageBackend, spool: SortedSpool) -> None:
        self._run, self.source, self._target, self._spool = run, source, target, spool
        self._section = run.report.section(source.key)
        self._names, self._copies = Names(source), set(Names(target)) - set(Names(source))
        self._target_names = Names(target)
        self._unreadable: set[str] = set()  # ids in values that are malformed: whatever they mean stays

    def note(self, moved: Iterable[Moved]) -> None:
        """Take what this run has moved."""
        self._spool.extend((each.source, _MOVED, each.size, each.at) for each in moved)

    def clear(self) -> None:
        """Delete.

        Raises:
            StorageError: The storage could not be listed.
        """
        self._list(self.source, _OBJECT)
        if self._target.abilities.lists:
            self._list(self._target, _THERE)
        done = 0
        with self._run.rows.pages() as rows:
            for values in rows:
                compute(partial(self._take_values, values))
                done += len(values)
                self._run.tell("confirm", None, done)
        failures = done = 0
        for leftovers in pages(self._leftovers()):
            failures = 0 if self._delete(leftovers) else failures + 1
            done += len(leftovers)
            self._run.tell("delete", self.source.key, done)
            if failures == _TRIES:
                return
        if needed := self._section.counts["needed"]:
            self._run.report.notes.append(
                f"{needed} objects stay in {self.source.key!r}, because {self._target.key!r} does not have the copies "
                f"that rows hold: verify tells which"
            )
        if left := self._section.counts["left"]:
            self._run.report.notes.append(
                f"{left} objects are left in {self.source.key!r}, which no row holds: a sweep deletes those of ours"
            )

    def _list(self, storage: StorageBackend, kind: int) -> None:
        done = 0
        with listing(storage, None) as found:
            for page in found:
                compute(partial(self._take_objects, page, kind))
                done += len(page)
                self._run.tell("list", storage.key, done)
        if storage is self.source:
            self._section.counts["objects"] += done

    def _take_objects(self, page: list[ObjectInfo], kind: int) -> None:
        self._spool.extend((info.key, kind, info.size, info.last_modified) for info in page)

    def _take_values(self, values: list[Value]) -> None:
        self._spool.extend(chain.from_iterable(map(self._records, values)))

    def _records(self, value: Value) -> Iterator[tuple[Any, ...]]:
        for file in self._run.rows.files(value):
            if file.problem is not None:
                self._unreadable.update(find_ids(file.text))
            if file.key is None:
                continue
            if file.problem is None and file.storage in self._copies:
                for key in self._target_names.keys(file.storage, file.key):
                    yield key, _COPY, file.size, (value.place, value.identity)
            else:
                # Also of a name that nothing connects with the storage: it may be the same place.
                for key in {file.key, *self._names.keys(file.storage, file.key)}:
                    yield (key, _HELD)

    def _leftovers(self) -> Iterator[_Leftover]:
        counts = self._section.counts
        for key, group in groupby(self._spool, itemgetter(0)):
            records = list(group)
            object_ = next((each for each in records if each[1] == _OBJECT), None)
            if object_ is None:
                continue
            if any(each[1] == _HELD for each in records) or self._unreadable.intersection(find_ids(key)):
                counts["kept"] += 1
                continue
            copy = next((each for each in records if each[1] == _COPY and each[2] == object_[2]), None)
            moved = [each for each in records if each[1] == _MOVED]
            if copy is not None and not self._is_there(object_, records):
                counts["needed"] += 1
            elif self._may_go(object_, copy, moved):
                yield _Leftover(key, object_[2], copy and copy[3])
            else:
                counts["left"] += 1

    def _is_there(self, object_: tuple[Any, ...], records: list[tuple[Any, ...]]) -> bool:
        """Return whether the new storage has the copy that a row holds: somebody may have deleted it since."""
        return not self._target.abilities.lists or any(each[1] == _THERE and each[2] == object_[2] for each in records)

    def _may_go(self, object_: tuple[Any, ...], copy: tuple[Any, ...] | None, moved: list[tuple[Any, ...]]) -> bool:
        key, _, size, last_modified = object_
        if find_id(key) is not None:
            return copy is not None or any(each[2] == size for each in moved)
        # Such a name may have been given again, to an object whose row is not committed yet.
        if last_modified is None:
            return False
        if any(each[2] == size and last_modified <= each[3] for each in moved):
            return True
        return copy is not None and bool(last_modified <= self._run.started - _OLD)

    def _delete(self, page: list[_Leftover]) -> bool:
        """Delete what the rows still do not need that hold the copies, and return whether that could be done."""
        now = self._run.rows.again({each.row for each in page if each.row is not None})
        files = [file for value in now.values() for file in self._run.rows.files(value) if file.key is not None]
        back = {key for file in files for key in self._names.keys(file.storage, str(file.key))}
        copies = {key for file in files for key in self._target_names.keys(file.storage, str(file.key))}
        # Who has taken a copy out of its row since may have read it before it was switched, and gives the old one away.
        dead = [each for each in page if each.key not in back and (each.row is None or each.key in copies)]
        counts = self._section.counts
        counts["kept"] += len(page) - len(dead)
        keys = [each.key for each in dead]
        try:
            bridge.do(lambda: self.source.delete(keys), lambda: self.source.delete_async(keys))
        except StorageError as error:
            self._run.failed(self.source.key, error)
            counts["not_deleted"] += len(keys)
            return False
        counts["deleted"] += len(keys)
        counts["deleted_bytes"] += sum(each.size for each in dead)
        return True
