"""advanced-alchemy: its bases, repositories and services with Holdfast's column, and rows that both can read."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import MetaData, create_engine, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StoredObject
from tests.companions import (
    AdvancedAlchemyError,
    AlchemyBackend,
    AlchemyColumn,
    AlchemyFile,
    SQLAlchemyAsyncConfig,
    SQLAlchemyAsyncRepository,
    SQLAlchemyAsyncRepositoryService,
    SQLAlchemySyncConfig,
    SQLAlchemySyncRepository,
    SQLAlchemySyncRepositoryService,
    UUIDAuditBase,
    alchemy_storages,
)
from tests.orm.conftest import Database, stored
from tests.orm.documents import file

pytestmark = pytest.mark.usefixtures("docs")


class Document(UUIDAuditBase):
    """The model of the documents."""

    __tablename__ = "alchemy_document"
    metadata = MetaData()
    title: Mapped[str]
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))
    pages: Mapped[list[FileObject] | None] = mapped_column(StoredObject(backend="docs", multiple=True))


class SyncService(SQLAlchemySyncRepositoryService[Document]):
    class Repository(SQLAlchemySyncRepository[Document]):
        """Its repository."""

        model_type = Document

    repository_type = Repository


class AsyncService(SQLAlchemyAsyncRepositoryService[Document]):
    class Repository(SQLAlchemyAsyncRepository[Document]):
        """Its repository."""

        model_type = Document

    repository_type = Repository


class Services:
    """Calls the service of either world, each call in a session of the real library's configuration."""

    def __init__(self, config: Any) -> None:
        self.config = config
        self.is_async = isinstance(config, SQLAlchemyAsyncConfig)

    async def __call__(self, name: str, *args: Any, **options: Any) -> Any:
        if not name.startswith("get"):
            options["auto_commit"] = True
        if self.is_async:
            async with self.config.get_session() as session:
                return await getattr(AsyncService(session=session), name)(*args, **options)
        with self.config.get_session() as session:
            return getattr(SyncService(session=session), name)(*args, **options)


@pytest.fixture(params=["sync", "async"])
async def services(request: pytest.FixtureRequest, tmp_path: Any) -> Any:
    """A service over an empty database, with the listeners that the library registers by default."""
    if request.param == "sync":
        config: Any = SQLAlchemySyncConfig(connection_string=f"sqlite:///{tmp_path}/test.db")
        Document.metadata.create_all(config.get_engine())
        yield Services(config)
        config.get_engine().dispose()
        return
    config = SQLAlchemyAsyncConfig(connection_string=f"sqlite+aiosqlite:///{tmp_path}/test.db")
    async with config.get_engine().begin() as connection:
        await connection.run_sync(Document.metadata.create_all)
    yield Services(config)
    await config.get_engine().dispose()


async def test_create_update_delete(services: Services, docs) -> None:
    """The life of a file in the service's own calls."""
    made = await services("create", {"title": "a", "file": file(b"old", metadata={"n": 1})})
    assert stored(docs) == [b"old"]
    assert made.file.checksum.startswith("sha256:")
    await services("update", {"file": file(b"new")}, item_id=made.id)
    assert stored(docs) == [b"new"]
    await services("update", {"title": "b"}, item_id=made.id)
    assert stored(docs) == [b"new"]
    await services("upsert", {"id": made.id, "title": "c", "pages": [file(b"page")]})
    assert stored(docs) == [b"new", b"page"]
    await services("delete", made.id)
    assert stored(docs) == []


async def test_models_and_many(services: Services, docs) -> None:
    """Instances instead of dicts, and several at once."""
    made = await services("create_many", [Document(title=str(n), file=file(b"%d" % n)) for n in range(3)])
    assert stored(docs) == [b"0", b"1", b"2"]
    assert len(made) == 3
    one = await services("get_one", title="0")
    one.file = file(b"new")
    await services("update", one)
    assert stored(docs) == [b"1", b"2", b"new"]


async def test_a_failing_create(services: Services, docs) -> None:
    """What the library turns into its own error leaves no file."""
    with pytest.raises(AdvancedAlchemyError):
        await services("create", {"file": file(b"x")})
    assert stored(docs) == []


class Base(DeclarativeBase):
    pass


class Theirs(Base):
    """A table as advanced-alchemy has it."""

    __tablename__ = "shared"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[AlchemyFile | None] = mapped_column(AlchemyColumn(backend="docs"))
    pages: Mapped[list[AlchemyFile] | None] = mapped_column(AlchemyColumn(backend="docs", multiple=True))


