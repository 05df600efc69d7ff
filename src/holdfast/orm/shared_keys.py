"""Keys that several rows may hold: those without an id of Holdfast's, made by another library, or named by a caller.

A key with an id has one owner. Any other may be in rows that nobody noted: advanced-alchemy names objects after their
files, so that two rows hold one key once two people upload a ``report.pdf``. Before such an object is deleted, all
rows are asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, inspect
from sqlalchemy.exc import NoSuchTableError, UnboundExecutionError

from holdfast.keys import find_id
from holdfast.orm import holders, tracking
from holdfast.orm.engines import fresh_connection

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, MetaData
    from sqlalchemy.orm import Session

    from holdfast.orm.ledger import Ledger
    from holdfast.saving import Ref


def shareable(refs: Iterable[Ref]) -> set[Ref]:
    """Return the files that a row may hold of which nobody knows."""
    return {ref for ref in refs if find_id(ref.path) is None}


def file_tables(metadata: MetaData) -> list[Table]:
    """Return the tables with files of a MetaData."""
    return [table for table in metadata.tables.values() if holders.file_columns(table)]


def held_in(connection: Connection, tables: Iterable[Table], wanted: set[Ref]) -> set[Ref]:
    """Return which of some files any row of some tables holds; a table that is not in this database holds none."""
    held: set[Ref] = set()
    for table in tables:
        if wanted - held and (names := _column_names(connection, table)):
            columns = [column for column in holders.file_columns(table) if column.name in names]
            held |= holders.search(connection, columns, wanted - held)
    return held


def held_anywhere(session: Session, ledger: Ledger, wanted: set[Ref]) -> set[Ref]:
    """Return which of some files any row holds, in all tables that a session knows."""
    mappers = {each.local_table: each for each in tracking.tracked_mappers() if isinstance(each.local_table, Table)}
    beside = [other for metadata in {table.metadata for table in mappers} for other in file_tables(metadata)]
    by_bind: dict[Any, list[Table]] = {}
    for table in dict.fromkeys([*mappers, *beside]):
        try:
            bind = session.get_bind(mappers[table]) if table in mappers else session.get_bind(clause=table)
        except UnboundExecutionError:  # none of this session's
            continue
        by_bind.setdefault(bind, []).append(table)
    held: set[Ref] = set()
    for bind, group in by_bind.items():
        with fresh_connection(ledger.engine(bind)) as connection:
            held |= held_in(connection, group, wanted - held)
    return held


def _column_names(connection: Connection, table: Table) -> set[str]:
    try:
        found = inspect(connection).get_columns(table.name, schema=connection.schema_for_object(table))
    except NoSuchTableError:
        return set()
    return {column["name"] for column in found}
