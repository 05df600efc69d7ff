"""Shapes of models: inheritance, composite keys, cascades, versions, several engines."""

from typing import Any

import pytest
from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    mapped_column,
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
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "item"}  # noqa: RUF012


class Photo(Item):
    raw: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))
    __mapper_args__ = {"polymorphic_identity": "photo"}  # noqa: RUF012


class Asset(Base):
    """Joined inheritance, with a file column in each table, and another name for the child's key."""

    __tablename__ = "asset"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    preview: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "asset"}  # noqa: RUF012


class Video(Asset):
    __tablename__ = "video"
    video_id: Mapped[int] = mapped_column(ForeignKey("asset.id"), primary_key=True)
    stream: Mapped[FileObject | None] = mapped_column("stream_json", StoredObject(backend="docs"))
    __mapper_args__ = {"polymorphic_identity": "video"}  # noqa: RUF012


class Page(Base):
    """A composite primary key, an attribute with another name than its column, and a version."""

    __tablename__ = "page"
    book: Mapped[str] = mapped_column("book_id", primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    scan: Mapped[FileObject | None] = mapped_column("scan_json", StoredObject(backend="docs"))
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


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
