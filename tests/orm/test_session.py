"""A plain session, of either kind, without any set-up: store, replace, remove, roll back, read back."""

from itertools import product

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from holdfast import FileObject, storages
from tests.orm.conftest import Database, stored
from tests.orm.documents import Base, Document, file

pytestmark = pytest.mark.usefixtures("docs", "archive", "quiet")


@pytest.fixture
async def db(database: Database) -> Database:
    """A database with the table of documents."""
    return await database.create(Base)


async def test_b48_b49_b50_stored_with_the_commit(db: Database, docs) -> None:
    """After commit the bytes are there, and the row has size, etag, checksum and time."""

    def write(session: Session) -> None:
        session.add(Document(id=1, file=file(b"hello")))
        session.commit()
        assert stored(docs) == [b"hello"]

    def read(session: Session) -> None:
        found = session.get(Document, 1).file
        info = docs.stat(found.path)
        assert (found.size, found.etag, found.checksum[:7], found.backend) == (5, info.etag, "sha256:", "docs")
        assert found.last_modified == pytest.approx(info.last_modified, abs=2)
        assert found.get_content() == b"hello"
        found.verify()

    await db.run(write)
    await db.run(read)


async def test_b49_the_bytes_are_there_before_the_row(db: Database, docs) -> None:
    """A flush uploads first: what another connection could see has its bytes."""

    def work(session: Session) -> None:
        document = Document(file=file(b"hello"))
        session.add(document)
        assert document.file.path is None
        session.flush()
        assert document.file.is_stored
        assert stored(docs) == [b"hello"]

    await db.run(work)
    assert stored(docs) == []  # left without a commit


async def test_async_sessionmaker_as_documented(tmp_path, docs) -> None:
    """After `await commit()` both are done, with nothing but async_sessionmaker."""
    db = await Database(f"sqlite+aiosqlite:///{tmp_path}/test.db", is_async=True).create(Base)
    maker = async_sessionmaker(db.engine)
    async with maker() as session:
        session.add(Document(id=1, file=file(b"hello")))
        await session.commit()
    assert stored(docs) == [b"hello"]
    async with maker() as session:
        document = await session.get(Document, 1)
        assert await document.file.get_content_async() == b"hello"
        document.file = file(b"other")
        await session.commit()
    assert stored(docs) == [b"other"]
    async with maker.begin() as session:
        await session.delete(await session.get(Document, 1))
    assert stored(docs) == []
    async with async_scoped_session(maker, scopefunc=lambda: 1)() as session:
        session.add(Document(file=file(b"scoped")))
        await session.rollback()
    assert stored(docs) == []
    await db.dispose()


@pytest.mark.parametrize("scoped", [False, True])
def test_sessionmaker_and_scoped_session(tmp_path, docs, scoped: bool) -> None:
    """Whatever makes the session, it is one; so is a subclass."""
    from sqlalchemy import create_engine

    class OwnSession(Session):
        pass

    engine = create_engine(f"sqlite:///{tmp_path}/test.db")
    Base.metadata.create_all(engine)
    maker = sessionmaker(engine, class_=OwnSession)
    session = scoped_session(maker) if scoped else maker()
    session.add(Document(file=file(b"hello")))
    session.commit()
    session.add(Document(file=file(b"not this")))
    session.rollback()
    session.close()
    engine.dispose()
    assert stored(docs) == [b"hello"]


async def prepared(db: Database, **fields: object) -> None:
    def work(session: Session) -> None:
        session.add(Document(**{"id": 1, "file": file(b"old")} | fields))
        session.commit()

    await db.run(work)


EDITS = {
    "replaced": (lambda session, row: setattr(row, "file", file(b"new")), [b"new"]),
    "replaced twice": (
        lambda session, row: (setattr(row, "file", file(b"lost")), setattr(row, "file", file(b"new"))),
        [b"new"],
    ),
    "replaced over two flushes": (
        lambda session, row: (setattr(row, "file", file(b"lost")), session.flush(), setattr(row, "file", file(b"new"))),
        [b"new"],
    ),
    "set None": (lambda session, row: setattr(row, "file", None), []),
    "deleted row": (lambda session, row: session.delete(row), []),
    "saved by hand": (lambda session, row: row.file.save(b"new"), [b"new"]),
    "touched only": (lambda session, row: setattr(row, "title", "new"), [b"old"]),
    "set to itself": (lambda session, row: setattr(row, "file", row.file), [b"old"]),
}
BEFORE = {
    "loaded": lambda session, row: row.file,
    "unloaded": lambda session, row: None,
    "expired": lambda session, row: session.expire(row),
    "refreshed": lambda session, row: session.refresh(row),
    "populated anew": lambda session, row: session.execute(
        select(Document).execution_options(populate_existing=True)
    ).all(),
}


