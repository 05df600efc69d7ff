"""Rows with files through Holdfast.

Primary keys are made by the client, as in all players of this race: SQLite's own cost two hops between threads a row.
"""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.measuring.race import AsyncPlayer, Player
from benchmarks.players.stores import Place, options_of
from holdfast import FileObject, StoredObject, storages
from holdfast.backends.obstore import ObstoreBackend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.measuring.race import Setting


class Base(DeclarativeBase):
    """The tables."""


class Document(Base):
    """A row with a file."""

    __tablename__ = "document"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    file: Mapped[FileObject] = mapped_column(StoredObject(backend="bench"))


class Work:
    """What both kinds of players do before and after a round."""

    def __init__(self, setting: Setting) -> None:
        self.amount = setting.amount
        self.size: int = setting.options["size"]
        self.batch: int = setting.options["batch"]
        self.more: dict[str, Any] = setting.options.get("backend", {})
        self.place = Place(setting)
        self.url = f"{setting.folder}/rows.sqlite"

    def prepare(self) -> None:
        """Empty table, empty store, new contents."""
        engine = create_engine(f"sqlite:///{self.url}")
        Base.metadata.drop_all(engine)
        Base.metadata.create_all(engine)
        engine.dispose()
        prefix = self.place.renew()
        server = self.place.server
        storages.clear()
        if server is None:
            storage = ObstoreBackend("bench", self.place.path.as_uri(), **self.more)
        else:
            url = f"s3://{server['bucket']}/{prefix}"
            storage = ObstoreBackend("bench", url, **options_of(server), **self.more)
        storages.register_backend(storage)
        _ = storage.native  # opened here, as the other players do
        self.contents = [os.urandom(self.size) for _ in range(self.amount)]

    def batches(self) -> Iterator[list[Document]]:
        """Return the rows of each commit."""
        for start in range(0, self.amount, self.batch):
            contents = self.contents[start : start + self.batch]
            yield [
                Document(file=FileObject(backend="bench", filename="a.bin", content=content)) for content in contents
            ]

    def check(self) -> None:
        """Every object is there."""
        self.place.expect(self.amount)


class Sync(Player):
    """Sessions of a script or of Flask."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.work = Work(setting)
        self.engine = create_engine(f"sqlite:///{self.work.url}")

    def prepare(self) -> None:
        """Start anew."""
        self.work.prepare()

    def run(self) -> None:
        """Add and commit."""
        for rows in self.work.batches():
            with Session(self.engine) as session:
                session.add_all(rows)
                session.commit()

    def check(self) -> None:
        """Count."""
        self.work.check()


class Async(AsyncPlayer):
    """Sessions of FastAPI or Litestar."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.work = Work(setting)
        self.sessions = async_sessionmaker(create_async_engine(f"sqlite+aiosqlite:///{self.work.url}"))

    def prepare(self) -> None:
        """Start anew."""
        self.work.prepare()

    async def play(self) -> None:
        """Add and commit."""
        for rows in self.work.batches():
            async with self.sessions() as session:
                session.add_all(rows)
                await session.commit()

    def check(self) -> None:
        """Count."""
        self.work.check()
