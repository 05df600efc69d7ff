"""The requests of Holdfast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.players.s3 import counting
from benchmarks.players.stores import options_of
from holdfast import FileObject, StoredObject, storages
from holdfast.backends.obstore import ObstoreBackend

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.measuring.race import Setting


class Base(DeclarativeBase):
    """The tables."""


class Document(Base):
    """A row with a file."""

    __tablename__ = "document"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject] = mapped_column(StoredObject(backend="bench"))


class Library:
    """Sessions of a script or of Flask."""

    def __init__(self, setting: Setting) -> None:
        self.engine = create_engine(f"sqlite:///{setting.folder}/rows.sqlite")
        Base.metadata.create_all(self.engine)

    def open(self, server: Mapping[str, str]) -> None:
        """Reach the bucket at this endpoint."""
        storages.clear()
        storages.register_backend(ObstoreBackend("bench", f"s3://{server['bucket']}/", **options_of(server)))

    def save(self, contents: Sequence[bytes]) -> None:
        """Add and commit."""
        with Session(self.engine) as session:
            session.add_all(Document(file=FileObject(filename="a.bin", content=content)) for content in contents)
            session.commit()

    def drop(self) -> None:
        """Delete and commit."""
        with Session(self.engine) as session:
            for document in session.scalars(select(Document)).all():
                session.delete(document)
            session.commit()


class Save(counting.Save):
    """Saves."""

    library = Library


class Drop(counting.Drop):
    """Deletes."""

    library = Library
