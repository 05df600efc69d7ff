"""A plain session, of either kind, without any set-up: store, replace, remove, roll back, read back."""

import pytest
from sqlalchemy.ext.asyncio import async_scoped_session, async_sessionmaker
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
        with pytest.raises(FileExistsError, match=r"own/name\.txt"):
            session.flush()
        session.rollback()

    await db.run(work)
    assert stored(docs) == [b"somebody's"]


def test_a_file_of_its_own(docs) -> None:
    """A file saved by hand is the caller's; no session ever deletes it."""
    FileObject(backend="docs", filename="a", content=b"mine").save()
    assert stored(docs) == [b"mine"]
