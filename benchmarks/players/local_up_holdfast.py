"""A large file to local disk through Holdfast, with its row."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.measuring.race import AsyncPlayer, Player
from benchmarks.players.large_files import Stored
from holdfast import FileObject, StoredObject, storages
from holdfast.backends.obstore import ObstoreBackend

if TYPE_CHECKING:
    from benchmarks.measuring.race import Setting


class Base(DeclarativeBase):
    """The tables."""


class Document(Base):
    """A row with a file."""

    __tablename__ = "document"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject] = mapped_column(StoredObject(backend="bench"))


class Work:
    """What both kinds of players share."""

    def __init__(self, setting: Setting) -> None:
        self.stored = Stored(setting)
        self.is_open = bool(setting.options.get("is_open"))
        self.url = f"{setting.folder}/rows.sqlite"
        engine = create_engine(f"sqlite:///{self.url}")
        Base.metadata.create_all(engine)
        engine.dispose()
        options = setting.options["backend"]
        storages.register_backend(ObstoreBackend("bench", self.stored.folder.as_uri(), **options))

    def row(self, stack: ExitStack) -> Document:
        """Return a row whose content is a path, or an open file."""
        source = self.stored.source
        content: Any = stack.enter_context(source.open("rb")) if self.is_open else source
        return Document(file=FileObject(backend="bench", filename="large.bin", content=content))


class Sync(Player):
    """A session of a script or of Flask."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.work = Work(setting)
        self.prepare, self.check = self.work.stored.prepare, self.work.stored.check
        self.engine = create_engine(f"sqlite:///{self.work.url}")

    def run(self) -> None:
        """Add and commit."""
        with ExitStack() as stack, Session(self.engine) as session:
            session.add(self.work.row(stack))
            session.commit()


class Async(AsyncPlayer):
    """A session of FastAPI or Litestar."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.work = Work(setting)
        self.prepare, self.check = self.work.stored.prepare, self.work.stored.check
        self.sessions = async_sessionmaker(create_async_engine(f"sqlite+aiosqlite:///{self.work.url}"))

    async def play(self) -> None:
        """Add and commit."""
        with ExitStack() as stack:
            async with self.sessions() as session:
                session.add(self.work.row(stack))
                await session.commit()
