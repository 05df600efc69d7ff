"""Which key a file would have under a naming scheme, told from its row, and whether it follows the scheme already."""

from __future__ import annotations

import string
import time
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from holdfast.errors import ConfigurationError
from holdfast.file import FileObject
from holdfast.keys import find_id, id_time, new_id
from holdfast.maintenance.rewriting.engine import Refusal
from holdfast.maintenance.rewriting.walk import mappers_of
from holdfast.maintenance.run import day_folder
from holdfast.maintenance.snapshot import snapshot
from holdfast.orm import rowkeys
from holdfast.orm.engines import engine_of
from holdfast.orm.tracking import columns_of
from holdfast.schemes import KeyContext, make_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Table
    from sqlalchemy.orm import Mapper

    from holdfast.backends.base import StorageBackend
    from holdfast.maintenance.rewriting.engine import Job
    from holdfast.maintenance.rows import Rows
    from holdfast.schemes import KeyScheme


class NewKeys:
    """The keys of a storage's files under a scheme.

    A key follows a scheme if the scheme makes the same key again from the id in it. With the default scheme it is
    enough that day and id are where they belong: the name behind them may be an older one.

    Args:
        rows: The rows of all tables.
        storage: The storage.
        scheme: The scheme; each column's own if left out, else the storage's, else the default one.
    """

    def __init__(self, rows: Rows, storage: StorageBackend, scheme: KeyScheme | None) -> None:
        self._rows, self._storage, self._scheme = rows, storage, scheme

    def wanted(self, jobs: Sequence[Job]) -> dict[tuple[Any, ...], str | Refusal]:
        """Return new keys for the files that do not follow their scheme, by column, row and position.

        Raises:
            ConfigurationError: The scheme makes another key each time.
        """
        places: dict[int, list[Job]] = {}
        for job in jobs:
            places.setdefault(job.place, []).append(job)
        found: dict[tuple[Any, ...], str | Refusal] = {}
        for place, group in places.items():
            scheme = self._scheme or self._rows.columns.places[place].type.key_scheme or self._storage.key_scheme
            if not _asks_row(scheme):
                found |= self._named(scheme, group, None)
                continue
            with _instances(self._rows, place, [job.identity for job in group]) as instances:
                found |= self._named(scheme, group, instances)
        return found

    def _named(
        self, scheme: KeyScheme | None, jobs: Sequence[Job], instances: dict[tuple[Any, ...], Any] | None
    ) -> dict[tuple[Any, ...], str | Refusal]:
        found: dict[tuple[Any, ...], str | Refusal] = {}
        for job in jobs:
            row = None if instances is None else instances.get(job.identity)
            if row is None and instances is not None:
                continue  # the row was deleted meanwhile
            try:
                new: str | Refusal | None = self._new(scheme, job, row)
            except _UnstableError:
                raise
            except Exception as error:  # noqa: BLE001  # a scheme may be anybody's function
                new = Refusal("unnamed", f"the key scheme makes no key: {error}")
            if new is not None:
                found[job[:3]] = new
        return found

    def _new(self, scheme: KeyScheme | None, job: Job, row: Any) -> str | None:
        key = str(job.fields["to_filename"])
        identifier = find_id(key)
        if identifier is not None and self._follows(scheme, job, row, key, identifier):
            return None
        fresh = new_id(self._born(identifier, job.fields["last_modified"]))
        new = self._make(scheme, job, row, fresh)
        if callable(scheme) and self._make(scheme, job, row, fresh) != new:
            raise _UnstableError(scheme)
        return new

    def _follows(self, scheme: KeyScheme | None, job: Job, row: Any, key: str, identifier: str) -> bool:
        try:
            day = day_folder(id_time(identifier))
        except (ValueError, OverflowError):  # it only looks like an id
            return False
        if scheme is not None:
            return self._make(scheme, job, row, identifier) == key
        return key.startswith(f"{day}/{identifier}-") and key.count("/") == day.count("/") + 1

    def _make(self, scheme: KeyScheme | None, job: Job, row: Any, identifier: str) -> str:
        table, column, _ = self._rows.columns.places[job.place]
        mapper = _mapper(table)
        mapped = columns_of(mapper) if mapper is not None else ()
        attribute = next((each.key for each in mapped if each.column is column), column.key)
        file = FileObject.from_row(job.item)
        return make_key(scheme, KeyContext(identifier, file, row, table.name, attribute))

    def _born(self, identifier: str | None, last_modified: float | None) -> float:
        """Return the time that the new id is to tell: that of the upload, so that dates in keys stay what they were."""
        now = time.time()
        if not self._storage.abilities.last_modified:
            return now  # a sweep has nothing else to see by that the copy is new
        try:
            born = last_modified if identifier is None else id_time(identifier)
            day_folder(now if born is None else born)
        except (ValueError, OverflowError):
            return now
        return now if born is None else min(born, now)


class _UnstableError(ConfigurationError):
    def __init__(self, scheme: Any) -> None:
        super().__init__(
            f"the key function {scheme!r} makes another key each time, so that nobody can tell which files follow it: "
            f"let it use the row and the file only; Holdfast puts an id into every key"
        )


def _asks_row(scheme: KeyScheme | None) -> bool:
    """Return whether a scheme uses more of a row than its table."""
    if not isinstance(scheme, str):
        return scheme is not None
    return any(field is not None and field.startswith("row") for _, field, _, _ in string.Formatter().parse(scheme))


@contextmanager
def _instances(rows: Rows, place: int, identities: Sequence[tuple[Any, ...]]) -> Iterator[dict[tuple[Any, ...], Any]]:
    """Lend the instances of some rows, as they are committed; of a table without a model, objects with its columns."""
    table = rows.columns.places[place].table
    keys = list(table.primary_key.columns)
    engine = engine_of(rows.session, table)
    mapper = _mapper(table)
    with snapshot(rows.session, engine) as connection, Session(connection, autoflush=False) as session:
        encoded = [rowkeys.encode(table, each, connection.dialect) for each in dict.fromkeys(identities)]
        where = rowkeys.matching(table, encoded, connection.dialect)
        if mapper is None:
            names = [column.key for column in table.columns]
            found = session.execute(select(*keys, *table.columns).where(where)).all()
            yield {
                tuple(row[: len(keys)]): SimpleNamespace(**dict(zip(names, row[len(keys) :], strict=True)))
                for row in found
            }
        else:
            yield {
                tuple(row[: len(keys)]): row[-1]
                for row in session.execute(select(*keys, mapper.class_).where(where)).unique()
            }


def _mapper(table: Table) -> Mapper[Any] | None:
    """Return the model of a table: of several, the one that the others inherit from."""
    mappers = mappers_of(table)
    return next((each for each in mappers if each.inherits not in mappers), None)
