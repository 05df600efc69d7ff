"""The logic of the ready-made routes, without a framework: with sync sessions, async ones, and sync ones in threads."""

import asyncio
import uuid
from typing import Any

import pytest
from sqlalchemy import BigInteger, SmallInteger
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, deferred, mapped_column

from holdfast import FileObject, StorageBackend, StoredObject, storages
from holdfast.contrib.routes import PROBLEMS, FileRoutes, TicketRequest, problem
from holdfast.contrib.routes.row_keys import RowKeys
from holdfast.errors import (
    ConfigurationError,
    FileRejectedError,
    InvalidFormError,
    InvalidTokenError,
    NotFoundError,
    UnavailableError,
)
from tests.orm.conftest import Database
from tests.uploads.forms import CONTENT_TYPE, as_async, body, part

STORAGE = "routes"


class Base(DeclarativeBase):
    pass


class Document(Base):
    __tablename__ = "route_document"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(default="")
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend=STORAGE, max_size=1000))
    late: Mapped[FileObject | None] = deferred(mapped_column(StoredObject(backend=STORAGE)))
    always: Mapped[FileObject] = mapped_column(
        StoredObject(backend=STORAGE), insert_default=lambda: FileObject(content=b"x", filename="x")
    )
    pages: Mapped[list[FileObject] | None] = mapped_column(StoredObject(backend=STORAGE, multiple=True))


class Page(Base):
    __tablename__ = "route_page"
    book: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column("no", BigInteger, primary_key=True)
    small: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend=STORAGE))


class Reading(Base):
    __tablename__ = "route_reading"
    at: Mapped[float] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend=STORAGE))


REQUEST = object()


class World:
    """A database, and one of the three ways to use the routes of it."""

    def __init__(self, kind: str, database: Database) -> None:
        self.kind, self.database = kind, database
        self.asked: list[Any] = []

    def authorize(self, request: Any, action: str, row: Any) -> bool:
        """Refuse the row number 2."""
        self.asked.append((request, action, row.id))
        return row.id != 2

    async def __call__(self, name: str, *args: Any, column: Any = Document.file, authorize: Any = None) -> Any:
        """Call a route with a session of its own."""
        routes = FileRoutes(column, authorize=authorize or self.authorize)
        if self.kind == "sync":
            with Session(self.database.engine) as session:
                return getattr(routes, name)(REQUEST, session, *args)
        maker = AsyncSession if self.kind == "async" else Session
        session = maker(self.database.engine)
        try:
            return await getattr(routes, f"{name}_async")(REQUEST, session, *args)
        finally:
            closed = session.close()
            if closed is not None:
                await closed

    def form(self, *parts: bytes) -> tuple[Any, str]:
        """Return the arguments of an upload."""
        return [body(*parts)] if self.kind == "sync" else as_async([body(*parts)]), CONTENT_TYPE

    async def file(self, number: int = 1, name: str = "file") -> FileObject | None:
        """Return what a row holds."""
        return await self.database.run(lambda session: getattr(session.get(Document, number), name))


@pytest.fixture(autouse=True)
def storage() -> StorageBackend:
    """A storage in memory, and what signs URLs and tickets."""
    storages.sign_urls(base_url="https://app.example.com/files", secret="what only the application knows")
    return storages.register_backend("memory://", key=STORAGE)


@pytest.fixture(params=["sync", "async", "in a thread"])
async def world(request: pytest.FixtureRequest, tmp_path: Any) -> Any:
    """A database with three rows: with a file, forbidden, and without one."""
    driver = "aiosqlite" if request.param == "async" else "pysqlite"
    database = Database(f"sqlite+{driver}:///{tmp_path}/routes.db", is_async=request.param == "async")
    await database.create(Base)

    def insert(session: Session) -> None:
        for number in (1, 2, 3):
            always = FileObject(filename="always.txt", content=b"always")
            session.add(Document(id=number, always=always))
        session.get(Document, 1).file = FileObject(filename="a.txt", content=b"one")
        session.get(Document, 1).late = FileObject(filename="late.txt", content=b"late")
        session.get(Document, 2).file = FileObject(filename="a.txt", content=b"two")
        session.commit()

    await database.run(insert)
    yield World(request.param, database)
    await database.dispose()