class OtherBase(DeclarativeBase):
    pass


class Ours(OtherBase):
    """The same table, after the import was replaced."""

    __tablename__ = "shared"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))
    pages: Mapped[list[FileObject] | None] = mapped_column(StoredObject(backend="docs", multiple=True))


@pytest.fixture
def shared(tmp_path: Any, docs) -> Iterator[Any]:
    """A table that their library made, over one bucket that both use."""
    alchemy_storages.register_backend(AlchemyBackend(key="docs", fs=docs.native))
    engine = create_engine(f"sqlite:///{tmp_path}/test.db")
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()
    alchemy_storages.unregister_backend("docs")


def test_rows_written_there_load_here(shared: Any, docs) -> None:
    """Also one without size and etag, as that library leaves them; they are read, replaced and owned."""
    theirs = [
        AlchemyFile(backend="docs", filename=name, content=name.encode(), metadata={"n": 1}, content_type="x/y")
        for name in ("in/a folder/1.txt", "2.txt", "3.txt")
    ]
    for each in theirs:
        each.save()
    with Session(shared) as session:
        session.add(Theirs(id=1, file=theirs[0], pages=theirs[1:]))
        session.add(Theirs(id=2, file=AlchemyFile(backend="docs", filename="2.txt")))
        session.commit()
    with Session(shared) as session:
        row = session.get(Ours, 1)
        assert (row.file.path, row.file.content_type, row.file.metadata) == ("in/a folder/1.txt", "x/y", {"n": 1})
        assert [value.get_content() for value in (row.file, *row.pages)] == [b"in/a folder/1.txt", b"2.txt", b"3.txt"]
        assert session.get(Ours, 2).file.size is None
        row.file = file(b"new")
        row.pages.pop()
        session.commit()
        assert stored(docs) == [b"2.txt", b"new"]


def test_rows_written_here_load_there(shared: Any, docs) -> None:
    """The ten keys are the arguments of that library's file, and its path is ours."""
    with Session(shared) as session:
        session.add(Ours(id=1, file=file(b"x", metadata={"é": [1]}), pages=[file(b"1"), file(b"2")]))
        session.add(Ours(id=2))
        session.commit()
        path = session.get(Ours, 1).file.path
    with Session(shared) as session:
        row = session.get(Theirs, 1)
        assert (row.file.path, row.file.size, row.file.metadata) == (path, 1, {"é": [1]})
        assert [value.get_content() for value in (row.file, *row.pages)] == [b"x", b"1", b"2"]
        assert session.get(Theirs, 2).file is None


def test_their_json_null(shared: Any) -> None:
    """An unset column there is JSON null; here it is None all the same."""
    with Session(shared) as session:
        session.add(Theirs(id=1, file=None))
        session.commit()
        assert session.scalar(text("SELECT json_type(file) FROM shared")) in {"null", None}
        assert session.scalars(select(Ours)).one().file is None


def test_a_row_that_went_there_and_back(shared: Any) -> None:
    """That library writes a row of ours without to_filename; it is still the same file."""
    with Session(shared) as session:
        session.add(Ours(id=1, file=file(b"x")))
        session.commit()
    with Session(shared) as session:
        row = session.get(Theirs, 1)
        raw = json.loads(session.scalar(text("SELECT file FROM shared")))
        session.execute(text("UPDATE shared SET file = :file"), {"file": json.dumps(row.file.to_dict())})
        session.commit()
    with Session(shared) as session:
        found = session.get(Ours, 1).file
        assert found.path == raw["to_filename"]
        assert found.get_content() == b"x"


async def test_their_listeners_do_not_interfere(tmp_path: Any, docs) -> None:
    """Their file listeners are registered for every session; they leave our columns alone."""
    config = SQLAlchemySyncConfig(connection_string=f"sqlite:///{tmp_path}/test.db", enable_file_object_listener=True)
    db = await Database(f"sqlite:///{tmp_path}/test.db", is_async=False).create(OtherBase)
    with config.get_session() as session:
        session.add(Ours(id=1, file=file(b"x"), pages=[file(b"1")]))
        session.commit()
        session.get(Ours, 1).file = None
        session.flush()
        session.rollback()
    assert stored(docs) == [b"1", b"x"]
    config.get_engine().dispose()
    await db.dispose()
