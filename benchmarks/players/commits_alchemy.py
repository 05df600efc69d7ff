"""One commit for each row with a file, through advanced-alchemy, whose asynchronous uploads end after `commit()`."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any

from advanced_alchemy.base import BigIntBase
from advanced_alchemy.config import SQLAlchemyAsyncConfig, SQLAlchemySyncConfig
from advanced_alchemy.types import FileObject, StoredObject
from advanced_alchemy.types.file_object import storages
from advanced_alchemy.types.file_object.backends.obstore import ObstoreBackend
from sqlalchemy.orm import Mapped, mapped_column

from benchmarks.players import crowds

if TYPE_CHECKING:
    from benchmarks.measuring.race import Setting

PATIENCE = 60.0  # seconds until an upload that has not ended is taken for lost


class Document(BigIntBase):
    """A row with a file."""

    __tablename__ = "document"

    file: Mapped[FileObject] = mapped_column(StoredObject(backend="bench"))


def row(content: bytes) -> Document:
    """Return a new row; the names have to differ, because they are the keys."""
    return Document(file=FileObject(backend="bench", filename=f"{uuid.uuid4().hex}.bin", content=content))


def register(player: crowds.Crowd) -> None:
    """Open the folder of this round."""
    if storages.is_registered("bench"):
        storages.unregister_backend("bench")
    storages.register_backend(ObstoreBackend(key="bench", fs=player.place.store()))


class Threads(crowds.Threads):
    """Sessions of its own configuration."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.config = SQLAlchemySyncConfig(engine_instance=self.engine)
        self.config.create_session_maker()  # it adds its listeners here, and not while other threads use it

    def create(self, connection: Any) -> None:
        """Make the table."""
        Document.metadata.create_all(connection, [Document.__table__])  # type: ignore[list-item]

    def prepare(self) -> None:
        """Open the storage."""
        super().prepare()
        register(self)

    def commit(self, content: bytes) -> None:
        """Add and commit."""
        with self.config.get_session() as session:
            session.add(row(content))
            session.commit()


class Tasks(crowds.Tasks):
    """Sessions of its own configuration; the round ends when the objects are there."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.config = SQLAlchemyAsyncConfig(engine_instance=self.engine)

    def create(self, connection: Any) -> None:
        """Make the table."""
        Document.metadata.create_all(connection, [Document.__table__])  # type: ignore[list-item]

    def prepare(self) -> None:
        """Open the storage."""
        super().prepare()
        register(self)

    async def play(self) -> None:
        """Commit in all tasks, then wait for those that the commits have started."""
        await super().play()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others, timeout=PATIENCE)  # type: ignore[type-var]

    async def commit(self, content: bytes) -> None:
        """Add and commit."""
        async with self.config.get_session() as session:
            session.add(row(content))
            await session.commit()