def names(storage: StorageBackend) -> list[str]:
    """Return the names in a storage, without those of `always`."""
    found = [info.key.rpartition("-")[2] for info in storage.list()]
    return sorted(name for name in found if name != "always.txt")


async def test_download(world: World) -> None:
    """The file of the row; who asks, what for, and the row itself are told."""
    assert (await world("download", ["1"])).get_content() == b"one"
    assert world.asked == [(REQUEST, "download", 1)]


async def test_a_deferred_column(world: World) -> None:
    """It is loaded where that is possible."""
    assert (await world("download", ["1"], column=Document.late)).get_content() == b"late"


async def test_url(world: World) -> None:
    """A URL of the file, and for how long."""
    answer = await world("url", ["1"])
    assert answer["url"].startswith("https://app.example.com/files/")
    assert answer["expires_in"] == 900


async def test_upload(world: World, storage: StorageBackend) -> None:
    """The new file is in the row, the old one is gone."""
    sent = world.form(part("comment", b"c"), part("file", b"new", "b.txt", "text/plain"))
    file = await world("upload", ["1"], *sent)
    assert (file.filename, file.size) == ("b.txt", 3)
    assert (await world.file()).get_content() == b"new"
    assert names(storage) == ["a.txt", "b.txt", "late.txt"]  # a.txt is that of the second row


async def test_upload_of_a_file_that_is_refused(world: World, storage: StorageBackend) -> None:
    """The old one stays."""
    with pytest.raises(FileRejectedError):
        await world("upload", ["1"], *world.form(part("file", b"x" * 1001, "b.txt")))
    assert (await world.file()).get_content() == b"one"
    assert names(storage) == ["a.txt", "a.txt", "late.txt"]


async def test_upload_without_a_file(world: World) -> None:
    """The form must have one."""
    with pytest.raises(InvalidFormError, match="no file in its field 'file'"):
        await world("upload", ["1"], *world.form(part("other", b"new")))


async def test_upload_into_a_row_that_goes_meanwhile(world: World, storage: StorageBackend) -> None:
    """It is then as if it had never been there."""

    def delete(session: Session) -> None:
        session.delete(session.get(Document, 1))
        session.commit()

    async def chunks() -> Any:
        yield part("file", b"new", "b.txt")
        await world.database.run(delete)
        yield body()

    def sync_chunks() -> Any:
        yield part("file", b"new", "b.txt")
        with Session(world.database.engine) as session:
            delete(session)
        yield body()

    with pytest.raises(NotFoundError):
        await world("upload", ["1"], sync_chunks() if world.kind == "sync" else chunks(), CONTENT_TYPE)
    assert names(storage) == ["a.txt"]


async def test_no_connection_is_held(tmp_path: Any, storage: StorageBackend) -> None:
    """While a slow client sends or gets a file, others can use the database, even if the pool has one connection."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/one.db", pool_size=1, max_overflow=0, pool_timeout=5)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    routes = FileRoutes(Document.file, authorize=lambda *_: True)
    async with AsyncSession(engine) as session, AsyncSession(engine) as other:
        session.add(Document(id=1, always=FileObject(filename="always.txt", content=b"always")))
        await session.commit()

        async def look() -> None:
            assert await other.get(Document, 1) is not None
            await other.rollback()

        async def chunks() -> Any:
            yield part("file", b"new", "b.txt")
            await look()
            yield body()

        await routes.upload_async(REQUEST, session, ["1"], chunks(), CONTENT_TYPE)
        file = await routes.download_async(REQUEST, session, ["1"])
        await look()
        assert await file.get_content_async() == b"new"
    await engine.dispose()


async def test_delete(world: World, storage: StorageBackend) -> None:
    """The row lets go of it, and it goes."""
    await world("delete", ["1"])
    assert await world.file() is None
    assert names(storage) == ["a.txt", "late.txt"]


def test_what_must_be_there_cannot_be_deleted() -> None:
    """A column that is not nullable has no such route."""
    assert "delete" in FileRoutes(Document.file, authorize=print).actions
    assert "delete" not in FileRoutes(Document.always, authorize=print).actions


ASKED = TicketRequest("c.txt", 5, "text/plain")


async def test_ticket_and_claim(world: World, storage: StorageBackend) -> None:
    """What was uploaded with a ticket gets into the row that it was for, once, and into no other."""
    ticket = await world("ticket", ["1"], ASKED)
    grant = storages.signed_urls.read(ticket["url"].split("/")[-2], "PUT")
    storage.put(grant.key, b"hello", content_type="text/plain", if_absent=True)
    with pytest.raises(InvalidTokenError):
        await world("claim", ["3"], ticket["token"])
    assert (await world("claim", ["1"], ticket["token"])).size == 5
    assert (await world.file()).get_content() == b"hello"
    with pytest.raises(InvalidTokenError):
        await world("claim", ["1"], ticket["token"])
    assert (await world.file()).get_content() == b"hello"


async def test_a_ticket_for_what_is_too_large(world: World) -> None:
    """The column's rules hold before the upload."""
    with pytest.raises(FileRejectedError):
        await world("ticket", ["1"], TicketRequest("c.txt", 1001, "text/plain"))


