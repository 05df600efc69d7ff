"""The last look before a deletion: all rows and outboxes are read again for the candidates of a chunk."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import select

from holdfast.claim import marker_key
from holdfast.keys import find_id, find_ids
from holdfast.maintenance.names import Names
from holdfast.maintenance.pacing import PAGE, compute
from holdfast.maintenance.snapshot import snapshot
from holdfast.orm.engines import engine_of

if TYPE_CHECKING:
    from holdfast.backends.base import StorageBackend
    from holdfast.maintenance.merging import Listed
    from holdfast.maintenance.rows import Value
    from holdfast.maintenance.run import Run

CHUNK = 100_000
"""Candidates that are held in memory, and confirmed by one reading of all rows."""


class Candidates:
    """Objects that no row seems to hold.

    Args:
        run: The run.
        storage: Their storage.
        objects: The objects.
        name: Its name in reports of progress; its own if left out.
    """

    def __init__(self, run: Run, storage: StorageBackend, objects: list[Listed], name: str | None = None) -> None:
        self._run, self._storage, self._name = run, storage.key, name or storage.key
        self._names = Names(storage)
        self._left = {listed.key: listed for listed in objects}
        # Several, since the marker of a claimed upload has the id of the upload.
        self._by_id: dict[str, tuple[str, ...]] = {}
        for key in self._left:
            if (found := find_id(key)) is not None:
                self._by_id[found] = (*self._by_id.get(found, ()), key)
        self.elsewhere = 0

    def confirm(self) -> list[Listed]:
        """Return those that still no row holds and no outbox mentions, in the order of their keys."""
        done = 0
        with self._run.rows.pages() as found:
            for page in found:
                compute(partial(self._spare, page))
                done += len(page)
                self._run.tell("confirm", self._name, done)
        for outbox in self._run.columns.outboxes:
            entry = outbox.table.c
            query = select(entry.backend, entry.path).where(entry.backend.in_(list(self._names)))
            with snapshot(self._run.rows.session, engine_of(self._run.rows.session, outbox.table)) as connection:
                options = {"stream_results": True, "yield_per": PAGE}
                for name, path in connection.execute(query, execution_options=options):
                    for key in self._names.keys(name, path):
                        self._left.pop(key, None)
        return list(self._left.values())

    def _spare(self, page: list[Value]) -> None:
        for value in page:
            for file in self._run.rows.files(value):
                if file.problem is not None:
                    # It cannot be used, but it may be repaired: whatever it may mean stays.
                    self._spare_ids(find_ids(file.text))
                if file.key is not None:
                    for key in self._names.keys(file.storage, file.key):
                        if self._left.pop(key, None) is not None and file.storage != self._storage:
                            self.elsewhere += 1
                    # Ids are unique: this is the same object, seen through another storage of the same place.
                    self._spare_ids(find_ids(file.key), but=marker_key(file.key))

    def _spare_ids(self, identifiers: list[str], but: str | None = None) -> None:
        for identifier in identifiers:
            for key in self._by_id.get(identifier, ()):
                # The ticket ended long ago, so its marker is of no use to the row.
                if key != but and self._left.pop(key, None) is not None:
                    self.elsewhere += 1
