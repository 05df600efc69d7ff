"""A database transaction for one test, in which commits count for files as they do in production."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from holdfast.orm.rehearsal import OPTION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from sqlalchemy import Connection, Engine
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


@contextmanager
def rehearsal(engine: Engine) -> Iterator[Connection]:
    """Yield a connection for the sessions of one test; what they did to the database is undone at the end.

    This is SQLAlchemy's recipe for test suites, a session that joins an outer transaction, with one addition. Left
    alone, no file would be deleted there, since only the end of the outer transaction proves what became of its row.
    Here a session's own commit and rollback count: what a committed transaction has replaced is deleted, what a
    rolled back one has uploaded goes too.

    Rows come back at the end, deleted files do not: use storages of the test's own, such as those of the fixture
    ``holdfast_storages``. A drain of an outbox connects anew and sees nothing of a rehearsal.

    https://docs.sqlalchemy.org/orm/session_transaction.html (Joining a Session into an External Transaction)

    Args:
        engine: The test database.

    Example:
        >>> from sqlalchemy import create_engine
        >>> from sqlalchemy.orm import Session
        >>> with rehearsal(create_engine("sqlite://")) as connection, Session(connection) as session:
        ...     session.commit()
    """
    with engine.connect() as connection:
        connection.execution_options(**{OPTION: True})
        end = _begin(connection)
        try:
            yield connection
        finally:
            end(connection)


@asynccontextmanager
async def rehearsal_async(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Like `rehearsal`, for an ``AsyncSession``."""
    async with engine.connect() as connection:
        await connection.execution_options(**{OPTION: True})
        end = await connection.run_sync(_begin)
        try:
            yield connection
        finally:
            await connection.run_sync(end)


def _begin(connection: Connection) -> Callable[[Connection], None]:
    """Begin the transaction, and a savepoint in it that tells sessions to make their own."""
    transaction = connection.begin()
    restore = _begin_on_sqlite(connection) if connection.dialect.name == "sqlite" else None
    connection.begin_nested()
    return partial(_end, transaction, restore)


def _end(transaction: Any, restore: Callable[[], None] | None, _: Connection) -> None:
    transaction.rollback()
    if restore is not None:
        restore()


def _begin_on_sqlite(connection: Connection) -> Callable[[], None] | None:
    """Send BEGIN. Python's sqlite3 does so at the first change only, and the first savepoint would be the transaction.

    https://docs.sqlalchemy.org/dialects/sqlite.html (Serializable isolation / Savepoints)
    """
    raw: Any = connection.connection
    if raw.driver_connection.in_transaction:  # the application's own listener did it
        return None
    dbapi = raw.dbapi_connection
    level, dbapi.isolation_level = dbapi.isolation_level, None
    connection.exec_driver_sql("BEGIN")
    return partial(setattr, dbapi, "isolation_level", level)