CALLS: dict[str, tuple[Any, ...]] = {
    "download": (),
    "url": (),
    "upload": ([], CONTENT_TYPE),
    "delete": (),
    "ticket": (ASKED,),
    "claim": ("token",),
}
KEYS = ["2", "4", "99999999999999999999", "x", "", "01", "+1", "1.0", "-0", "1 ", "１", "1\x00"]


@pytest.mark.parametrize("name", CALLS)
async def test_s30_what_is_forbidden_is_not_there(world: World, name: str) -> None:
    """An unknown row, one that is forbidden, one that cannot be: the same error, text and all."""
    said = set()
    for key in KEYS:
        with pytest.raises(NotFoundError) as caught:
            await world(name, [key], *CALLS[name])
        said.add((type(caught.value), str(caught.value), problem(caught.value).status, str(problem(caught.value).body)))
    assert len(said) == 1
    assert [number for _, _, number in world.asked] == [2]
    assert (await world.file(2)).get_content() == b"two"


@pytest.mark.parametrize("name", ["download", "url", "delete"])
async def test_s30_a_row_without_a_file(world: World, name: str) -> None:
    """As if it were not there."""
    with pytest.raises(NotFoundError) as without:
        await world(name, ["3"])
    with pytest.raises(NotFoundError) as forbidden:
        await world(name, ["2"])
    assert str(without.value) == str(forbidden.value)


@pytest.mark.parametrize("answer", [False, None, 0, ""])
async def test_s30_only_a_yes_is_a_yes(world: World, answer: object) -> None:
    """A function that forgets to return forbids."""
    with pytest.raises(NotFoundError):
        await world("download", ["1"], authorize=lambda *_: answer)


async def test_s30_an_async_authorize(world: World) -> None:
    """It is awaited; where that cannot be, it is an error and never a yes."""

    async def authorize(request: Any, action: str, row: Any) -> bool:
        await asyncio.sleep(0)
        return row.title != ""

    with pytest.raises(ConfigurationError if world.kind == "sync" else NotFoundError):
        await world("download", ["1"], authorize=authorize)


async def test_an_authorize_that_looks_closer(world: World) -> None:
    """One that is not async may use what the row loads late: related rows, deferred columns."""
    seen = await world("download", ["1"], authorize=lambda request, action, row: row.late.filename == "late.txt")
    assert seen.get_content() == b"one"


def test_s30_authorize_is_required() -> None:
    """There are no routes without it."""
    with pytest.raises(TypeError):
        FileRoutes(Document.file)
    with pytest.raises(ConfigurationError):
        FileRoutes(Document.file, authorize=None)


@pytest.mark.parametrize("column", [Document.id, Document.pages, Document.__table__.c.file, Document, "file"])
def test_what_routes_are_not_for(column: Any) -> None:
    """A column of one file is needed."""
    with pytest.raises(ConfigurationError, match="of one file"):
        FileRoutes(column, authorize=print)


def test_a_key_that_paths_do_not_hold() -> None:
    """It is said when the routes are made."""
    with pytest.raises(ConfigurationError, match="int, str or UUID"):
        FileRoutes(Reading.file, authorize=print)


UUID = "0f9d6b3e-5d0a-4b43-9d29-3b9d0d6a4c11"


