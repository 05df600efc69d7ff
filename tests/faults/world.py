"""One story, told to a Session and to an AsyncSession, over a storage that fails on cue."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Engine, String, create_engine, event
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StorageBackend, StoredObject, storages
from holdfast.drivers.local import LocalDriver
from holdfast.testing.faults import FaultyDriver

T = TypeVar("T")
STORAGE = "faulty"


class Base(DeclarativeBase):
    pass


class Document(Base):
    __tablename__ = "fault_document"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str | None] = mapped_column(String(50), unique=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend=STORAGE))
    pages: Mapped[list[FileObject] | None] = mapped_column(StoredObject(backend=STORAGE, multiple=True))


class World:
    """A database and a storage."""

    def __init__(self, folder: Path, url: str, async_url: str | None) -> None:
        """With an `async_url`, stories are told to an AsyncSession."""
        self.driver = FaultyDriver(LocalDriver(folder, durable=False))
        self.storage = StorageBackend(STORAGE, self.driver)
        self.engine = with_savepoints(create_engine(url))
        self.async_url = async_url

    def tell(self, story: Callable[[Session], T]) -> T:
        """Run a story in a session that is left without commit, unless the story commits."""
        if self.async_url is None:
            with Session(self.engine) as session:
                return story(session)
        return asyncio.run(self._tell_async(self.async_url, story))

    async def _tell_async(self, url: str, story: Callable[[Session], T]) -> T:
        engine = create_async_engine(url)
        with_savepoints(engine.sync_engine)
        try:
            async with AsyncSession(engine) as session:
                return await session.run_sync(story)
        finally:
            await engine.dispose()

    def keys(self) -> set[str]:
        """Return all keys in the storage."""
        return {info.key for info in LocalDriver(self.driver.native).list("", None)}

    def referenced(self) -> set[str]:
        """Return the keys that rows hold, having read each file and compared its checksum."""
        with Session(self.engine) as session:
            files = [
                file
                for document in session.query(Document)
                for file in [document.file, *(document.pages or [])]
                if file is not None
            ]
            for file in files:
                file.verify() if file.checksum else file.get_content()
            return {str(file.path) for file in files}


@contextmanager
def open_world(folder: Path, url: str, async_url: str | None) -> Iterator[World]:
    """Make tables and storage, and take them down again."""
    world = World(folder, url, async_url)
    Base.metadata.create_all(world.engine)
    storages.register_backend(world.storage)
    try:
        yield world
    finally:
        storages._backends.pop(STORAGE, None)
        world.engine.dispose()


def with_savepoints(engine: Engine) -> Engine:
    """Make SQLite's drivers send BEGIN themselves, as SQLAlchemy's documentation recommends for savepoints."""
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def no_implicit_begin(connection, _):
            connection.isolation_level = None

        @event.listens_for(engine, "begin")
        def begin(connection):
            connection.exec_driver_sql("BEGIN")

    return engine


def content(name: str, data: bytes | None = None) -> FileObject:
    """Return a pending file."""
    return FileObject(filename=name, content=data if data is not None else name.encode())
