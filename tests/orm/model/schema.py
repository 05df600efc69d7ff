"""The tables of the model test: every way in which a row can hold files."""

from __future__ import annotations

from enum import Enum

from sqlalchemy import ForeignKey, ForeignKeyConstraint, String
from sqlalchemy.ext.asyncio import AsyncAttrs
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from holdfast import FileObject, Outbox, StoredObject

STORAGES = ("shelf", "attic")

DEFAULT_STORAGE = {"cover": "shelf", "scan": "attic", "pages": "shelf", "thumbnail": "shelf"}
"""The file columns, and where each keeps the files that name no storage."""

DEFERRING = ("sqlite", "postgresql")
"""The databases that check some foreign keys at COMMIT; on the others no COMMIT is made to fail."""


class Mode(Enum):
    """What tells which files are to be deleted: the ledger alone, an outbox as well, triggers that write to it."""

    PLAIN = "plain"
    OUTBOX = "outbox"
    TRIGGERS = "triggers"


class Base(AsyncAttrs, DeclarativeBase):
    pass


outbox = Outbox(Base)


class Folder(Base):
    """Documents that go when it goes, or when they are taken out of it."""

    __tablename__ = "folder"
    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[int] = mapped_column(unique=True)
    documents: Mapped[list[Document]] = relationship(cascade="all, delete-orphan", order_by="Document.id")


class Document(Base):
    """Two files, one of them loaded late, and a list of files."""

    __tablename__ = "document"
    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[int] = mapped_column(unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    folder_id: Mapped[int | None] = mapped_column(ForeignKey("folder.id", ondelete="CASCADE"))
    cover: Mapped[FileObject | None] = mapped_column(StoredObject(backend="shelf"))
    scan: Mapped[FileObject | None] = mapped_column(StoredObject(backend="attic"), deferred=True)
    pages: Mapped[list[FileObject] | None] = mapped_column(StoredObject(backend="shelf", multiple=True))
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "document"}  # noqa: RUF012


class Picture(Document):
    """One more file, in a table of its own."""

    __tablename__ = "picture"
    id: Mapped[int] = mapped_column(ForeignKey("document.id", ondelete="CASCADE"), primary_key=True)
    thumbnail: Mapped[FileObject | None] = mapped_column(StoredObject(backend="shelf"))
    __mapper_args__ = {"polymorphic_identity": "picture"}  # noqa: RUF012


class Pledge(Base):
    """A row without files, whose foreign key is checked by COMMIT: the way to make a COMMIT fail."""

    __tablename__ = "pledge"
    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[int]
    folder_id: Mapped[int]
    __table_args__ = (
        ForeignKeyConstraint(["folder_id"], ["folder.id"], deferrable=True, initially="DEFERRED").ddl_if(
            dialect=DEFERRING
        ),
    )


CLASSES = {"folder": Folder, "document": Document, "picture": Picture, "pledge": Pledge}