def test_a_key_of_several_columns() -> None:
    """Each has its place in the path, under the attribute's name."""
    routes = FileRoutes(Page.file, authorize=print)
    assert routes.path == "{book}/{name}/{number}/{small}"
    keys = RowKeys(Page.__mapper__)
    assert keys.read([UUID.upper(), "a/b", "7", "-1"], "postgresql") == (uuid.UUID(UUID), "a/b", 7, -1)
    for wrong in (
        [UUID.replace("-", ""), "a", "7", "1"],
        [f"{{{UUID}}}", "a", "7", "1"],
        [UUID, "", "7", "1"],
        [UUID, "a\x00", "7", "1"],
        [UUID, "\ud800", "7", "1"],
        [UUID, "a" * 501, "7", "1"],
        [UUID, "a", str(2**63), "1"],
        [UUID, "a", "7", "32768"],
        [UUID, "a", "7"],
    ):
        assert keys.read(wrong, "postgresql") is None


@pytest.mark.parametrize(("dialect", "bits"), [("postgresql", 31), ("mysql", 31), ("sqlite", 63)])
def test_numbers_that_a_column_cannot_hold(dialect: str, bits: int) -> None:
    """They are not asked for, as some databases would refuse the question."""
    keys = RowKeys(Document.__mapper__)
    assert keys.read([str(2**bits - 1)], dialect) == (2**bits - 1,)
    assert keys.read([str(2**bits)], dialect) is None
    assert keys.read([str(-(2**bits))], dialect) == (-(2**bits),)


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
async def test_s30_postgresql_answers_alike(driver: str, request: pytest.FixtureRequest) -> None:
    """What a database would refuse to look up is not there either."""
    database = Database(request.getfixturevalue("postgres").url(driver), is_async=driver == "asyncpg")
    await database.create(Base)
    world = World("async" if database.is_async else "sync", database)
    for key in KEYS:
        with pytest.raises(NotFoundError, match="there is no such file"):
            await world("download", [key])
    for key in ([UUID, "a\x00", "1", "1"], [UUID, "\udcff", "1", "1"], [UUID, "a", str(2**64), "1"]):
        with pytest.raises(NotFoundError, match="there is no such file"):
            await world("download", key, column=Page.file)
    await database.dispose()


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (None, "filename"),
        ([], "filename"),
        ({"size": 1}, "filename"),
        ({"size": 1, "filename": "a", "content_type": 1}, "content_type"),
        ({"size": -1, "filename": "a", "content_type": "a/b"}, "size"),
        ({"size": True, "filename": "a", "content_type": "a/b"}, "size"),
        ({"size": 1.0, "filename": "a", "content_type": "a/b"}, "size"),
        ({"size": 1, "filename": "a", "content_type": "a/b", "checksum": 1}, "checksum"),
    ],
)
def test_json_that_asks_for_no_ticket(value: object, field: str) -> None:
    """The error names what is wrong."""
    with pytest.raises(InvalidFormError, match=field):
        TicketRequest.read(value)


def test_json_that_asks_for_a_ticket() -> None:
    """Other fields do not matter."""
    value = {"size": 1, "filename": "a", "content_type": "a/b", "key": "secret"}
    assert TicketRequest.read(value) == TicketRequest("a", 1, "a/b")


def rejected(code: str) -> FileRejectedError:
    """Return an error."""
    return FileRejectedError("text", code=code, field="file", filename="a.txt", limit=1, found=2)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (rejected("too_large"), 413),
        (rejected("type_not_accepted"), 415),
        (rejected("type_mismatch"), 415),
        (rejected("wrong_size"), 422),
        (rejected("wrong_checksum"), 422),
        (rejected("invalid"), 422),
        (InvalidFormError("text"), 400),
        (InvalidFormError("text", code="too_large"), 413),
        (InvalidFormError("text", code="not_a_form"), 415),
        (InvalidTokenError("text"), 403),
        (NotFoundError("text"), 404),
        (UnavailableError("text"), 503),
    ],
)
def test_problems(error: Exception, status: int) -> None:
    """Each kind has a status and a code; what concerns the storage is not said."""
    found = problem(error)
    assert isinstance(error, PROBLEMS)
    assert found.status == status
    assert {"code", "message"} <= found.body.keys()
    if status in {404, 503}:
        assert found.body["message"] != "text"
    if isinstance(error, FileRejectedError):
        assert found.body == error.to_dict()
