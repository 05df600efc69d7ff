"""Rows with files loaded through sqlalchemy-file."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy_file import FileField

from benchmarks.players import loading


class Base(DeclarativeBase):
    """The tables."""


class Document(Base):
    """A row with a file."""

    __tablename__ = "document"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[Any] = mapped_column(FileField)


class Sync(loading.Sync):
    """A Session."""

    model = Document

    def value(self, number: int) -> dict[str, Any]:
        """Return the JSON of a row."""
        return {
            "content_path": None,
            "filename": f"report {number}.pdf",
            "content_type": "application/pdf",
            "size": loading.SIZE,
            "files": [f"bench/{number:032x}"],
            "extra": {"content_type": "application/pdf", "meta_data": {"filename": f"report {number}.pdf"}},
            "file_id": f"{number:032x}",
            "upload_storage": "bench",
            "uploaded_at": "2025-03-01T12:00:00.000000+00:00",
            "path": f"bench/{number:032x}",
            "url": f"/var/app/bench/{number:032x}",
            "saved": True,
        }