@pytest.mark.parametrize(
    ("before", "edit", "end"),
    [
        *product(["loaded", "expired"], EDITS, ["commit", "rollback", "savepoint"]),
        *product(["unloaded", "refreshed", "populated anew"], ["replaced", "deleted row"], ["commit", "close"]),
    ],
)
async def test_b51_b53_what_a_transaction_leaves(db: Database, docs, before: str, edit: str, end: str) -> None:
    """Committed, only the new file is there; rolled back in whole or to a savepoint, only the old one."""
    await prepared(db)
    change, expected = EDITS[edit]

    def work(session: Session) -> None:
        row = session.get(Document, 1)
        BEFORE[before](session, row)
        if end == "savepoint":
            savepoint = session.begin_nested()
            change(session, row)
            session.flush()
            savepoint.rollback()
            session.commit()
            return
        change(session, row)
        if end != "commit":
            session.flush()
        getattr(session, end)()

    await db.run(work)
    assert stored(docs) == (expected if end == "commit" else [b"old"])

    def check(session: Session) -> list[bytes]:
        return [row.file.get_content() for row in session.scalars(select(Document)) if row.file]

    assert await db.run(check) == stored(docs)


async def test_b52_a_failing_upload(db: Database, docs) -> None:
    """The flush raises, nothing is committed or stored, and after rollback the session works."""

    def content():
        yield b"half"
        raise ZeroDivisionError

    def work(session: Session) -> None:
        session.add_all([Document(file=file(b"good")), Document(file=file(content()))])
        with pytest.raises(ZeroDivisionError):
            session.commit()
        session.rollback()
        assert session.scalars(select(Document)).all() == []
        session.add(Document(id=7, file=file(b"after")))
        session.commit()

    await db.run(work)
    assert stored(docs) == [b"after"]


async def test_an_unknown_storage(db: Database, docs) -> None:
    """Nothing is stored, anywhere, when one of the storages is not registered."""

    def work(session: Session) -> None:
        session.add_all([Document(file=file()), Document(file=file(backend="nope"))])
        with pytest.raises(LookupError, match="'docs'"):
            session.flush()
        session.rollback()

    await db.run(work)
    assert stored(docs) == []


async def test_after_rollback_a_file_can_be_stored_again(db: Database, docs) -> None:
    """It is pending again, and its object of the first try is gone."""

    def work(session: Session) -> None:
        document = Document(file=file(b"hello"))
        session.add(document)
        session.flush()
        path = document.file.path
        session.rollback()
        assert document.file.has_pending_data
        assert stored(docs) == []
        session.add(document)
        session.commit()
        assert document.file.path != path

    await db.run(work)
    assert stored(docs) == [b"hello"]


@pytest.mark.parametrize("expire", [True, False])
async def test_expire_on_commit(db: Database, docs, expire: bool) -> None:
    """Several transactions of one session, with and without expiry."""

    def work(session: Session) -> None:
        document = Document(id=1, file=file(b"1"))
        session.add(document)
        for number in range(2, 5):
            session.commit()
            document.file = file(str(number).encode())
            session.flush()
            session.rollback()
            assert document.file.get_content() == str(number - 1).encode()
            document.file = file(str(number).encode())
        session.commit()
        session.delete(document)
        session.commit()

    await db.run(work, expire_on_commit=expire)
    assert stored(docs) == []


async def test_b4_late_registration(db: Database, docs) -> None:
    """Models are imported, rows made, before the storage is registered; registering anew switches them."""
    storages.unregister("docs")
    document = Document(id=1, file=file(b"hello"))
    late = storages.register_backend("memory://", key="docs")

    def work(session: Session) -> bytes:
        session.add(document)
        session.commit()
        assert stored(late) == [b"hello"]
        other = storages.register_backend("memory://", key="docs")
        other.put(document.file.path, b"switched")
        return session.get(Document, 1).file.get_content()

    assert await db.run(work) == b"switched"


async def test_to_filename_is_never_overwritten(db: Database, docs) -> None:
    """The unit of work refuses a key that is taken, and leaves what lies there alone."""
    docs.put("own/name.txt", b"somebody's")

    def work(session: Session) -> None:
        session.add(Document(file=file(b"mine", to_filename="own/name.txt")))
        with pytest.raises(FileExistsError, match="own/name.txt"):
            session.flush()
        session.rollback()

    await db.run(work)
    assert stored(docs) == [b"somebody's"]


def test_a_file_of_its_own(docs) -> None:
    """A file saved by hand is the caller's; no session ever deletes it."""
    FileObject(backend="docs", filename="a", content=b"mine").save()
    assert stored(docs) == [b"mine"]
