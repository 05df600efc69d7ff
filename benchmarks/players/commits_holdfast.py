"""One commit for each row with a file, through Holdfast."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.players import crowds
from holdfast import FileObject, StoredObject, storages
from holdfast.backends.obstore import ObstoreBackend


class Base(DeclarativeBase):
    """The tables."""


class Document(Base):
    """A row with a file."""

    __tablename__ = "document"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject] = mapped_column(StoredObject(backend="bench"))


def row(content: bytes) -> Document:
    """Return a new row."""
    return Document(file=FileObject(backend="bench", filename="a.bin", content=content))


def register(player: crowds.Crowd) -> None:
    """Open the folder of this round."""
    options = player.setting.options["backend"]
    storages.register_backend(ObstoreBackend("bench", player.place.path.as_uri(), **options))


class Threads(crowds.Threads):
    """Sessions of Flask."""

    def create(self, connection: Any) -> None:
        """Make the table."""
        Base.metadata.create_all(connection)

    def prepare(self) -> None:
        """Open the storage."""
        super().prepare()
        register(self)

    def commit(self, content: bytes) -> None:
        """Add and commit."""
        with Session(self.engine) as session:
            session.add(row(content))
            session.commit()


class Tasks(crowds.Tasks):
    """Sessions of FastAPI or Litestar."""

    def create(self, connection: Any) -> None:
        """Make the table."""
        Base.metadata.create_all(connection)

    def prepare(self) -> None:
        """Open the storage."""
        super().prepare()
        register(self)

    async def commit(self, content: bytes) -> None:
        """Add and commit."""
        async with AsyncSession(self.engine) as session:
            session.add(row(content))
            await session.commit()
