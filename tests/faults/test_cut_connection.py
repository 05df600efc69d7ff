"""A database connection that is cut just before or just after COMMIT."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.faults.world import Document, World, content, open_world
from tests.servers.proxy import PostgresProxy


@pytest.fixture(params=["psycopg", "psycopg_async", "asyncpg"])
def cut_world(request: pytest.FixtureRequest, tmp_path: Path, postgres_proxy: PostgresProxy) -> Iterator[World]:
    """PostgreSQL behind a proxy, with a committed document."""
    async_url = None if request.param == "psycopg" else postgres_proxy.url(request.param)
    with open_world(tmp_path, postgres_proxy.url("psycopg"), async_url) as world:
        with Session(world.engine) as session:
            session.add(Document(id=1, file=content("old")))
            session.commit()
        yield world


def replace(session: Session) -> None:
    """Replace the document's file."""
    session.get_one(Document, 1).file = content("new")
    session.commit()


@pytest.mark.parametrize(("moment", "expected"), [("before_commit", b"old"), ("after_commit", b"new")])
def test_a_connection_cut_around_commit_loses_no_file(
    cut_world: World, postgres_proxy: PostgresProxy, caplog: pytest.LogCaptureFixture, moment: str, expected: bytes
) -> None:
    """Whether the row was committed cannot be known, so neither the old nor the new object is deleted."""
    postgres_proxy.cut(moment)
    with caplog.at_level(logging.ERROR, logger="holdfast"), pytest.raises((DBAPIError, ConnectionError)):
        cut_world.tell(replace)
    assert postgres_proxy.was_cut.is_set()
    assert len(cut_world.keys()) == 2
    assert len(cut_world.referenced()) == 1
    with Session(cut_world.engine) as session:
        assert session.get_one(Document, 1).file.get_content() == expected
    assert "not acknowledged" in caplog.text


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
