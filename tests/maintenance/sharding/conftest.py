"""A shop in each database, and executors."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from tests.maintenance.sharding import shop

NOW = timedelta(0)
"""A grace period that spares nothing."""


class Shop:
    """A database and storages with odd rows, and how to run commands on them."""

    def __init__(self, folder: Path, url: str, sync_url: str) -> None:
        self.folder, self.url = folder, url
        self.engine = create_engine(sync_url)
        self.is_async = url != sync_url
        self.opener = shop.opener(folder, url)
        shop.register(folder)
        shop.Base.metadata.create_all(self.engine)
        if self.engine.dialect.name == "sqlite":
            with self.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")

    async def run(self, command: Any, **options: Any) -> Any:
        """Run a command, or its async twin."""
        if not self.is_async:
            with Session(self.engine) as session:
                return command[0](session, shop.Base, **options)
        engine = create_async_engine(self.url)
        try:
            async with AsyncSession(engine) as session:
                return await command[1](session, shop.Base, **options)
        finally:
            await engine.dispose()

    def again(self) -> None:
        """Keep the objects, or bring them back."""
        for storage in ("shelves", "crypt"):
            kept = self.folder / f"{storage}-kept"
            if kept.exists():
                shutil.rmtree(self.folder / storage)
                shutil.copytree(kept, self.folder / storage)
            else:
                shutil.copytree(self.folder / storage, kept)


DRIVERS = [
    "pysqlite",
    "aiosqlite",
    pytest.param("psycopg", marks=pytest.mark.postgres),
    pytest.param("asyncpg", marks=pytest.mark.postgres),
    pytest.param("pymysql", marks=pytest.mark.mariadb),
]


@pytest.fixture(params=DRIVERS)
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    """A shop with rows and objects, many of them odd, in each database."""
    yield from opened(request, tmp_path, request.param, 60)


@pytest.fixture
def simple(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    """The same on SQLite, and empty."""
    yield from opened(request, tmp_path, "pysqlite", 0)


def opened(request: pytest.FixtureRequest, folder: Path, driver: str, count: int) -> Iterator[Shop]:
    """Open a shop and fill it."""
    if "sqlite" in driver:
        url, sync_url = (f"sqlite+{each}:///{folder}/shop.db" for each in (driver, "pysqlite"))
    else:
        lent = request.getfixturevalue("mariadb" if driver == "pymysql" else "postgres")
        url, sync_url = lent.url(driver), lent.url("psycopg" if driver == "asyncpg" else driver)
    made = Shop(folder, url, sync_url)
    if count:
        with Session(made.engine) as session:
            shop.fill(session, count)
    yield made
    made.engine.dispose()
    shop.unregister()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Four threads."""
    with ThreadPoolExecutor(4) as executor:
        yield executor
