"""What MariaDB does otherwise: JSON is text, snapshots are old, DDL commits, a deadlock rolls everything back."""

import threading
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, func, insert, null, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StorageBackend, StoredObject
from holdfast.errors import NotFoundError
from tests.orm.conftest import Database, contents, stored
from tests.orm.documents import file

EMOJI = "\N{GRINNING FACE} ä"


class Base(DeclarativeBase):
    pass


class Album(Base):
    __tablename__ = "album"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))
    pages: Mapped[list[FileObject] | None] = mapped_column(StoredObject(backend="docs", multiple=True))


@pytest.fixture(params=["mariadb+pymysql", "mysql+pymysql", "mariadb+asyncmy", "mysql+asyncmy"])
async def database(request: pytest.FixtureRequest, mariadb: Any) -> Any:
    """A database, by each driver and either name of the dialect."""
    dialect, driver = request.param.split("+")
    made = Database(mariadb.url(driver, dialect), is_async=driver == "asyncmy")
    await made.create(Base)
    yield made
    await made.dispose()


@pytest.fixture
def engine(mariadb: Any, docs: StorageBackend) -> Any:
    """A database with one album."""
    made = create_engine(mariadb.url("pymysql"))
    Base.metadata.create_all(made)
    with Session(made) as session:
        session.add(Album(id=1, file=file(b"old"), pages=[file(b"p1"), file(b"p2")]))
        session.commit()
    yield made
    made.dispose()


def held(engine: Engine) -> list[bytes]:
    """Return the bytes of all files that rows hold, sorted."""
    with Session(engine) as session:
        albums = session.scalars(select(Album)).all()
        return sorted(each.get_content() for album in albums for each in [album.file, *(album.pages or [])] if each)


@pytest.mark.usefixtures("docs")
async def test_unset_is_sql_null(database: Database) -> None:
    """Never set, set None and set to NULL are all SQL NULL; an empty list is not."""

    def work(session: Session) -> None:
        session.add_all([Album(id=1), Album(id=2, file=None, pages=None), Album(id=3, file=null(), pages=[])])
        session.flush()
        session.execute(insert(Album), [{"id": 4, "file": None, "pages": None}])
        ids = select(Album.id).order_by(Album.id)
        assert session.scalars(ids.where(Album.file.is_(None))).all() == [1, 2, 3, 4]
        assert session.scalars(ids.where(Album.pages.is_(None))).all() == [1, 2, 4]
        assert session.get_one(Album, 3).pages == []

    await database.run(work)


@pytest.mark.usefixtures("docs")
async def test_queries_into_the_json(database: Database) -> None:
    """A column's fields are compared and selected as JSON, whatever the script."""

    def work(session: Session) -> None:
        session.add(Album(id=1, file=file(b"12345", filename=EMOJI, metadata={"a": {"b": EMOJI}}), pages=[file(b"1")]))
        session.add(Album(id=2, file=file(b"1", content_type="x/y")))
        session.commit()

        def ids(where: Any) -> list[int]:
            return list(session.scalars(select(Album.id).where(where).order_by(Album.id)))

        one = session.get_one(Album, 1)
        assert one.file.filename == EMOJI
        assert ids(Album.file == one.file) == [1]
        assert ids(Album.file["size"].as_integer() > 3) == [1]
        assert ids(Album.file["content_type"].as_string() == "x/y") == [2]
        assert ids(Album.file["metadata"]["a"]["b"].as_string() == EMOJI) == [1]
        assert ids(Album.pages[0]["size"].as_integer() == 1) == [1]
        assert session.scalar(select(Album.file["metadata"]).where(Album.id == 1)) == {"a": {"b": EMOJI}}
        assert session.scalar(select(func.sum(Album.file["size"].as_integer()))) == 6

    await database.run(work)


def test_what_another_session_committed_is_seen(engine: Engine, docs: StorageBackend) -> None:
    """The look at a row before its file goes is a current read, however old the transaction's snapshot is."""
    with Session(engine) as late, Session(engine) as early:
        album = late.get_one(Album, 1)
        early.get_one(Album, 1).file = file(b"early")
        early.commit()
        album.file = file(b"late")
        late.commit()
    assert stored(docs) == held(engine) == [b"late", b"p1", b"p2"]


def test_a_page_that_another_session_removed_stays_away(engine: Engine, docs: StorageBackend) -> None:
    """A list that was loaded before does not bring it back."""
    with Session(engine) as late, Session(engine) as early:
        late.get_one(Album, 1).pages.append(file(b"p3"))
        del early.get_one(Album, 1).pages[0]
        early.commit()
        with pytest.raises(NotFoundError):
            late.commit()
        late.rollback()
    assert stored(docs) == held(engine) == [b"old", b"p2"]


def test_ddl_that_commits_loses_nothing(engine: Engine, docs: StorageBackend) -> None:
    """CREATE TABLE ends the transaction, and the session's rollback comes too late."""
    with Session(engine) as session:
        session.get_one(Album, 1).file = file(b"new")
        session.flush()
        session.execute(text("CREATE TABLE other (x INT)"))
        session.rollback()
    assert held(engine) == [b"new", b"p1", b"p2"]
    assert set(held(engine)) <= set(contents(docs).values())


def test_a_table_without_transactions_loses_nothing(engine: Engine) -> None:
    """What MyISAM was told is there, whatever the session thinks."""
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE album ENGINE = MyISAM")
    with Session(engine) as session:
        session.get_one(Album, 1).file = file(b"new")
        session.flush()
        session.rollback()
    assert held(engine) == [b"new", b"p1", b"p2"]


def test_a_swallowed_deadlock_loses_nothing(engine: Engine) -> None:
    """The victim's whole transaction is gone, and its COMMIT succeeds: the rows hold what they held before."""
    with Session(engine) as session:
        session.add(Album(id=2, file=file(b"two")))
        session.commit()
    touch = "UPDATE album SET id = id WHERE id = "
    with Session(engine) as one, Session(engine) as two:
        # The one that changed less is the victim.
        one.get_one(Album, 1).file = file(b"one's")
        one.flush()
        two.execute(text("INSERT INTO album (id) VALUES (3), (4), (5), (6), (7), (8), (9)"))
        two.get_one(Album, 2).file = file(b"two's")
        two.flush()
        other = threading.Thread(target=lambda: two.execute(text(f"{touch} 1")))
        waiting = text("SELECT count(*) FROM information_schema.innodb_lock_waits")
        other.start()
        with engine.connect() as connection:
            while not connection.scalar(waiting):
                connection.rollback()
        with pytest.raises(OperationalError, match="Deadlock"):
            one.execute(text(f"{touch} 2"))
        other.join()
        one.commit()
        two.commit()
    assert held(engine) == [b"old", b"p1", b"p2", b"two's"]
