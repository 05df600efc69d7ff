"""Models of the library: bases, lists, repositories, sessions, and listeners that step aside."""

import logging
from collections.abc import Iterator
from typing import Any, get_origin

import pytest
from advanced_alchemy import _listeners
from advanced_alchemy.base import BigIntBase, create_registry
from advanced_alchemy.config import SQLAlchemyAsyncConfig, SQLAlchemySyncConfig
from advanced_alchemy.repository import SQLAlchemySyncRepository
from advanced_alchemy.types import FileObject, FileObjectList, StoredObject, storages
from advanced_alchemy.types.file_object import FileObjectSessionTracker
from advanced_alchemy.types.mutables import MutableList
from sqlalchemy import MetaData, create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

import holdfast
from holdfast.errors import ConfigurationError
from tests.advanced_alchemy.installed.application_storages import DictBackend


class Paper(BigIntBase):
    """A model of the library, with its types in every form."""

    __tablename__ = "installed_paper"
    metadata = MetaData()
    title: Mapped[str | None]
    file: Mapped[FileObject | None] = mapped_column(StoredObject("mine"))
    pages: Mapped[FileObjectList | None] = mapped_column(StoredObject("mine", multiple=True))
    notes: Mapped[list[FileObject] | None] = mapped_column(
        MutableList.as_mutable(StoredObject(backend="mine", multiple=True))
    )


class CountingBackend(DictBackend):
    """Counts what is written and deleted, by key."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.done: list[str] = []

    def save_object(self, file_object: FileObject, data: Any, **options: Any) -> FileObject:
        self.done.append(f"put {file_object.path.rpartition('-')[2]}")
        return super().save_object(file_object, data, **options)

    def delete_object(self, paths: Any) -> None:
        self.done.append(f"delete {paths.rpartition('-')[2]}")
        super().delete_object(paths)


@pytest.fixture
def mine() -> Iterator[CountingBackend]:
    """A storage of the application's."""
    backend = CountingBackend("mine")
    storages.register_backend(backend)
    yield backend
    storages.clear_backends()


def paper(**fields: Any) -> Paper:
    """Return one with a file and two pages."""
    pages = [FileObject("mine", name, content=name.encode()) for name in ("1", "2")]
    return Paper(file=FileObject("mine", "old", content=b"old"), pages=pages, **fields)


class Configured:
    """The library's configuration of either kind, over one file."""

    def __init__(self, kind: str, folder: Any, **options: Any) -> None:
        self.is_async = kind == "async"
        url = f"sqlite{'+aiosqlite' if self.is_async else ''}:///{folder}/test.db"
        config = SQLAlchemyAsyncConfig if self.is_async else SQLAlchemySyncConfig
        self.config = config(connection_string=url, **options)
        engine = create_engine(f"sqlite:///{folder}/test.db")
        Paper.metadata.create_all(engine)
        engine.dispose()

    async def __call__(self, work: Any) -> None:
        """Do something in a session and commit."""
        if self.is_async:
            async with self.config.get_session() as session:
                await session.run_sync(work)
                await session.commit()
        else:
            with self.config.get_session() as session:
                work(session)
                session.commit()

    async def close(self) -> None:
        """Close the engine."""
        engine = self.config.get_engine()
        await engine.dispose() if self.is_async else engine.dispose()


@pytest.mark.parametrize("flag", [True, False])
@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_each_file_once(mine: CountingBackend, tmp_path: Any, kind: str, flag: bool) -> None:
    """One upload, one deletion after the commit, whatever the configuration says about listeners."""
    configured = Configured(kind, tmp_path, enable_file_object_listener=flag)
    await configured(lambda session: session.add(paper(id=1)))
    assert sorted(mine.done) == ["put 1", "put 2", "put old"]

    def replace(session: Session) -> None:
        row = session.get_one(Paper, 1)
        row.file = FileObject("mine", "new", content=b"new")
        row.pages.pop(0)
        assert len(mine.objects) == 3

    mine.done.clear()
    await configured(replace)
    assert sorted(mine.done) == ["delete 1", "delete old", "put new"]
    mine.done.clear()
    await configured(lambda session: session.delete(session.get_one(Paper, 1)))
    assert sorted(mine.done) == ["delete 2", "delete new"]
    await configured.close()


