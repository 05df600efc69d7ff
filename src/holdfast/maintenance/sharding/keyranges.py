"""Cutting storages into ranges of keys that hold about as many files each, by a sample of the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from holdfast.maintenance.rewriting.keyorder import in_order
from holdfast.maintenance.rewriting.walk import beyond
from holdfast.maintenance.rows import json_text
from holdfast.maintenance.scopes import Scope
from holdfast.maintenance.snapshot import snapshot
from holdfast.maintenance.spool import SortedSpool
from holdfast.maintenance.values import held
from holdfast.orm.engines import engine_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import ExitStack

    from holdfast.maintenance.columns import FileTable
    from holdfast.maintenance.rows import Rows

_ROWS = 1000  # of a table, in a sample
_PER_SHARD = 8
_PAGE = 500


class KeyRanges:
    """Ranges of the keys of some storages, and what lies in none of them.

    The sample is sorted on disk, so that any number of ranges takes little memory.

    Args:
        rows: The rows.
        storages: The storages' names.
        size: Files of a range, about.
        stack: Closes the files.
    """

    def __init__(self, rows: Rows, storages: Iterable[str], size: int, stack: ExitStack) -> None:
        self._rows, self._size = rows, size
        self._names = tuple(sorted(storages))
        self._samples = {name: stack.enter_context(SortedSpool()) for name in self._names}
        self._files = dict.fromkeys(self._names, 0)
        for table in rows.columns.tables:
            self._sample(table)

    def __len__(self) -> int:
        """Return how many parts there will be, at most."""
        return 1 + sum(1 + files // self._size for files in self._files.values())

    def __iter__(self) -> Iterator[Scope]:
        """Yield what lies in no range first: it may take the longest."""
        yield Scope(self._names)
        for name, sample in self._samples.items():
            yield from self._ranges(name, sample)

    def _ranges(self, name: str, sample: SortedSpool) -> Iterator[Scope]:
        after, files = None, 0
        for key, count in sample:
            files += count
            if files >= self._size and key != after:
                yield Scope(self._names, name, after, key)
                after, files = key, 0
        yield Scope(self._names, name, after)

    def _sample(self, table: FileTable) -> None:
        """Take every so many rows in the order of their primary key: only the index is read for those in between."""
        keys = list(table.table.primary_key.columns)
        if not keys:
            return
        engine = engine_of(self._rows.session, table.table)
        columns = [json_text(column, engine.dialect) for column in table.columns]
        with snapshot(self._rows.session, engine) as connection:
            total = connection.execute(select(func.count()).select_from(table.table)).scalar_one()
        step = max(1, min(total // _ROWS, self._size // _PER_SHARD))
        page = 1 if step > 1 else _PAGE
        query = select(*keys, *columns).order_by(*in_order(keys)).offset(step - 1).limit(page)
        after: tuple[Any, ...] | None = None
        while True:
            with snapshot(self._rows.session, engine) as connection:
                found = connection.execute(query if after is None else query.where(beyond(keys, after))).all()
            for row in found:
                self._take(table, row[len(keys) :], step)
            if len(found) < page:
                return
            after = tuple(found[-1][: len(keys)])

    def _take(self, table: FileTable, values: Iterable[Any], weight: int) -> None:
        for place, raw in enumerate(values, table.first):
            for file in held(raw, multiple=self._rows.columns.places[place].type.multiple):
                if file.problem is None and file.storage in self._samples:
                    self._samples[file.storage].extend([(file.key, weight)])
                    self._files[file.storage] += weight
