"""Each test of a claim runs in four worlds: sync and async, SQLite and PostgreSQL, over memory, a folder and S3."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.orm import Session

from holdfast import FileObject, StorageBackend, storages
from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers.local import LocalDriver
from holdfast.serving import asgi, wsgi
from holdfast.uploads import Ticket, claim, claim_async, issue, issue_async
from tests.orm.conftest import Database
from tests.uploads.parcels import OTHER, STORAGE, Base, Parcel

BASE_URL = "https://parcels.example.com/files"
ADA = "user:ada"


def sent(ticket: Ticket, body: bytes) -> list[httpx.Request]:
    """Return the requests with which a client uploads a body, made from what it was given and nothing else."""
    told = ticket.to_dict()
    if told["protocol"] == "parts":
        size = told["part_size"]
        slices = [body[start : start + size] for start in range(0, max(len(body), 1), size)]
        return [httpx.Request("PUT", url, content=part) for url, part in zip(told["parts"], slices, strict=False)]
    if told["protocol"] == "form":
        name = {"file": ("C:\\fake\\name.txt", body)}
        return [httpx.Request(told["method"], told["url"], data=told["fields"], files=name)]
    return [httpx.Request(told["method"], told["url"], headers=told["headers"], content=body)]


@dataclass
class World:
    """A database with sessions of one kind, a storage, and the twins of that world."""

    database: Database
    storage: StorageBackend

    async def issue(self, column: Any = Parcel.file, body: bytes = b"hello", **options: Any) -> Ticket:
        """Issue a ticket for a body."""
        given: dict[str, Any] = {
            "filename": "hello.txt",
            "size": len(body),
            "content_type": "text/plain",
            "purpose": ADA,
            **options,
        }
        return await issue_async(column, **given) if self.database.is_async else issue(column, **given)

    async def claim(self, ticket: Ticket | str, column: Any = Parcel.file, purpose: str = ADA) -> FileObject:
        """Claim what was uploaded."""
        token = ticket.token if isinstance(ticket, Ticket) else ticket
        if self.database.is_async:
            return await claim_async(token, column, purpose=purpose)
        return claim(token, column, purpose=purpose)

    async def upload(self, ticket: Ticket, body: bytes = b"hello") -> int:
        """Upload as a client does; return the last answer's status."""
        status = 0
        for request in sent(ticket, body):
            if str(request.url).startswith(BASE_URL):
                status = await self._at_home(request)
            else:
                with httpx.Client() as client:
                    status = client.send(request).status_code
        return status

    async def _at_home(self, request: httpx.Request) -> int:
        # Mounted at the path of the base URL, as a framework does.
        if self.database.is_async:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(asgi.SignedFiles(), root_path="/files")) as away:
                return (await away.send(_async(request))).status_code
        with httpx.Client(transport=httpx.WSGITransport(wsgi.SignedFiles(), script_name="/files")) as client:
            return client.send(request).status_code

    async def uploaded(self, column: Any = Parcel.file, body: bytes = b"hello", **options: Any) -> Ticket:
        """Issue a ticket, and upload what it is for."""
        ticket = await self.issue(column, body, **options)
        assert await self.upload(ticket, body) in {200, 201, 204}
        return ticket

    async def run(self, work: Callable[[Session], Any]) -> Any:
        """Call `work` with a new session, in its greenlet if it is async."""
        return await self.database.run(work)

    async def commit(self, *rows: Any) -> None:
        """Insert rows."""

        def insert(session: Session) -> None:
            session.add_all(rows)
            session.commit()

        await self.run(insert)

    def stored(self) -> set[str]:
        """Return what lies in the storage."""
        return {info.key for info in self.storage.list()}


def _async(request: httpx.Request) -> httpx.Request:
    return httpx.Request(request.method, request.url, headers=request.headers, content=request.read())


@pytest.fixture
def signing() -> Iterator[None]:
    """Sign tickets and URLs."""
    before = storages.signed_urls
    storages.sign_urls(base_url=BASE_URL, secret="parcels, and what is in them")
    yield
    storages.signed_urls = before


@pytest.fixture
def memory() -> StorageBackend:
    """A storage in memory."""
    return ObstoreBackend(STORAGE, "memory://")


@pytest.fixture
def folder(tmp_path: Path) -> StorageBackend:
    """A storage on disk."""
    return StorageBackend(STORAGE, LocalDriver(tmp_path / "parcels", durable=False))


@pytest.fixture
def s3(request: pytest.FixtureRequest) -> StorageBackend:
    """A storage in S3."""
    bucket = request.getfixturevalue("s3_bucket")
    return ObstoreBackend(STORAGE, f"s3://{bucket.name}/sub/", **bucket.options)


WORLDS = [
    pytest.param(("pysqlite", "memory"), id="pysqlite-memory"),
    pytest.param(("aiosqlite", "folder"), id="aiosqlite-folder"),
    pytest.param(("psycopg", "folder"), id="psycopg-folder", marks=pytest.mark.postgres),
    pytest.param(("asyncpg", "s3"), id="asyncpg-s3", marks=[pytest.mark.postgres, pytest.mark.s3]),
]

STORES = [
    *WORLDS[:2],
    pytest.param(("pysqlite", "s3"), id="pysqlite-s3", marks=pytest.mark.s3),
    pytest.param(("aiosqlite", "s3"), id="aiosqlite-s3", marks=pytest.mark.s3),
]
"""For tests that need rows less than storages."""

S3 = STORES[2:]


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest, tmp_path: Path, signing: None) -> Any:
    """A database with the tables, and a storage."""
    driver, place = request.param
    if driver.endswith("sqlite"):
        url = f"sqlite+{driver}:///{tmp_path}/parcels.db"
    else:
        url = request.getfixturevalue("postgres").url(driver)
    database = Database(url, is_async=driver in {"aiosqlite", "asyncpg"})
    await database.create(Base)
    storage = storages.register_backend(request.getfixturevalue(place))
    storages.register_backend("memory://", key=OTHER)
    yield World(database, storage)
    await database.dispose()
    for name in (STORAGE, OTHER):
        storages._backends.pop(name, None)


def sha256(body: bytes) -> str:
    """Return a checksum as a client computes it."""
    return "sha256:" + hashlib.sha256(body).hexdigest()


def marker(file: FileObject) -> str:
    """Return the key of the marker of a file that was not copied."""
    return f"{file.path}.claimed"
