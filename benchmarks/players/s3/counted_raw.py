"""The requests of obstore beside an ordinary column: one put a file, one call to delete."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import obstore
from obstore.store import S3Store
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.players.s3 import counting
from benchmarks.players.stores import options_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.measuring.race import Setting


class Base(DeclarativeBase):
    """The tables."""


class Document(Base):
    """A row that names a file."""

    __tablename__ = "document"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]


class Library:
    """By hand."""

    def __init__(self, setting: Setting) -> None:
        self.engine = create_engine(f"sqlite:///{setting.folder}/rows.sqlite")
        Base.metadata.create_all(self.engine)

    def open(self, server: Mapping[str, str]) -> None:
        """Reach the bucket at this endpoint."""
        self.store = S3Store(server["bucket"], **options_of(server))

    def save(self, contents: Sequence[bytes]) -> None:
        """Put, then insert."""
        with Session(self.engine) as session:
            for content in contents:
                key = uuid.uuid4().hex
                obstore.put(self.store, key, content)
                session.add(Document(key=key))
            session.commit()

    def drop(self) -> None:
        """Delete the rows, then the files."""
        with Session(self.engine) as session:
            documents = session.scalars(select(Document)).all()
            keys = [document.key for document in documents]
            for document in documents:
                session.delete(document)
            session.commit()
        obstore.delete(self.store, keys)


class Save(counting.Save):
    """Saves."""

    library = Library


class Drop(counting.Drop):
    """Deletes."""

    library = Library
