"""Primary keys that the database takes for equal, though Python does not."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, String, create_engine, text, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StorageBackend, StoredObject
from tests.orm.conftest import stored
from tests.orm.documents import file
from tests.servers.mariadb import Database


class Base(DeclarativeBase):
    pass


class Numbered(Base):
    __tablename__ = "numbered"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))


class Named(Base):
    __tablename__ = "named"
    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))


@pytest.fixture
def sqlite() -> Iterator[Engine]:
    """SQLite in memory, with tables."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def server(mariadb: Database) -> Iterator[Engine]:
    """MariaDB, whose texts differ neither by case nor by blanks at their end."""
    engine = create_engine(mariadb.url("pymysql"))
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


def test_a_number_given_as_text(sqlite: Engine, docs: StorageBackend) -> None:
    """A row whose key came from a form lets go of its old file."""
    with Session(sqlite) as session:
        row = Numbered(id="1", file=file(b"old"))
        session.add_all([row, Numbered(id=2, file=file(b"two"))])
        session.commit()
        row.file = file(b"new")
        session.commit()
    assert stored(docs) == [b"new", b"two"]


def test_a_number_given_as_text_that_stays_after_a_rollback(sqlite: Engine, docs: StorageBackend) -> None:
    """A row that was committed past the session keeps its file."""
    with Session(sqlite) as session:
        session.add(Numbered(id="1", file=file(b"durable")))
        session.flush()
        session.execute(text("COMMIT"))
        session.rollback()
    with Session(sqlite) as session:
        assert session.get_one(Numbered, 1).file.get_content() == b"durable"


@pytest.mark.parametrize("other", ["key", "Key  "])
def test_a_name_that_is_written_otherwise(server: Engine, docs: StorageBackend, other: str) -> None:
    """A row lets go of its old file though the database now spells its key another way."""
    with Session(server) as session:
        row = Named(name="Key", file=file(b"old"))
        session.add(row)
        session.commit()
        with Session(server) as elsewhere:
            elsewhere.execute(update(Named).values(name=other))
            elsewhere.commit()
        row.file = file(b"new")
        session.commit()
    assert stored(docs) == [b"new"]
