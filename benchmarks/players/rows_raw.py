"""Rows with files, by hand: obstore or plain files beside an ordinary JSON column, and the database alone."""

from __future__ import annotations

import asyncio
import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import obstore
from sqlalchemy import JSON, create_engine
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.measuring.race import AsyncPlayer, Player
from benchmarks.players.stores import Place

if TYPE_CHECKING:
    from benchmarks.measuring.race import Setting


class Base(DeclarativeBase):
    """The tables."""


class Document(Base):
    """A row that names a file."""

    __tablename__ = "document"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    file: Mapped[dict[str, Any]] = mapped_column(JSON)


def row(key: str, content: bytes) -> Document:
    """Return a row like the ones that libraries write."""
    return Document(file={"filename": key, "size": len(content), "content_type": "application/octet-stream"})


class Work:
    """What both kinds of players do before and after a round."""

    def __init__(self, setting: Setting) -> None:
        self.amount = setting.amount
        self.size: int = setting.options["size"]
        self.batch: int = setting.options["batch"]
        self.place = Place(setting)
        self.url = f"{setting.folder}/rows.sqlite"
        self.keeps_files = True

    def prepare(self) -> None:
        """Empty table, empty store, new contents."""
        engine = create_engine(f"sqlite:///{self.url}")
        Base.metadata.drop_all(engine)
        Base.metadata.create_all(engine)
        engine.dispose()
        self.place.renew()
        self.store = self.place.store()
        self.contents = [os.urandom(self.size) for _ in range(self.amount)]

    def batches(self) -> list[list[bytes]]:
        """Return the contents of each commit."""
        return [self.contents[start : start + self.batch] for start in range(0, self.amount, self.batch)]

    def check(self) -> None:
        """Every row is there, and every object."""
        self.place.expect(self.amount if self.keeps_files else 0)


class Sync(Player):
    """One put after the other."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.work = Work(setting)
        self.engine = create_engine(f"sqlite:///{self.work.url}")

    def prepare(self) -> None:
        """Start anew."""
        self.work.prepare()

    def run(self) -> None:
        """Put, then insert."""
        for contents in self.work.batches():
            with Session(self.engine) as session:
                session.add_all(self.stored(contents))
                session.commit()

    def stored(self, contents: list[bytes]) -> list[Document]:
        """Store the files of one commit."""
        rows = []
        for content in contents:
            key = uuid.uuid4().hex
            obstore.put(self.work.store, key, content)
            rows.append(row(key, content))
        return rows

    def check(self) -> None:
        """Count."""
        self.work.check()


class Threads(Sync):
    """Sixteen puts at a time."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.pool = ThreadPoolExecutor(16)

    def stored(self, contents: list[bytes]) -> list[Document]:
        """Store the files of one commit."""

        def put(content: bytes) -> Document:
            key = uuid.uuid4().hex
            obstore.put(self.work.store, key, content)
            return row(key, content)

        return list(self.pool.map(put, contents))

    def close(self) -> None:
        """End the threads."""
        self.pool.shutdown()


class Plain(Sync):
    """Write and rename; with `durable`, sync the file and its folder as well."""

    def stored(self, contents: list[bytes]) -> list[Document]:
        """Store the files of one commit."""
        rows = []
        is_durable = self.setting.options.get("durable")
        for content in contents:
            key = uuid.uuid4().hex
            target = self.work.place.path / key
            descriptor = os.open(f"{target}.part", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            os.write(descriptor, content)
            if is_durable:
                os.fsync(descriptor)
            os.close(descriptor)
            os.rename(  # noqa: PTH104  # the call itself
                f"{target}.part", target
            )
            rows.append(row(key, content))
        if is_durable:
            folder = os.open(self.work.place.path, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        return rows


class Rows(Sync):
    """The database alone."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.work.keeps_files = False

    def stored(self, contents: list[bytes]) -> list[Document]:
        """Store nothing."""
        return [row(uuid.uuid4().hex, content) for content in contents]


class Async(AsyncPlayer):
    """All puts of a commit at once, as many as obstore lets through."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.work = Work(setting)
        self.sessions = async_sessionmaker(create_async_engine(f"sqlite+aiosqlite:///{self.work.url}"))

    def prepare(self) -> None:
        """Start anew."""
        self.work.prepare()

    async def play(self) -> None:
        """Put, then insert."""
        for contents in self.work.batches():
            async with self.sessions() as session:
                session.add_all(await self.stored(contents))
                await session.commit()

    async def stored(self, contents: list[bytes]) -> list[Document]:
        """Store the files of one commit."""

        async def put(content: bytes) -> Document:
            key = uuid.uuid4().hex
            await obstore.put_async(self.work.store, key, content)
            return row(key, content)

        return list(await asyncio.gather(*(put(content) for content in contents)))

    def check(self) -> None:
        """Count."""
        self.work.check()


class AsyncRows(Async):
    """The database alone."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.work.keeps_files = False

    async def stored(self, contents: list[bytes]) -> list[Document]:
        """Store nothing."""
        return [row(uuid.uuid4().hex, content) for content in contents]
