"""The proxy in front of MariaDB: the row is absent or present, as it promises."""

import pymysql
import pytest
from sqlalchemy import create_engine, exc, text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.servers.mariadb import Database
from tests.servers.proxy import MariaDBProxy
from tests.servers.proxy.commit import Moment

MOMENTS = pytest.mark.parametrize(("moment", "rows"), [("before_commit", 0), ("after_commit", 1)])


@pytest.fixture
def table(mariadb: Database) -> Database:
    """The database with an empty table in it."""
    with connect(mariadb) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (x int)")
    return mariadb


def connect(database: Database) -> "pymysql.Connection[pymysql.cursors.Cursor]":
    """Connect without SQLAlchemy, past the proxy or through it."""
    where = {"host": database.host, "port": database.port} if database.host else {"unix_socket": database.socket}
    return pymysql.connect(user="root", database=database.name, ssl_disabled=True, **where)


def count(database: Database) -> int:
    """Count the rows, past the proxy."""
    with connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM t")
        row = cursor.fetchone()
    assert row
    return int(row[0])


@MOMENTS
def test_sync_driver(table: Database, mariadb_proxy: MariaDBProxy, moment: Moment, rows: int) -> None:
    """With PyMySQL the commit fails, and its effect is there only after it."""
    engine = create_engine(mariadb_proxy.url("pymysql"))
    with engine.connect() as connection:
        connection.execute(text("INSERT INTO t VALUES (1)"))
        mariadb_proxy.cut(moment)
        with pytest.raises(exc.DBAPIError) as caught:
            connection.commit()
    assert caught.value.connection_invalidated
    assert mariadb_proxy.was_cut.is_set()
    assert count(table) == rows
    with engine.begin() as connection:  # once only
        connection.execute(text("INSERT INTO t VALUES (2)"))
    assert count(table) == rows + 1
    engine.dispose()


@MOMENTS
async def test_async_driver(table: Database, mariadb_proxy: MariaDBProxy, moment: Moment, rows: int) -> None:
    """With asyncmy it fails alike."""
    engine = create_async_engine(mariadb_proxy.url("asyncmy"))
    async with engine.connect() as connection:
        await connection.execute(text("INSERT INTO t VALUES (1)"))
        mariadb_proxy.cut(moment)
        with pytest.raises(exc.DBAPIError):
            await connection.commit()
    assert mariadb_proxy.was_cut.is_set()
    assert count(table) == rows
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO t VALUES (2)"))
    assert count(table) == rows + 1
    await engine.dispose()


def test_errors_and_large_results_pass(mariadb_proxy: MariaDBProxy) -> None:
    """Without a cut the proxy is invisible, to other answers and to a failing statement too."""
    with connect(mariadb_proxy.database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT REPEAT('x', 5000000)")
        assert cursor.fetchone() == ("x" * 5_000_000,)
        mariadb_proxy.cut("after_commit")
        cursor.execute("CREATE TABLE t (x int UNIQUE)")
        with pytest.raises(pymysql.err.IntegrityError):
            cursor.execute("INSERT INTO t VALUES (1), (1)")
        cursor.execute("SELECT 'COMMIT'")
        assert not mariadb_proxy.was_cut.is_set()
        with pytest.raises(pymysql.err.OperationalError):
            connection.commit()
        assert mariadb_proxy.was_cut.is_set()
