"""Entries that triggers write into an outbox about rows that are switched: they are taken back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, delete, false, func, literal_column, or_, select

from holdfast.maintenance.values import held
from holdfast.orm import rowkeys
from holdfast.orm.engines import engine_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection, Engine, Table

    from holdfast.maintenance.rewriting.switching import Switch
    from holdfast.maintenance.rows import Rows
    from holdfast.orm.outbox import Outbox


class Entries:
    """The entries of one transaction, which is at its beginning.

    The rows are locked, so that from now on nobody else writes entries about them.

    Args:
        connection: In the transaction.
        rows: The rows of all tables.
        engine: Their database.
        switches: What is to be changed.
    """

    def __init__(self, connection: Connection, rows: Rows, engine: Engine, switches: Sequence[Switch]) -> None:
        self._connection, self._rows = connection, rows
        outboxes = [outbox for outbox in rows.columns.outboxes if engine_of(rows.session, outbox.table) is engine]
        if outboxes:
            self._lock(outboxes[0], switches)
        self._lasts = [(outbox, self._last(outbox)) for outbox in outboxes]

    def take_back(self, switched: Sequence[Switch]) -> None:
        """Delete what triggers wrote about these changes, and nothing that others wrote about the same files."""
        for outbox, last in self._lasts if switched else []:
            self._take_back(outbox, last, switched)

    def _lock(self, outbox: Outbox, switches: Sequence[Switch]) -> None:
        connection = self._connection
        if connection.dialect.name == "sqlite":
            connection.execute(delete(outbox.table).where(false()))  # the lock of all writers
            return
        for table, identities in self._identities(switches).items():
            encoded = sorted(rowkeys.encode(table, each, connection.dialect) for each in identities)
            query: Any = select(literal_column("1")).select_from(table)
            connection.execute(query.where(rowkeys.matching(table, encoded, connection.dialect)).with_for_update())

    def _last(self, outbox: Outbox) -> int:
        found: int | None = self._connection.execute(select(func.max(outbox.table.c.id))).scalar()
        return found or 0

    def _identities(self, switches: Sequence[Switch]) -> dict[Table, set[tuple[Any, ...]]]:
        found: dict[Table, set[tuple[Any, ...]]] = {}
        for each in switches:
            found.setdefault(self._rows.columns.places[each.place].table, set()).add(each.identity)
        return found

    def _take_back(self, outbox: Outbox, last: int, switched: Sequence[Switch]) -> None:
        entry = outbox.table.c
        paths: dict[tuple[str, str], set[str]] = {}
        for each in switched:
            kind = self._rows.columns.places[each.place].type
            for sign, value in (("drop", each.old), ("take", json.dumps(each.new))):
                for file in held(value, multiple=kind.multiple):
                    if file.storage is not None and file.key is not None:
                        paths.setdefault((sign, file.storage), set()).add(file.key)
        mentioned = or_(
            *(
                and_(entry.kind == sign, entry.backend == storage, entry.path.in_(sorted(keys)))
                for (sign, storage), keys in paths.items()
            )
        )
        for table, identities in self._identities(switched).items():
            query = select(entry.id, entry.owner_key).where(
                entry.id > last, entry.owner_table == table.fullname, entry.owner_key.is_not(None), mentioned
            )
            found = self._connection.execute(query).all()
            mine = self._keys_of(table, identities, {row.owner_key for row in found})
            if gone := [{"entry": row.id} for row in found if row.owner_key in mine]:
                self._connection.execute(delete(outbox.table).where(entry.id == bindparam("entry")), gone)

    def _keys_of(self, table: Table, identities: Collection[tuple[Any, ...]], keys: Collection[str]) -> set[str]:
        """Return which of some primary keys, as triggers write them, are those of some rows."""
        dialect = self._connection.dialect
        ours = {tuple(json.loads(rowkeys.encode(table, each, dialect))) for each in identities}
        found = {key for key in keys if tuple(json.loads(key)) in ours}
        # Databases write times, truth values and fractions in another way than drivers do: they are asked.
        for key in set(keys) - found:
            query = select(*table.primary_key.columns).where(rowkeys.matching(table, [key], dialect))
            row = self._connection.execute(query).first()
            if row is not None and tuple(row) in identities:
                found.add(key)
        return found
