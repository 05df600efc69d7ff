"""One commit for each row with a file, by hand: obstore and a JSON column, or the row alone."""

from __future__ import annotations

import uuid
from typing import Any

import obstore
from sqlalchemy import JSON
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.players import crowds


class Base(DeclarativeBase):
    """The tables."""


class Document(Base):
    """A row that names a file."""

    __tablename__ = "document"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[dict[str, Any]] = mapped_column(JSON)


def row(key: str, content: bytes) -> Document:
    """Return a row like the ones that libraries write."""
    return Document(file={"filename": key, "size": len(content), "content_type": "application/octet-stream"})


class ThreadsOfRows(crowds.Threads):
    """The database alone."""

    files_of_a_row = 0

    def create(self, connection: Any) -> None:
        """Make the table."""
        Base.metadata.create_all(connection)

    def commit(self, content: bytes) -> None:
        """Add and commit."""
        key = uuid.uuid4().hex
        with Session(self.engine) as session:
            self.put(key, content)
            session.add(row(key, content))
            session.commit()

    def put(self, key: str, content: bytes) -> None:
        """Store nothing."""


class Threads(ThreadsOfRows):
    """A put, then the row."""

    files_of_a_row = 1

    def prepare(self) -> None:
        """Open the store."""
        super().prepare()
        self.store = self.place.store()

    def put(self, key: str, content: bytes) -> None:
        """Store the file."""
        obstore.put(self.store, key, content)


class TasksOfRows(crowds.Tasks):
    """The database alone."""

    files_of_a_row = 0

    def create(self, connection: Any) -> None:
        """Make the table."""
        Base.metadata.create_all(connection)

    async def commit(self, content: bytes) -> None:
        """Add and commit."""
        key = uuid.uuid4().hex
        async with AsyncSession(self.engine) as session:
            await self.put(key, content)
            session.add(row(key, content))
            await session.commit()

    async def put(self, key: str, content: bytes) -> None:
        """Store nothing."""


class Tasks(TasksOfRows):
    """A put, then the row."""

    files_of_a_row = 1

    def prepare(self) -> None:
        """Open the store."""
        super().prepare()
        self.store = self.place.store()

    async def put(self, key: str, content: bytes) -> None:
        """Store the file."""
        await obstore.put_async(self.store, key, content)