def test_a_flag_that_has_no_effect_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever has switched the listeners off, to keep files, reads that they do not stay."""
    with caplog.at_level(logging.WARNING, "holdfast"):
        SQLAlchemySyncConfig(connection_string="sqlite://")
        assert caplog.messages == []
        SQLAlchemySyncConfig(connection_string="sqlite://", enable_file_object_listener=False)
    assert "enable_file_object_listener=False has no effect" in caplog.text


@pytest.mark.filterwarnings("ignore:.*context:DeprecationWarning")
def test_listeners_for_all_sessions(mine: CountingBackend) -> None:
    """Those that applications registered by hand, under their old names, find nothing to do."""
    _listeners.setup_file_object_listeners()
    _listeners.set_async_context(False)
    engine = create_engine("sqlite://")
    Paper.metadata.create_all(engine)
    maker = sessionmaker(engine)
    for name in ("before_flush", "after_commit", "after_rollback"):
        for kind in (_listeners.SyncFileObjectListener, _listeners.FileObjectListener):
            event.listen(maker, name, getattr(kind, name))
    try:
        with maker() as session:
            session.add(paper(id=1))
            session.commit()
            session.get_one(Paper, 1).file = None
            session.flush()
            session.rollback()
            assert len(mine.objects) == 3
            session.delete(session.get_one(Paper, 1))
            session.commit()
            assert "_aa_file_tracker" not in session.info
    finally:
        for name in ("before_flush", "after_commit", "after_rollback"):
            event.remove(Session, name, getattr(_listeners.FileObjectListener, name))
        engine.dispose()
    assert sorted(mine.done) == ["delete 1", "delete 2", "delete old", "put 1", "put 2", "put old"]


def test_lists(mine: CountingBackend) -> None:
    """They are the library's lists and Holdfast's at once, in a column of each form, and changes in place are seen."""
    engine = create_engine("sqlite://")
    Paper.metadata.create_all(engine)
    with Session(engine) as session:
        row = paper(id=1, notes=[FileObject("mine", "n", content=b"n")])
        session.add(row)
        session.commit()
        for pages in (row.pages, row.notes):
            assert isinstance(pages, MutableList)
            assert isinstance(pages, get_origin(FileObjectList))
            assert all(type(each) is FileObject for each in pages)
            pages.append(FileObject("mine", "more", content=b"more"))
        row.pages += [FileObject("mine", "last", content=b"last")]
        del row.pages[0]
        row.notes[0] = FileObject("mine", "other", content=b"other")
        row.pages[0].update_metadata({"seen": True})
        session.commit()
    with Session(engine) as session:
        row = session.get_one(Paper, 1)
        assert [each.filename for each in row.pages] == ["2", "more", "last"]
        assert row.pages[0].metadata == {"seen": True}
        assert [each.filename for each in row.notes] == ["other", "more"]
        row.pages = MutableList(row.pages[1:])
        row.notes = FileObjectList()
        session.commit()
        assert isinstance(row.notes, get_origin(FileObjectList))
        assert sorted(mine.objects.values()) == [b"last", b"more", b"old"]
    engine.dispose()


class Upload:
    """What a framework hands over."""

    filename, content_type = "up.txt", "text/plain"

    def read(self, size: int = -1) -> bytes:
        return b""


def test_values_of_other_kinds(mine: CountingBackend) -> None:
    """Holdfast's own files and uploads go into the library's columns."""
    row = Paper(file=holdfast.FileObject(filename="a", content=b"a"))
    assert row.file.backend_key == "mine"
    row.file = Upload()
    assert type(row.file) is FileObject


def test_repository(mine: CountingBackend) -> None:
    """Its bulk calls take the way that uploads files."""

    class Papers(SQLAlchemySyncRepository[Paper]):
        model_type = Paper

    engine = create_engine("sqlite://")
    Paper.metadata.create_all(engine)
    with Session(engine) as session:
        papers = Papers(session=session)
        papers.upsert_many([paper(id=1, title="a"), paper(id=2, title="b")], match_fields=["id"])
        session.commit()
        papers.upsert_many([Paper(id=1, title="c", file=FileObject("mine", "c", content=b"c"))], match_fields=["id"])
        session.commit()
        assert session.scalars(select(Paper.title).order_by(Paper.id)).all() == ["c", "b"]
        assert mine.done.count("put old") == 2
        assert mine.done.count("delete old") == 1
        papers.delete_where()
        session.commit()
    assert mine.objects == {}
    engine.dispose()


def test_a_column_by_annotation(mine: CountingBackend) -> None:
    """The library's registries give the type; its files name their storage."""

    class Base(DeclarativeBase):
        registry = create_registry()

    class Note(Base):
        __tablename__ = "note"
        id: Mapped[int] = mapped_column(primary_key=True)
        file: Mapped[FileObject | None]

    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Note(id=1, file=FileObject("mine", "a", content=b"a")))
        session.commit()
        assert session.get_one(Note, 1).file.get_content() == b"a"
    engine.dispose()


def test_migrations() -> None:
    """The type is written as the library's own was, so that migrations do not change."""
    kind = Paper.__table__.c.pages.type
    assert f"{type(kind).__module__}.{kind!r}" == (
        "advanced_alchemy.types.file_object.data_type.StoredObject(backend='mine', multiple=True)"
    )


def test_the_tracker_by_hand(mine: CountingBackend) -> None:
    """The class that listeners used still does what it is told."""
    tracker = FileObjectSessionTracker()
    file = FileObject("mine", "a", content=b"a")
    tracker.add_pending_save(file, b"a")
    tracker.commit()
    assert file.get_content() == b"a"
    tracker.add_pending_delete(file)
    tracker.commit()
    assert mine.objects == {}


def test_a_type_from_before() -> None:
    """A column that still has the library's own type is refused where its model is defined."""
    from holdfast.contrib.advanced_alchemy import originals

    class Base(DeclarativeBase):
        pass

    with pytest.raises(ConfigurationError, match=r"\.Late: made with the StoredObject of advanced-alchemy itself"):

        class Late(Base):
            __tablename__ = "late"
            id: Mapped[int] = mapped_column(primary_key=True)
            file: Mapped[Any] = mapped_column(originals.StoredObject("mine"))

    Base.registry.dispose()
