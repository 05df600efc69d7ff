"""Who holds an object: asked by its key, of all rows, before it is taken over or deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.maintenance.pacing import PAGE
from holdfast.maintenance.snapshot import snapshot
from holdfast.orm import bridge, holders
from holdfast.orm.engines import engine_of
from holdfast.registry import storages
from holdfast.saving import Ref

if TYPE_CHECKING:
    from collections.abc import Collection

    from holdfast.backends.base import StorageBackend
    from holdfast.maintenance.rows import Rows

_MOST = 10_000  # copies that are remembered before it is looked who holds them


def held(rows: Rows, wanted: Collection[Ref]) -> set[Ref]:
    """Return which of some files any row holds.

    Without an index on the keys this reads all tables.
    """
    found: set[Ref] = set()
    for engine in rows.engines if wanted else []:
        with snapshot(rows.session, engine) as connection:
            for each in rows.columns.tables:
                if engine_of(rows.session, each.table) is engine:
                    found |= holders.search(connection, each.columns, wanted)
    return found


class Strays:
    """Copies whose rows were changed before they could get them.

    Args:
        rows: All rows.
        target: Where the copies are.
    """

    def __init__(self, rows: Rows, target: StorageBackend) -> None:
        self._rows, self._target = rows, target
        self._found: list[tuple[str, str]] = []

    def add(self, key: str, copy: str) -> None:
        """Remember a copy, by the key of its original and its own."""
        self._found.append((key, copy))
        if len(self._found) >= _MOST:
            self.clear()

    def clear(self) -> None:
        """Delete those that nobody holds.

        A row that still names the original may be about to get the copy, by this run or another one.
        """
        strays, self._found = self._found, []
        wanted = {Ref(name, key) for pair in strays for key in pair for name in storages.all()}
        found = {ref.path for ref in held(self._rows, wanted)}
        dead = sorted({copy for key, copy in strays if found.isdisjoint((key, copy))})
        for start in range(0, len(dead), PAGE):
            keys = dead[start : start + PAGE]
            bridge.do(lambda keys=keys: self._target.delete(keys), lambda keys=keys: self._target.delete_async(keys))  # type: ignore[misc]
