"""Rows that go with others, rows that somebody else changed, and rows of several engines."""

import pytest
from sqlalchemy import ForeignKey, create_engine, delete
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, Session, mapped_column, relationship
from sqlalchemy.orm.exc import StaleDataError

from holdfast import FileObject, StoredObject
from tests.orm.conftest import Database, stored
from tests.orm.documents import file

pytestmark = pytest.mark.usefixtures("docs", "quiet")


class Base(DeclarativeBase):
    pass


@pytest.fixture
async def db(database: Database) -> Database:
    """A database with all the tables."""
    return await database.create(Base)


class Folder(Base):
    __tablename__ = "folder"
    id: Mapped[int] = mapped_column(primary_key=True)
    leaves: Mapped[list["Leaf"]] = relationship(cascade="all, delete-orphan")


class Leaf(Base):
    __tablename__ = "leaf"
    id: Mapped[int] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = mapped_column(ForeignKey("folder.id"))
    scan: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))


class Other(DeclarativeBase):
    pass


class Elsewhere(MappedAsDataclass, Other):
    """A dataclass, kept in another database."""

    __tablename__ = "elsewhere"
    id: Mapped[int] = mapped_column(primary_key=True)
    scan: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"), default=None)


CASCADES = {
    "deleted folder": (lambda session, folder: session.delete(folder), []),
    "orphan": (lambda session, folder: folder.leaves.pop(0), [b"2"]),
    "all orphans": (lambda session, folder: folder.leaves.clear(), []),
    "replaced": (lambda session, folder: setattr(folder, "leaves", [Leaf(scan=file(b"new"))]), [b"new"]),
}


@pytest.mark.parametrize("end", ["commit", "rollback"])
@pytest.mark.parametrize("loaded", [True, False])
@pytest.mark.parametrize("cascade", CASCADES)
async def test_cascades(db: Database, docs, cascade: str, loaded: bool, end: str) -> None:
    """Rows that go with their parent, or because they lost it, take their files along."""
    change, expected = CASCADES[cascade]

    def work(session: Session) -> None:
        session.add(Folder(id=1, leaves=[Leaf(scan=file(b"1")), Leaf(scan=file(b"2"))]))
        session.commit()
        session.expunge_all()
        folder = session.get(Folder, 1)
        assert not loaded or len(folder.leaves) == 2
        change(session, folder)
        session.flush()
        getattr(session, end)()

    await db.run(work)
    assert stored(docs) == (expected if end == "commit" else [b"1", b"2"])


async def test_a_row_that_another_transaction_deleted(db: Database, docs) -> None:
    """The replacement finds no row; its upload does not stay."""

    def work(session: Session) -> None:
        session.add(Leaf(id=1, folder_id=1, scan=file(b"old")))
        session.commit()
        row = session.get(Leaf, 1)
        assert row.scan.size == 3
        session.execute(delete(Leaf.__table__))
        row.scan = file(b"new")
        with pytest.raises(StaleDataError):
            session.flush()
        session.rollback()

    await db.run(work)
    assert stored(docs) == [b"old"]


def test_several_engines_in_one_session(tmp_path, docs) -> None:
    """Each row is asked for on its own engine; all of them follow the one session."""
    engines = [create_engine(f"sqlite:///{tmp_path}/{name}.db") for name in ("one", "two")]
    Base.metadata.create_all(engines[0])
    Other.metadata.create_all(engines[1])
    with Session(binds={Base: engines[0], Other: engines[1]}) as session:
        session.add_all([Leaf(id=1, folder_id=1, scan=file(b"1")), Elsewhere(id=1, scan=file(b"2"))])
        session.commit()
        assert stored(docs) == [b"1", b"2"]
        leaf, elsewhere = session.get(Leaf, 1), session.get(Elsewhere, 1)
        leaf.scan, elsewhere.scan = file(b"x"), file(b"y")
        session.flush()
        session.rollback()
        assert stored(docs) == [b"1", b"2"]
        session.expire(elsewhere)
        elsewhere.scan = leaf.scan
        leaf.scan = None
        session.commit()
        assert elsewhere.scan.get_content() == b"1"
        assert stored(docs) == [b"1"]
        session.delete(elsewhere)
        session.commit()
    for engine in engines:
        engine.dispose()
    assert stored(docs) == []
