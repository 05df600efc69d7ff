"""Sorting more records than fit into memory: sorted runs in temporary files, merged when they are read.

The order is that of Python's str, which is the order of the keys' UTF-8 bytes: no database's collation matters.
"""

from __future__ import annotations

import heapq
import pickle
import tempfile
from itertools import chain, islice, pairwise
from operator import itemgetter
from typing import IO, TYPE_CHECKING, Any, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Record: TypeAlias = "tuple[Any, ...]"
"""A plain tuple; its first item is a str, by which it is sorted."""

RUN = 50_000
"""Records that are held in memory at a time."""

_FAN_IN = 32  # runs that are merged into one: it bounds the open files and the memory of a merge
_BLOCK = 512  # records that are read at a time

_key = itemgetter(0)


class SortedSpool:
    """Takes records in any order and yields them sorted, in bounded memory, from files that nobody else can open.

    They lie where `tempfile` puts them: ``TMPDIR`` should name a disk.

    Args:
        run: Records to hold in memory.

    Example:
        >>> with SortedSpool(run=2) as spool:
        ...     spool.extend([("b",), ("c",), ("a",)])
        ...     list(spool)
        [('a',), ('b',), ('c',)]
    """

    def __init__(self, run: int = RUN) -> None:
        self._size = run
        self._records: list[Record] = []
        self._levels: list[list[_Run]] = []

    def extend(self, records: Iterable[Record]) -> None:
        """Add records."""
        source = iter(records)
        while part := list(islice(source, self._size - len(self._records))):
            self._records += part
            if len(self._records) >= self._size:
                self._records.sort(key=_key)
                self._store(_Run(self._records), 0)
                self._records = []

    def __iter__(self) -> Iterator[Record]:
        """Yield all records; one iteration at a time, and none is added meanwhile."""
        self._records.sort(key=_key)
        runs = [run for level in reversed(self._levels) for run in level]
        return _merged(runs, self._records)

    def _store(self, run: _Run, level: int) -> None:
        if level == len(self._levels):
            self._levels.append([])
        runs = self._levels[level]
        runs.append(run)
        if len(runs) == _FAN_IN:
            self._levels[level] = []
            self._store(_Run(_merged(runs, [])), level + 1)
            for old in runs:
                old.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        for level in self._levels:
            for run in level:
                run.close()
        self._levels, self._records = [], []


class _Run:
    """Sorted records in a file."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `close`
        self.first = self.last = ""
        source = iter(records)
        while block := list(islice(source, _BLOCK)):
            self.first = self.first or block[0][0]
            self.last = block[-1][0]
            pickle.dump(block, self._file, pickle.HIGHEST_PROTOCOL)

    def __iter__(self) -> Iterator[Record]:
        self._file.seek(0)
        while True:
            try:
                block = pickle.load(self._file)  # noqa: S301  # a file without a name, which this process wrote
            except EOFError:
                return
            yield from block

    def close(self) -> None:
        self._file.close()


def _merged(runs: list[_Run], rest: list[Record]) -> Iterator[Record]:
    bounds = [(run.first, run.last) for run in runs] + ([(rest[0][0], rest[-1][0])] if rest else [])
    if all(left[1] <= right[0] for left, right in pairwise(bounds)):  # a listing comes sorted
        return chain(*runs, rest)
    return heapq.merge(*runs, rest, key=_key)
