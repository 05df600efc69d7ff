"""MariaDB and its databases, through its drivers."""

from pathlib import Path

import pymysql
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.servers.mariadb import Database, MariaDBServer, _start
from tests.servers.shared import ServerFailedError

FACTS = text("SELECT DATABASE(), @@character_set_database, @@character_set_connection, @@tx_isolation, @@port")


def connect(database: Database) -> "pymysql.Connection[pymysql.cursors.Cursor]":
    """Connect without SQLAlchemy."""
    return pymysql.connect(unix_socket=database.socket, user="root", database=database.name)


def facts(database: Database) -> tuple[object, ...]:
    """Return what `FACTS` should find: no TCP port, all of Unicode, and MariaDB's own isolation level."""
    return database.name, "utf8mb4", "utf8mb4", "REPEATABLE-READ", 0


@pytest.mark.parametrize("dialect", ["mariadb", "mysql"])
def test_sqlalchemy_sync(mariadb: Database, dialect: str) -> None:
    """A plain engine reaches the database over PyMySQL, by either name of the dialect."""
    engine = create_engine(mariadb.url("pymysql", dialect))
    assert engine.dialect.name == dialect
    with engine.connect() as connection:
        assert connection.dialect.is_mariadb
        assert connection.execute(FACTS).one() == facts(mariadb)
    engine.dispose()


@pytest.mark.parametrize("dialect", ["mariadb", "mysql"])
async def test_sqlalchemy_async(mariadb: Database, dialect: str) -> None:
    """An async engine reaches the database over asyncmy."""
    engine = create_async_engine(mariadb.url("asyncmy", dialect))
    async with engine.connect() as connection:
        assert (await connection.execute(FACTS)).one() == facts(mariadb)
    await engine.dispose()


def test_databases_are_apart(mariadb_server: MariaDBServer) -> None:
    """Two tests never meet, not even when they run at the same time."""
    with mariadb_server.database() as one, mariadb_server.database() as two:
        with connect(one) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE t (x int)")
        with connect(two) as connection, connection.cursor() as cursor:
            assert cursor.execute("SHOW TABLES") == 0


def test_a_test_leaves_nothing(mariadb_server: MariaDBServer) -> None:
    """One that forgets its databases, and a transaction in one, stops nobody."""
    with mariadb_server.database() as one:
        forgotten = connect(one)
        with forgotten.cursor() as cursor:
            cursor.execute("CREATE TABLE t (x int)")
            cursor.execute(f"CREATE DATABASE `{one.name}_shop ä`")
            cursor.execute("INSERT INTO t VALUES (1)")
    with mariadb_server.database() as two, connect(two) as connection, connection.cursor() as cursor:
        assert cursor.execute(f"SHOW DATABASES LIKE '{one.name}%'") == 0
    with pytest.raises(pymysql.Error), forgotten.cursor() as cursor:
        cursor.execute("SELECT 1")
    forgotten.close()


def test_a_missing_server_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The reason for a skip says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServerFailedError, match="apt-get install mariadb-server-core"):
        _start(tmp_path)
