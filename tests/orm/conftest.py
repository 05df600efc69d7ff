"""Two storages, and a database in each world."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from holdfast import StorageBackend, storages


class Database:
    """A database, entered through a `Session` or through an `AsyncSession`.

    A test hands over what it does as a function of a session; under an AsyncSession that runs in its greenlet, just
    as its own methods do.
    """

    def __init__(self, url: str, *, is_async: bool) -> None:
        self.is_async = is_async
        self.engine: Any = create_async_engine(url) if self.is_async else create_engine(url)

    async def create(self, base: Any) -> "Database":
        """Make the tables of a declarative base."""
        if self.is_async:
            async with self.engine.begin() as connection:
                await connection.run_sync(base.metadata.create_all)
        else:
            base.metadata.create_all(self.engine)
        return self

    async def run(self, work: Callable[[Session], Any], **options: Any) -> Any:
        """Call `work` with a new session, which is closed after it."""
        if self.is_async:
            async with AsyncSession(self.engine, **options) as session:
                return await session.run_sync(work)
        with Session(self.engine, **options) as session:
            return work(session)

    async def dispose(self) -> None:
        """Close all connections."""
        if self.is_async:
            await self.engine.dispose()
        else:
            self.engine.dispose()


@pytest.fixture(params=["pysqlite", "aiosqlite"])
async def database(request: pytest.FixtureRequest, tmp_path: Any) -> Any:
    """An empty SQLite database, in each world."""
    made = Database(f"sqlite+{request.param}:///{tmp_path}/test.db", is_async=request.param == "aiosqlite")
    yield made
    await made.dispose()


DATABASES = [
    "pysqlite",
    "aiosqlite",
    pytest.param("psycopg", marks=pytest.mark.postgres),
    pytest.param("asyncpg", marks=pytest.mark.postgres),
    pytest.param("pymysql", marks=pytest.mark.mariadb),
]


@pytest.fixture(params=DATABASES)
async def each_database(request: pytest.FixtureRequest, tmp_path: Any) -> Any:
    """An empty database of each kind."""
    name = request.param
    if name.endswith("sqlite"):
        url = f"sqlite+{name}:///{tmp_path}/each.db"
    else:
        url = request.getfixturevalue("mariadb" if name == "pymysql" else "postgres").url(name)
    made = Database(url, is_async=name in {"aiosqlite", "asyncpg"})
    yield made
    await made.dispose()


@pytest.fixture
def docs() -> Iterator[StorageBackend]:
    """A storage in memory, registered as docs."""
    yield storages.register_backend("memory://", key="docs")
    storages._backends.pop("docs", None)


@pytest.fixture
def archive() -> Iterator[StorageBackend]:
    """Another one, registered as archive."""
    yield storages.register_backend("memory://", key="archive")
    storages._backends.pop("archive", None)


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail the test if Holdfast logs anything worse than a note."""
    yield
    assert not [each for each in caplog.records if each.name == "holdfast" and each.levelno >= logging.WARNING]


def contents(storage: StorageBackend) -> dict[str, bytes]:
    """Return all that lies in a storage, by key."""
    return {info.key: storage.read(info.key) for info in storage.list()}


def stored(storage: StorageBackend) -> list[bytes]:
    """Return the bytes of all that lies in a storage, sorted."""
    return sorted(contents(storage).values())
