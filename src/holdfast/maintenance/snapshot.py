"""Reading a database at one moment, on a connection of its own.

What the session is doing does not matter, and does not show: only what is committed counts.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine
from sqlalchemy.pool import SingletonThreadPool, StaticPool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session


@contextmanager
def snapshot(session: Session, engine: Engine) -> Iterator[Connection]:
    """Enter a transaction in which every SELECT sees the same committed rows.

    PostgreSQL and MariaDB keep the versions; on SQLite writers go on in WAL mode, and wait in its other modes.
    """
    if isinstance(engine.pool, (StaticPool, SingletonThreadPool)):
        # The one connection of a database in memory: ending a transaction here would end the session's.
        if isinstance(session.bind, Connection):
            yield session.bind
            return
        if session.in_transaction():
            yield session.connection(bind_arguments={"bind": engine})
            return
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            _begin(connection)
        else:
            connection.execution_options(isolation_level="REPEATABLE READ")
        try:
            yield connection
        finally:
            connection.rollback()


def _begin(connection: Connection) -> None:
    connection.begin()
    driver: Any = connection.connection.driver_connection
    if not driver.in_transaction:  # by default sqlite3 begins none for a SELECT
        connection.exec_driver_sql("BEGIN")
