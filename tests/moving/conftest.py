"""Each test runs on SQLite and PostgreSQL, sync and async; rows are written by the library that people come from."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from holdfast import StorageBackend, storages
from holdfast.maintenance import AdoptReport, adopt, adopt_async
from holdfast.testing.s3 import S3Bucket
from tests.orm.conftest import Database


class House:
    """A database: `engine` for the old library, `adopt` in the world of the driver."""

    def __init__(self, url: str, plain: str, *, is_async: bool) -> None:
        self.database = Database(url, is_async=is_async)
        self.engine: Engine = create_engine(plain)

    def session(self) -> Session:
        """Return a session as the application has it."""
        return Session(self.engine)

    async def adopt(self, metadata: Any, **options: Any) -> AdoptReport:
        """Adopt, in a session of the driver's kind."""
        if self.database.is_async:
            async with AsyncSession(self.database.engine) as session:
                return await adopt_async(session, metadata, **options)
        with Session(self.database.engine) as session:
            return adopt(session, metadata, **options)


PARAMS = [
    pytest.param("pysqlite", id="pysqlite"),
    pytest.param("aiosqlite", id="aiosqlite"),
    pytest.param("psycopg", id="psycopg", marks=pytest.mark.postgres),
    pytest.param("asyncpg", id="asyncpg", marks=pytest.mark.postgres),
]
MARIADB = [
    pytest.param("pymysql", id="pymysql", marks=pytest.mark.mariadb),
    pytest.param("asyncmy", id="asyncmy", marks=pytest.mark.mariadb),
]


async def lend_house(driver: str, request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Lend an empty database of a driver."""
    if "sqlite" in driver:
        urls = [f"sqlite+{each}:///{tmp_path}/house.db" for each in (driver, "pysqlite")]
    else:
        name, plain = ("mariadb", "pymysql") if "my" in driver else ("postgres", "psycopg")
        lent = request.getfixturevalue(name)
        urls = [lent.url(driver), lent.url(plain)]
    made = House(urls[0], urls[1], is_async=driver in {"aiosqlite", "asyncpg", "asyncmy"})
    yield made
    await made.database.dispose()
    made.engine.dispose()


@pytest.fixture(params=PARAMS)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """An empty database."""
    async for made in lend_house(request.param, request, tmp_path):
        yield made


@pytest.fixture(params=[*PARAMS, *MARIADB])
async def each_house(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """An empty database, of three kinds."""
    async for made in lend_house(request.param, request, tmp_path):
        yield made


@pytest.fixture
def register() -> Iterator[Callable[..., StorageBackend]]:
    """Register a storage until the end of the test: `register("docs", "file:///…")`."""
    made: list[str] = []

    def do(name: str, where: Any, **options: Any) -> StorageBackend:
        made.append(name)
        if isinstance(where, StorageBackend):
            return storages.register_backend(where)
        return storages.register_backend(where, key=name, **options)

    yield do
    for name in made:
        storages._backends.pop(name, None)


def keys(storage: StorageBackend) -> set[str]:
    """Return what lies in a storage."""
    return {info.key for info in storage.list()}


def boto3_client(bucket: S3Bucket) -> Any:
    """Return a client for the server of a bucket."""
    server = bucket.server
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        region_name=server.region,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
    )
