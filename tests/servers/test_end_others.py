"""The connections that a test left in a database end, and their locks with them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine, exc, text

from tests.servers import mariadb as mariadb_servers
from tests.servers import postgres as postgresql

CONNECTIONS = 40


def test_postgres(postgres: postgresql.Database) -> None:
    """PostgreSQL has ended them when the call returns."""
    engine = create_engine(postgres.url("psycopg"))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (x int)"))
    with engine.connect() as left, engine.connect() as other:
        left.execute(text("LOCK TABLE t"))
        other.invalidate()
        postgres.end_others()
        other.execute(text("LOCK TABLE t NOWAIT"))
        with pytest.raises(exc.OperationalError):
            left.execute(text("SELECT 1"))
    engine.dispose()


def test_mariadb(mariadb: mariadb_servers.Database) -> None:
    """MariaDB has ended them when the call returns."""
    engine = create_engine(mariadb.url("pymysql"))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (x int)"))
    with engine.connect() as left, engine.connect() as other:
        left.execute(text("INSERT INTO t SELECT seq FROM seq_1_to_50000"))  # takes a while to roll back
        other.invalidate()
        mariadb.end_others()
        other.execute(text("SELECT * FROM t FOR UPDATE NOWAIT"))
        with pytest.raises(exc.OperationalError):
            left.execute(text("SELECT 1"))
    engine.dispose()


def test_mariadb_while_they_end_by_themselves(mariadb: mariadb_servers.Database) -> None:
    """A connection that has gone between being found and being ended is no error."""
    engine = create_engine(mariadb.url("pymysql"), pool_size=CONNECTIONS)
    with ThreadPoolExecutor() as pool:
        for _ in range(5):
            for connection in [engine.connect() for _ in range(CONNECTIONS)]:
                connection.detach()
                pool.submit(connection.close)
            mariadb.end_others()
    engine.dispose()
