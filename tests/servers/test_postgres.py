"""PostgreSQL and its databases, through the three drivers."""

import asyncpg  # type: ignore[import-untyped]
import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.servers.postgres import Database, PostgresServer


def test_sqlalchemy_sync(postgres: Database) -> None:
    """A plain engine reaches the database over psycopg."""
    engine = create_engine(postgres.url("psycopg"))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT current_database()")) == postgres.name
    engine.dispose()


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
async def test_sqlalchemy_async(postgres: Database, driver: str) -> None:
    """An async engine reaches the database over psycopg and asyncpg."""
    engine = create_async_engine(postgres.url(driver))
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT current_database()")) == postgres.name
    await engine.dispose()


async def test_drivers_without_sqlalchemy(postgres: Database) -> None:
    """The URL without a driver is one that the drivers themselves take."""
    with psycopg.connect(postgres.url()) as connection:
        connection.execute("SELECT 1")
    bare = await asyncpg.connect(postgres.url())
    await bare.close()


def test_databases_are_apart(postgres_server: PostgresServer) -> None:
    """Two tests never meet, not even when they run at the same time."""
    with postgres_server.database() as one, postgres_server.database() as two:
        with psycopg.connect(one.url()) as connection:
            connection.execute("CREATE TABLE t (x int)")
        with psycopg.connect(two.url()) as connection:
            assert connection.execute("SELECT to_regclass('t')").fetchone() == (None,)


def test_a_database_comes_back_empty(postgres_server: PostgresServer) -> None:
    """A test that forgets its schemas, and a transaction in one, stops nobody."""
    with postgres_server.database() as one:
        forgotten = psycopg.connect(one.url())
        forgotten.execute('CREATE TABLE t (x int); CREATE SCHEMA "S ä"; CREATE TABLE "S ä".t (x int)')
        forgotten.commit()
        forgotten.execute("LOCK TABLE t")
    with postgres_server.database() as two, psycopg.connect(two.url()) as connection:
        assert two == one
        tables = "SELECT count(*) FROM information_schema.tables WHERE table_name = 't'"
        assert connection.execute(tables).fetchone() == (0,)
        connection.execute("CREATE TABLE t (x int)")
    with pytest.raises(psycopg.OperationalError):
        forgotten.execute("SELECT 1")
    forgotten.close()
