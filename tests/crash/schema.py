"""The tables of the crash bench, made anew for each way to know what is to be deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, ForeignKey, Integer, MetaData, select, type_coerce
from sqlalchemy.orm import DeclarativeBase, mapped_column

from holdfast import Outbox, StoredObject

STORAGES = ("shelf", "attic")
SINGLE = {"cover": "shelf", "scan": "attic"}
"""The columns of one file, and where each keeps it."""


@dataclass(frozen=True)
class Schema:
    """Rows with two files and a list of files, in a folder that takes them along when it is deleted."""

    metadata: MetaData
    folder: Any
    document: Any
    outbox: Outbox | None


def make_schema(outbox: str | None) -> Schema:
    """Make the tables: without outbox for None, else ``plain`` or with ``triggers``."""

    class Base(DeclarativeBase):
        pass

    class Folder(Base):
        __tablename__ = "folder"
        id = mapped_column(Integer, primary_key=True)

    class Document(Base):
        __tablename__ = "document"
        id = mapped_column(Integer, primary_key=True)
        label = mapped_column(Integer, unique=True)
        folder_id = mapped_column(ForeignKey("folder.id", ondelete="CASCADE"))
        cover = mapped_column(StoredObject(backend="shelf"))
        scan = mapped_column(StoredObject(backend="attic"))
        pages = mapped_column(StoredObject(backend="shelf", multiple=True))

    made = Outbox(Base.metadata, triggers=outbox == "triggers") if outbox is not None else None
    return Schema(Base.metadata, Folder, Document, made)


def values(schema: Schema, execute: Callable[..., Any]) -> dict[int, dict[str, Any]]:
    """Return what the rows hold, by label, past the library."""
    table = schema.document.__table__
    names = ("cover", "scan", "pages")
    found = execute(select(table.c.label, table.c.folder_id, *(type_coerce(table.c[name], JSON) for name in names)))
    return {row[0]: {"folder": row[1], **dict(zip(names, row[2:], strict=True))} for row in found}


def files(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the values of a row's files."""
    return [value for value in (row["cover"], row["scan"], *(row["pages"] or [])) if value is not None]


def held(schema: Schema, execute: Callable[..., Any]) -> list[tuple[str, str]]:
    """Return the objects that the rows hold: storage and key."""
    found = values(schema, execute).values()
    return [(file["backend"], file["to_filename"]) for row in found for file in files(row)]
