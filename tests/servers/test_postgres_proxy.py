"""The proxy in front of PostgreSQL: the row is absent or present, as it promises."""

import psycopg
import pytest
from sqlalchemy import create_engine, exc, text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.servers.postgres import Database
from tests.servers.proxy import PostgresProxy
from tests.servers.proxy.commit import Moment

MOMENTS = pytest.mark.parametrize(("moment", "rows"), [("before_commit", 0), ("after_commit", 1)])


@pytest.fixture
def table(postgres: Database) -> Database:
    """The database with an empty table in it."""
    with psycopg.connect(postgres.url()) as connection:
        connection.execute("CREATE TABLE t (x int)")
    return postgres


def count(database: Database) -> int:
    """Count the rows, past the proxy."""
    with psycopg.connect(database.url()) as connection:
        row = connection.execute("SELECT count(*) FROM t").fetchone()
    assert row
    return int(row[0])


@MOMENTS
def test_sync_driver(table: Database, postgres_proxy: PostgresProxy, moment: Moment, rows: int) -> None:
    """With psycopg the commit fails, and its effect is there only after it."""
    engine = create_engine(postgres_proxy.url("psycopg"))
    with engine.connect() as connection:
        connection.execute(text("INSERT INTO t VALUES (1)"))
        postgres_proxy.cut(moment)
        with pytest.raises(exc.DBAPIError) as caught:
            connection.commit()
    assert caught.value.connection_invalidated
    assert postgres_proxy.was_cut.is_set()
    assert count(table) == rows
    with engine.begin() as connection:  # once only
        connection.execute(text("INSERT INTO t VALUES (2)"))
    assert count(table) == rows + 1
    engine.dispose()


@MOMENTS
@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
async def test_async_drivers(
    table: Database, postgres_proxy: PostgresProxy, moment: Moment, rows: int, driver: str
) -> None:
    """The async drivers fail alike."""
    engine = create_async_engine(postgres_proxy.url(driver))
    async with engine.connect() as connection:
        await connection.execute(text("INSERT INTO t VALUES (1)"))
        postgres_proxy.cut(moment)
        with pytest.raises(exc.DBAPIError):
            await connection.commit()
    assert postgres_proxy.was_cut.is_set()
    assert count(table) == rows
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO t VALUES (2)"))
    assert count(table) == rows + 1
    await engine.dispose()


@MOMENTS
def test_extended_protocol(table: Database, postgres_proxy: PostgresProxy, moment: Moment, rows: int) -> None:
    """A COMMIT that is prepared and executed is recognised too."""
    with psycopg.connect(postgres_proxy.url(), autocommit=True) as connection:
        connection.execute("BEGIN")
        connection.execute("INSERT INTO t VALUES (1)")
        postgres_proxy.cut(moment)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("COMMIT", [], binary=True)
    assert count(table) == rows


def test_errors_and_large_results_pass(table: Database, postgres_proxy: PostgresProxy) -> None:
    """Without a cut the proxy is invisible, to a failing commit too."""
    with psycopg.connect(postgres_proxy.url()) as connection:
        row = connection.execute("SELECT repeat('x', 5000000)").fetchone()
        assert row == ("x" * 5_000_000,)
        connection.execute("ALTER TABLE t ADD UNIQUE (x) DEFERRABLE INITIALLY DEFERRED")
        connection.execute("INSERT INTO t VALUES (1), (1)")
        postgres_proxy.cut("after_commit")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.commit()
        assert not postgres_proxy.was_cut.is_set()
    assert connection.closed
