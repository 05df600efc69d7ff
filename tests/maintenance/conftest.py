"""Each test runs in six worlds: SQLite, PostgreSQL and MariaDB, sync and async, over a local folder or memory."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from holdfast import StorageBackend, storages
from holdfast.drivers.local import LocalDriver
from holdfast.maintenance import SweepReport, VerifyReport, sweep, sweep_async, verify, verify_async
from tests.maintenance.stacks import Base, Hooked
from tests.orm.conftest import Database

NOW = timedelta(0)
"""A grace period that spares nothing."""


class World:
    """A database with a session of one kind, and the two commands."""

    def __init__(self, database: Database, engine: Engine) -> None:
        self.database, self.engine = database, engine
        self.run = database.run

    async def verify(self, metadata: Any = Base, **options: Any) -> VerifyReport:
        """Verify without a grace period."""
        options = {"grace": NOW} | options
        if self.database.is_async:
            async with AsyncSession(self.database.engine) as session:
                return await verify_async(session, metadata, **options)
        with Session(self.database.engine) as session:
            return verify(session, metadata, **options)

    async def sweep(self, metadata: Any = Base, **options: Any) -> SweepReport:
        """Sweep without a grace period, and delete."""
        options = {"grace": NOW, "delete": True} | options
        if self.database.is_async:
            async with AsyncSession(self.database.engine) as session:
                return await sweep_async(session, metadata, **options)
        with Session(self.database.engine) as session:
            return sweep(session, metadata, **options)

    def sql(self, statement: str, **values: Any) -> None:
        """Change rows behind Holdfast's back, in a transaction of its own."""
        with self.engine.begin() as connection:
            connection.execute(text(statement), values)

    def insert(self, number: int, value: str | None, column: str = "file") -> None:
        """Insert an item with any JSON."""
        self.sql(f"INSERT INTO item (id, {column}) VALUES (:number, :value)", number=number, value=value)


PARAMS = [
    pytest.param("pysqlite", id="pysqlite"),
    pytest.param("aiosqlite", id="aiosqlite"),
    pytest.param("psycopg", id="psycopg", marks=pytest.mark.postgres),
    pytest.param("asyncpg", id="asyncpg", marks=pytest.mark.postgres),
    pytest.param("pymysql", id="pymysql", marks=pytest.mark.mariadb),
    pytest.param("asyncmy", id="asyncmy", marks=pytest.mark.mariadb),
]
LOCAL = {"pysqlite", "asyncpg", "pymysql"}


@pytest.fixture(params=PARAMS)
def driver(request: pytest.FixtureRequest) -> str:
    """The database's driver, which stands for the world."""
    return request.param


@pytest.fixture
def mariadb_of_the_world() -> str:
    """The fixture of its database on MariaDB."""
    return "mariadb"


@pytest.fixture
async def world(driver: str, mariadb_of_the_world: str, request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """An empty database with the tables, and how to run the commands."""
    if "sqlite" in driver:
        urls = [f"sqlite+{each}:///{tmp_path}/test.db" for each in (driver, "pysqlite")]
    else:
        name, plain = (mariadb_of_the_world, "pymysql") if "my" in driver else ("postgres", "psycopg")
        lent = request.getfixturevalue(name)
        urls = [lent.url(driver), lent.url(plain)]
    database = Database(urls[0], is_async=driver in {"aiosqlite", "asyncpg", "asyncmy"})
    engine = create_engine(urls[1])
    await database.create(Base)
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:  # or whoever writes would wait until all rows are read
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    yield World(database, engine)
    await database.dispose()
    engine.dispose()


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Callable[..., StorageBackend]]:
    """Register a storage over a hooked driver."""
    made = []

    def make(name: str, *, local: bool = True, **options: Any) -> StorageBackend:
        made.append(name)
        if local:
            return storages.register_backend(
                StorageBackend(name, Hooked(LocalDriver(tmp_path / name, durable=False)), **options)
            )
        memory = storages.register_backend("memory://", key=name)
        return storages.register_backend(StorageBackend(name, Hooked(memory._driver), **options))

    yield make
    for name in made:
        storages._backends.pop(name, None)


@pytest.fixture
def stacks(driver: str, register: Callable[..., StorageBackend]) -> StorageBackend:
    """The storage of most files."""
    return register("stacks", local=driver in LOCAL)


@pytest.fixture
def cellar(driver: str, register: Callable[..., StorageBackend]) -> StorageBackend:
    """Another storage."""
    return register("cellar", local=driver not in LOCAL)


@pytest.fixture
def local(register: Callable[..., StorageBackend]) -> StorageBackend:
    """The storage of most files as a folder, whose files can be aged."""
    return register("stacks")
