"""Which database a session keeps a table in, and fresh connections to it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import UnboundExecutionError

from holdfast.orm import rehearsal
from holdfast.orm.tracking import tracked_mappers

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from sqlalchemy import Table
    from sqlalchemy.orm import Session


def fresh_connection(bind: Engine | Connection) -> AbstractContextManager[Connection]:
    """Connect anew, to see what is committed now; in a rehearsal only its own connection sees that.

    In stricter levels than this one, a drain would keep writers out of gaps between entries (MariaDB), and readers
    could be told to try again (PostgreSQL).
    """
    if isinstance(bind, Connection):
        return nullcontext(bind)
    connection = bind.connect()
    if bind.dialect.name == "sqlite":
        return connection
    try:
        return connection.execution_options(isolation_level="READ COMMITTED")
    except BaseException:  # MariaDB is asked for it, so that this may fail, or be cancelled
        connection.close()
        raise


def engines_of(session: Session, outbox: Table) -> list[Engine]:
    """Return all engines that a session uses for tables beside an outbox."""
    tables: list[Any] = [mapper.local_table for mapper in tracked_mappers()]
    beside = [table for table in tables if getattr(table, "metadata", None) is outbox.metadata]
    return list(dict.fromkeys(engine_of(session, table) for table in [*beside, outbox]))


def engine_of(session: Session, table: Table) -> Engine:
    """Return the engine that a session would use for a table with files, or for the outbox beside such tables.

    A session may be told engines by class (``binds={Base: …}``), so a mapper is asked where there is one.
    """
    mappers = [mapper for mapper in tracked_mappers() if mapper.local_table is table]
    beside = [mapper for mapper in tracked_mappers() if getattr(mapper.local_table, "metadata", None) is table.metadata]
    try:
        bind = session.get_bind(mappers[0]) if mappers else session.get_bind(clause=table)
    except UnboundExecutionError:
        if not beside:
            raise
        bind = session.get_bind(beside[0])
    rehearsal.refuse(bind)
    return bind if isinstance(bind, Engine) else bind.engine
