"""Rows with files loaded through Holdfast."""

from __future__ import annotations

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benchmarks.players import loading
from holdfast import FileObject, StoredObject


class Base(DeclarativeBase):
    """The tables."""


class Document(Base):
    """A row with a file."""

    __tablename__ = "document"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject] = mapped_column(StoredObject(backend="bench"))


class Sync(loading.Sync):
    """A Session."""

    model = Document


class Async(loading.Async):
    """An AsyncSession."""

    model = Document
