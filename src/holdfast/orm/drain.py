"""Working off the outbox: files that no row holds any more are deleted, then their entries go.

The order makes a crash harmless at any point: an entry goes after its file, and deleting a file twice is no error.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, exists, select
from sqlalchemy.exc import SQLAlchemyError

from holdfast.orm import holders, shared_keys
from holdfast.orm.engines import fresh_connection
from holdfast.orm.removal import remove
from holdfast.registry import storages
from holdfast.saving import Ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Engine, Row, Table

    from holdfast.orm.outbox import Outbox

logger = logging.getLogger("holdfast")

_BATCH = 500
_TAKES_LAST = 24 * 3600  # seconds


def drain_all(engine: Engine, outbox: Outbox) -> int:
    """Work off the whole outbox, and forget old takes; return how many files were deleted."""
    deleted, after = 0, 0
    entry = outbox.table.c
    while True:
        query = select(entry.id, entry.backend, entry.path).where(entry.kind == "drop", entry.id > after)
        batch, count = _try(engine, outbox, query.order_by(entry.id).limit(_BATCH))
        deleted += count
        if not batch:
            _forget_takes(engine, outbox.table)
            return deleted
        after = batch[-1].id


def drain_some(engine: Engine, outbox: Outbox, paths: Iterable[str]) -> int:
    """Work off the entries of some files; return how many files were deleted."""
    entry = outbox.table.c
    wanted = list(paths)
    deleted = 0
    for start in range(0, len(wanted), _BATCH):
        part = wanted[start : start + _BATCH]
        query = select(entry.id, entry.backend, entry.path).where(entry.kind == "drop", entry.path.in_(part))
        deleted += _try(engine, outbox, query)[1]
    return deleted


def _try(engine: Engine, outbox: Outbox, query: Any) -> tuple[Sequence[Row[Any]], int]:
    """Work off one batch of drops; an entry that nobody can read does not stop the others."""
    try:
        return _work_off(engine, outbox, query)
    except (SQLAlchemyError, ValueError):
        with fresh_connection(engine) as connection:
            batch = connection.execute(query).all()
        if not batch:
            raise
    count = 0
    for row in batch:
        try:
            count += _work_off(engine, outbox, query.where(outbox.table.c.id == row.id))[1]
        except (SQLAlchemyError, ValueError):
            logger.exception("%s in the outbox could not be worked off: it waits", row.path)
    return batch, count


def _work_off(engine: Engine, outbox: Outbox, query: Any) -> tuple[Sequence[Row[Any]], int]:
    """Work off one batch of drops; return it, and how many files were deleted."""
    table = outbox.table
    with fresh_connection(engine) as connection:
        # Whoever drains at the same time takes others. Where there are no row locks, both delete the same.
        batch = connection.execute(query.with_for_update(skip_locked=True)).all()
        if not batch:
            return batch, 0
        known = [row for row in batch if row.backend in storages]
        for backend in {row.backend for row in batch} - {row.backend for row in known}:
            logger.warning("storage %r is not registered: its files in %s wait", backend, table.fullname)
        entries = _entries(connection, table, {row.path for row in known})
        wanted = {Ref(row.backend, row.path) for row in known}
        keep = _held(connection, outbox, [row for row in entries if Ref(row.backend, row.path) in wanted])
        if shareable := shared_keys.shareable(wanted - keep):
            keep |= shared_keys.held_in(connection, shared_keys.file_tables(outbox.metadata), shareable)
        # A file that moved between these SELECTs has entries that were not there at first: next time.
        seen = {row.id for row in entries}
        again = _entries(connection, table, {ref.path for ref in wanted - keep})
        dead = wanted - keep - {Ref(row.backend, row.path) for row in again if row.id not in seen}
        if connection.dialect.name == "sqlite":
            connection.rollback()  # a reader that turns writer fails if anybody else has written meanwhile
        left = remove(dead)
        gone = dead - left
        done = {row.id for row in entries if row.kind == "drop" and Ref(row.backend, row.path) in keep | gone}
        done |= {row.id for row in entries if row.kind == "take" and Ref(row.backend, row.path) in gone}
        _forget(connection, table, done)
        connection.commit()
        return batch, len(gone)


def _entries(connection: Connection, table: Table, paths: set[str]) -> list[Row[Any]]:
    """Return all entries of some files, the witnesses among them."""
    entries: list[Row[Any]] = []
    for part in _parts(sorted(paths)):
        entries += connection.execute(select(table).where(table.c.path.in_(part)).order_by(table.c.id))
    return entries


def _held(connection: Connection, outbox: Outbox, entries: Iterable[Row[Any]]) -> set[Ref]:
    """Return the files that the rows hold which the entries name; those of rows that cannot be asked count as held."""
    owners: dict[str, set[str]] = {}
    searched: dict[str, set[Ref]] = {}
    held: set[Ref] = set()
    for row in entries:
        ref = Ref(row.backend, row.path)
        if row.owner_table is None:
            continue
        if row.owner_table not in outbox.metadata.tables:
            logger.error("%s is kept: its row was in %s, a table that is not known", ref.path, row.owner_table)
            held.add(ref)
        elif row.owner_key is None:
            searched.setdefault(row.owner_table, set()).add(ref)
        else:
            owners.setdefault(row.owner_table, set()).add(row.owner_key)
    for name, keys in owners.items():
        held |= holders.held_by(connection, outbox.metadata.tables[name], keys)
    for name, refs in searched.items():
        held |= holders.search(connection, holders.file_columns(outbox.metadata.tables[name]), refs)
    return held


def _forget_takes(engine: Engine, table: Table) -> None:
    """Remove takes that no drop needs; a transaction that swaps files writes both."""
    other = table.alias()
    drops = exists().where(other.c.path == table.c.path, other.c.kind == "drop")
    old = (table.c.kind == "take") & (table.c.created_at < int(time.time()) - _TAKES_LAST)
    while True:
        with fresh_connection(engine) as connection, connection.begin():
            ids = connection.scalars(select(table.c.id).where(old, ~drops).limit(_BATCH)).all()
            _forget(connection, table, ids)
        if len(ids) < _BATCH:
            return


def _forget(connection: Connection, table: Table, ids: Iterable[int]) -> None:
    ordered = sorted(ids)
    if connection.dialect.name in {"mysql", "mariadb"}:
        # With IN they read a small table from end to end, and wait for the entries of transactions that are still open.
        one = delete(table).where(table.c.id == bindparam("entry"))
        for identity in ordered:
            connection.execute(one, {"entry": identity})
        return
    for part in _parts(ordered):
        connection.execute(delete(table).where(table.c.id.in_(part)))


def _parts(items: Sequence[Any]) -> list[Sequence[Any]]:
    return [items[start : start + _BATCH] for start in range(0, len(items), _BATCH)]
