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


DRIVERS = {
    "sqlite": ("pysqlite", "aiosqlite"),
    "postgresql": ("psycopg", "asyncpg"),
    "mariadb": ("pymysql", "asyncmy"),
}
FIXTURES = {"postgresql": "postgres", "mariadb": "mariadb"}


@pytest.fixture
def urls(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> tuple[str, str]:
    """The URLs of an empty database, for a sync and an async driver."""
    sync, async_ = DRIVERS[kind]
    if kind == "sqlite":
        return f"sqlite+{sync}:///{tmp_path}/test.db", f"sqlite+{async_}:///{tmp_path}/test.db"
    lent = request.getfixturevalue(FIXTURES[kind])
    return lent.url(sync), lent.url(async_)


@pytest.fixture
def url(urls: tuple[str, str]) -> str:
    """The URL of an empty database."""
    return urls[0]


@pytest.fixture
def async_url(urls: tuple[str, str]) -> str:
    """The same database through an asynchronous driver."""
    return urls[1]


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """An engine for it, with foreign keys that are checked."""
    made = create_engine(url)
    if made.dialect.name == "sqlite":
        event.listen(made, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys = ON"))
    yield made
    made.dispose()
