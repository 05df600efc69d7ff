"""Rows with plain JSON loaded with SQLAlchemy alone."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benchmarks.players import loading


class Base(DeclarativeBase):
    """The tables."""


class Document(Base):
    """A row that names a file."""

    __tablename__ = "document"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[dict[str, Any]] = mapped_column(JSON)


def look(row: Document) -> int:
    """Look at a row's file; return its size."""
    return int(row.file["size"]) if row.file["filename"] and row.file["content_type"] else 0


class Sync(loading.Sync):
    """A Session."""

    model = Document

    def look(self, row: Document) -> int:
        """Look at a row's file; return its size."""
        return look(row)


class Async(loading.Async):
    """An AsyncSession."""

    model = Document

    def look(self, row: Document) -> int:
        """Look at a row's file; return its size."""
        return look(row)
