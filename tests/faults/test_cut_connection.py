"""A database connection that is cut just before or just after COMMIT."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.faults.world import Document, World, content, open_world
from tests.servers.proxy import MariaDBProxy, PostgresProxy

POSTGRES = [
    pytest.param("postgres_proxy", "psycopg", driver, id=driver or "psycopg", marks=pytest.mark.postgres)
    for driver in (None, "psycopg_async", "asyncpg")
]
MARIADB = [
    pytest.param("mariadb_proxy", "pymysql", driver, id=driver or "pymysql", marks=pytest.mark.mariadb)
    for driver in (None, "asyncmy")
]


@pytest.fixture
def proxy(request: pytest.FixtureRequest, proxy_name: str) -> MariaDBProxy | PostgresProxy:
    """A proxy that can cut the connection around a COMMIT."""
    return request.getfixturevalue(proxy_name)


@pytest.fixture
def cut_world(
    tmp_path: Path, proxy: MariaDBProxy | PostgresProxy, driver: str, async_driver: str | None
) -> Iterator[World]:
    """A database behind a proxy, with a committed document."""
    async_url = proxy.url(async_driver) if async_driver is not None else None
    with open_world(tmp_path, proxy.url(driver), async_url) as world:
        with Session(world.engine) as session:
            session.add(Document(id=1, file=content("old")))
            session.commit()
        yield world


def replace(session: Session) -> None:
    """Replace the document's file."""
    session.get_one(Document, 1).file = content("new")
    session.commit()


@pytest.mark.parametrize(("proxy_name", "driver", "async_driver"), POSTGRES + MARIADB)
@pytest.mark.parametrize(("moment", "expected"), [("before_commit", b"old"), ("after_commit", b"new")])
def test_a_connection_cut_around_commit_loses_no_file(
    cut_world: World,
    proxy: MariaDBProxy | PostgresProxy,
    caplog: pytest.LogCaptureFixture,
    moment: str,
    expected: bytes,
) -> None:
    """Whether the row was committed cannot be known, so neither the old nor the new object is deleted."""
    proxy.cut(moment)
    with caplog.at_level(logging.ERROR, logger="holdfast"), pytest.raises((DBAPIError, ConnectionError)):
        cut_world.tell(replace)
    assert proxy.was_cut.is_set()
    assert len(cut_world.keys()) == 2
    assert len(cut_world.referenced()) == 1
    with Session(cut_world.engine) as session:
        assert session.get_one(Document, 1).file.get_content() == expected
    assert "not acknowledged" in caplog.text


@pytest.mark.parametrize(("proxy_name", "driver", "async_driver"), POSTGRES)
def test_a_swallowed_database_error_loses_no_file(cut_world: World) -> None:
    """PostgreSQL would answer this COMMIT with ROLLBACK, and no driver says so: the commit raises instead."""
    before = cut_world.keys()

    def story(session: Session) -> None:
        session.get_one(Document, 1).file = content("new")
        session.flush()
        connection = session.connection()
        with pytest.raises(DBAPIError):
            connection.exec_driver_sql("SELECT 1/0")
        with pytest.raises(DBAPIError, match="aborted"):
            session.commit()
        session.rollback()

    cut_world.tell(story)
    assert cut_world.keys() == before == cut_world.referenced()
