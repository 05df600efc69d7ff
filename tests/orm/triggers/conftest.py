"""An empty database of each kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, event

PARAMS = [
    pytest.param("sqlite"),
    pytest.param("postgresql", marks=pytest.mark.postgres),
    pytest.param("mariadb", marks=pytest.mark.mariadb),
]


@pytest.fixture(params=PARAMS)
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of database."""
    return request.param


@pytest.fixture
def url(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if kind == "sqlite":
        return f"sqlite:///{tmp_path}/test.db"
    if kind == "postgresql":
        return request.getfixturevalue("postgres").url("psycopg")
    return request.getfixturevalue("mariadb").url("pymysql")


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """An engine for it, with foreign keys that are checked."""
    made = create_engine(url)
    if made.dialect.name == "sqlite":
        event.listen(made, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys = ON"))
    yield made
    made.dispose()
