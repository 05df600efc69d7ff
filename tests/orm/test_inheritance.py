"""Shapes of models: inheritance, composite keys, cascades, versions, several engines."""

from typing import Any

import pytest
from sqlalchemy import ForeignKey, create_engine, delete, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    Session,
    mapped_column,
    relationship,
)
from sqlalchemy.orm.exc import StaleDataError

from holdfast import FileObject, StoredObject
from tests.orm.conftest import Database, stored
from tests.orm.documents import file

pytestmark = pytest.mark.usefixtures("docs", "quiet")


class Base(DeclarativeBase):
    pass


class FileMixin:
    attached: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))


class Item(FileMixin, Base):
    """Single-table inheritance, with a file column in the base and one in a child."""

    __tablename__ = "item"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "item"}


class Photo(Item):
    raw: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))
    __mapper_args__ = {"polymorphic_identity": "photo"}


class Asset(Base):
    """Joined inheritance, with a file column in each table, and another name for the child's key."""

    __tablename__ = "asset"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    preview: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "asset"}


class Video(Asset):
    __tablename__ = "video"
    video_id: Mapped[int] = mapped_column(ForeignKey("asset.id"), primary_key=True)
    stream: Mapped[FileObject | None] = mapped_column("stream_json", StoredObject(backend="docs"))
    __mapper_args__ = {"polymorphic_identity": "video"}


class Page(Base):
    """A composite primary key, an attribute with another name than its column, and a version."""

    __tablename__ = "page"
    book: Mapped[str] = mapped_column("book_id", primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    scan: Mapped[FileObject | None] = mapped_column("scan_json", StoredObject(backend="docs"))
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


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


@pytest.fixture
async def db(database: Database) -> Database:
    """A database with all the tables."""
    return await database.create(Base)


SHAPES = {
    "single table, base": (Item, {"id": 1}, 1, ("attached",)),
    "single table, child": (Photo, {"id": 1}, 1, ("attached", "raw")),
    "joined, base": (Asset, {"id": 1}, 1, ("preview",)),
    "joined, child": (Video, {"id": 1}, 1, ("preview", "stream")),
    "composite key": (Page, {"book": "b", "number": 2}, ("b", 2), ("scan",)),
}


@pytest.mark.parametrize("how", ["loaded", "expired", "polymorphic"])
@pytest.mark.parametrize("shape", SHAPES)
async def test_every_shape(db: Database, docs, shape: str, how: str) -> None:
    """Each file column of each shape is stored, replaced, restored and removed."""
    model, key, identity, columns = SHAPES[shape]
    root = model if how != "polymorphic" else model.__mapper__.base_mapper.class_

    def fill(row: Any, text: str) -> Any:
        for column in columns:
            setattr(row, column, file(f"{text} {column}".encode()))
        return row

    def contents(text: str) -> list[bytes]:
        return sorted(f"{text} {column}".encode() for column in columns)

    def work(session: Session) -> None:
        session.add(fill(model(**key), "old"))
        session.commit()
        row = session.get(root, identity)
        for end, expected in (("rollback", "old"), ("commit", "new")):
            if how == "expired":
                session.expire(row)
            fill(row, "new")
            session.flush()
            getattr(session, end)()
            assert stored(docs) == contents(expected)
            assert sorted(getattr(row, column).get_content() for column in columns) == contents(expected)
        getattr(row, columns[-1]).update_metadata({"a": 1})
        session.commit()
        assert getattr(row, columns[-1]).metadata == {"a": 1}
        if how == "expired":
            session.expire(row)
        session.delete(row)
        session.flush()
        session.rollback()
        assert stored(docs) == contents("new")
        session.delete(row)
        session.commit()

    await db.run(work)
    assert stored(docs) == []


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


async def test_a_version_that_is_stale(db: Database, docs) -> None:
    """The flush that loses the race leaves nothing of what it uploaded."""

    def work(session: Session) -> None:
        session.add(Page(book="b", number=1, scan=file(b"old")))
        session.commit()
        row = session.get(Page, ("b", 1))
        assert (row.version, row.scan.size) == (1, 3)
        row.scan.update_metadata({"a": 1})
        session.commit()
        assert row.version == 2
        with session.no_autoflush:
            row.scan = file(b"new")
            session.connection().exec_driver_sql("UPDATE page SET version = 7")
            with pytest.raises(StaleDataError):
                session.flush()
        session.rollback()

    await db.run(work)
    assert stored(docs) == [b"old"]


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


async def test_a_query_over_a_hierarchy(db: Database, docs) -> None:
    """Rows of one query, of different classes, each with its own file columns."""

    def work(session: Session) -> None:
        session.add_all([Item(attached=file(b"1")), Photo(attached=file(b"2"), raw=file(b"3"))])
        session.commit()
        for row in session.scalars(select(Item)):
            row.attached = None
        session.commit()

    await db.run(work)
    assert stored(docs) == [b"3"]
