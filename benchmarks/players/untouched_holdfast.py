"""Sessions that touch no file, in a program that has files in Holdfast."""

from __future__ import annotations

from sqlalchemy.orm import DeclarativeBase, Mapped, configure_mappers, mapped_column

from benchmarks.players.untouched import Untouched
from holdfast import FileObject, StoredObject

__all__ = ["Untouched"]


class Base(DeclarativeBase):
    """The tables."""


class Document(Base):
    """A row with a file."""

    __tablename__ = "document"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject] = mapped_column(StoredObject(backend="bench"))


configure_mappers()
