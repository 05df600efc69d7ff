"""Rows with files through advanced-alchemy, whose asynchronous uploads end some time after `commit()`."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from advanced_alchemy.base import UUIDBase
from advanced_alchemy.config import SQLAlchemyAsyncConfig, SQLAlchemySyncConfig
from advanced_alchemy.types import FileObject, StoredObject
from advanced_alchemy.types.file_object import storages
from sqlalchemy import create_engine
from sqlalchemy.orm import Mapped, mapped_column

from benchmarks.measuring.race import AsyncPlayer, Player
from benchmarks.players.stores import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.measuring.race import Setting

PATIENCE = 60.0  # seconds until an upload that has not ended is taken for lost


class Document(UUIDBase):
    """A row with a file."""

    __tablename__ = "document"

    file: Mapped[FileObject] = mapped_column(StoredObject(backend="bench"))


class Work:
    """What both kinds of players do before and after a round."""

    def __init__(self, setting: Setting) -> None:
        self.amount = setting.amount
        self.size: int = setting.options["size"]
        self.batch: int = setting.options["batch"]
        self.driver: str = setting.options["driver"]
        self.place = Place(setting)
        self.url = f"{setting.folder}/rows.sqlite"

    def prepare(self) -> None:
        """Empty table, empty store, new contents."""
        engine = create_engine(f"sqlite:///{self.url}")
        Document.metadata.drop_all(engine, [Document.__table__])  # type: ignore[list-item]
        Document.metadata.create_all(engine, [Document.__table__])  # type: ignore[list-item]
        engine.dispose()
        prefix = self.place.renew()
        if storages.is_registered("bench"):
            storages.unregister_backend("bench")
        storages.register_backend(self.backend(prefix))
        self.contents = [os.urandom(self.size) for _ in range(self.amount)]

    def backend(self, prefix: str) -> Any:
        """Open the store as its documents say."""
        server = self.place.server
        if self.driver == "obstore":
            from advanced_alchemy.types.file_object.backends.obstore import ObstoreBackend  # noqa: PLC0415

            return ObstoreBackend(key="bench", fs=self.place.store())
        from advanced_alchemy.types.file_object.backends.fsspec import FSSpecBackend  # noqa: PLC0415

        if server is None:
            import fsspec  # noqa: PLC0415

            return FSSpecBackend(key="bench", fs=fsspec.filesystem("file"), prefix=str(self.place.path))
        import s3fs  # noqa: PLC0415

        system = s3fs.S3FileSystem(
            key=server["access_key"], secret=server["secret_key"], endpoint_url=server["endpoint"]
        )
        return FSSpecBackend(key="bench", fs=system, prefix=f"{server['bucket']}/{prefix}")

    def batches(self) -> Iterator[list[Document]]:
        """Return the rows of each commit; the names have to differ, because they are the keys."""
        for start in range(0, self.amount, self.batch):
            contents = self.contents[start : start + self.batch]
            yield [
                Document(file=FileObject(backend="bench", filename=f"{start + number}.bin", content=content))
                for number, content in enumerate(contents)
            ]

    def check(self) -> None:
        """Every object is there."""
        self.place.expect(self.amount)


class Sync(Player):
    """Sessions of its own configuration."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.work = Work(setting)
        self.config = SQLAlchemySyncConfig(connection_string=f"sqlite:///{self.work.url}")

    def prepare(self) -> None:
        """Start anew."""
        self.work.prepare()

    def run(self) -> None:
        """Add and commit."""
        for rows in self.work.batches():
            with self.config.get_session() as session:
                session.add_all(rows)
                session.commit()

    def check(self) -> None:
        """Count."""
        self.work.check()


class Async(AsyncPlayer):
    """Sessions of its own configuration; the round ends when the objects are there."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.work = Work(setting)
        self.config = SQLAlchemyAsyncConfig(connection_string=f"sqlite+aiosqlite:///{self.work.url}")

    def prepare(self) -> None:
        """Start anew."""
        self.work.prepare()

    async def play(self) -> None:
        """Add, commit, and wait for the tasks that the commit has started."""
        for rows in self.work.batches():
            async with self.config.get_session() as session:
                session.add_all(rows)
                await session.commit()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            if others:
                await asyncio.wait(others, timeout=PATIENCE)  # type: ignore[type-var]

    def check(self) -> None:
        """Count."""
        self.work.check()
