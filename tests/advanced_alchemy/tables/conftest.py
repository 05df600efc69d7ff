"""A table that advanced-alchemy made and writes, in a process of its own, and the same table here."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import fsspec
import pytest
from sqlalchemy import MetaData, String
from sqlalchemy.orm import Mapped, mapped_column

from holdfast import FileObject, StorageBackend, StoredObject, storages
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from tests.companions import UUIDAuditBase
from tests.orm.conftest import Database

PROGRAM = "tests.advanced_alchemy.tables.their_library"
ROOT = Path(__file__).parents[3]
SYNC = {"aiosqlite": "pysqlite", "asyncpg": "psycopg"}
"""The sync driver beside each async one."""


class Paper(UUIDAuditBase):
    """The model after its import was replaced; the base is that library's."""

    __tablename__ = "paper"
    metadata = MetaData()
    title: Mapped[str] = mapped_column(String(100))
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))
    pages: Mapped[list[FileObject] | None] = mapped_column(StoredObject(backend="docs", multiple=True))


class Theirs:
    """The library in its process."""

    def __init__(self) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([sys.executable, "-m", PROGRAM], cwd=ROOT, stdin=pipe, stdout=pipe, text=True)

    def __call__(self, name: str, **arguments: Any) -> Any:
        """Have something done there; what raises there raises here."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"call": name, **arguments}), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["result"]

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=60)


def register(driver: str, **arguments: Any) -> StorageBackend:
    """Register a storage here with the very arguments that it has there."""
    if isinstance(arguments["fs"], dict):
        arguments["fs"] = fsspec.filesystem(**arguments["fs"])
    kind = ObstoreBackend if driver == "obstore" else FSSpecBackend
    return storages.register_backend(kind(**arguments))


class Table:
    """One table that both use, over one storage.

    Attributes:
        database: The database, as it is entered here.
        url: How that library enters it.
        docs: The storage.
        is_remote: Whether it can sign URLs there.
    """

    def __init__(
        self, theirs: Theirs, database: Database, url: str, docs: StorageBackend, *, is_remote: bool = False
    ) -> None:
        self._theirs, self.is_remote = theirs, is_remote
        self.database, self.url, self.docs = database, url, docs
        self.run = database.run

    def theirs(self, name: str, **arguments: Any) -> Any:
        """Have that library do something to the table."""
        return self._theirs(name, url=self.url, **arguments)

    def library(self, name: str, **arguments: Any) -> Any:
        """Have that library do something to a file."""
        return self._theirs(name, **arguments)

    def add(self, title: str, **files: Any) -> UUID:
        """Have that library insert a row."""
        row = uuid4()
        self.theirs("write", rows=[{"id": str(row), "title": title, **files}])
        return row


@pytest.fixture(scope="session")
def theirs() -> Iterator[Theirs]:
    """advanced-alchemy as it is."""
    process = Theirs()
    yield process
    process.close()


@pytest.fixture(autouse=True)
def storages_as_they_were() -> Iterator[None]:
    """Leave no storage behind."""
    before = dict(storages.all())
    yield
    storages._backends.clear()
    storages._backends.update(before)


DATABASES = [
    "pysqlite",
    "aiosqlite",
    pytest.param("psycopg", marks=pytest.mark.postgres),
    pytest.param("asyncpg", marks=pytest.mark.postgres),
    pytest.param("pymysql", marks=pytest.mark.mariadb),
]


@pytest.fixture(params=DATABASES)
async def table(request: pytest.FixtureRequest, tmp_path: Path, theirs: Theirs) -> Any:
    """The table in each database, over a local folder; each library enters it in the same world."""
    driver = request.param
    if driver.endswith("sqlite"):
        urls = {each: f"sqlite+{each}:///{tmp_path}/papers.db" for each in (driver, SYNC.get(driver, driver))}
    else:
        server = request.getfixturevalue("mariadb" if driver == "pymysql" else "postgres")
        urls = {each: server.url(each) for each in (driver, SYNC.get(driver, driver))}
    (tmp_path / "docs").mkdir()
    arguments = {"driver": "obstore", "key": "docs", "fs": f"file://{tmp_path}/docs"}
    theirs("register", **arguments)
    theirs("create", url=urls[SYNC.get(driver, driver)])
    database = Database(urls[driver], is_async=driver in SYNC)
    yield Table(theirs, database, urls[driver], register(**arguments))
    await database.dispose()
