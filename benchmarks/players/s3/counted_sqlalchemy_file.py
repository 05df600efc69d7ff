"""The requests of sqlalchemy-file, over libcloud's driver for S3 at an address of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from libcloud.storage.drivers.s3 import S3StorageDriver
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy_file import File, FileField
from sqlalchemy_file.storage import StorageManager

from benchmarks.players.s3 import counting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.measuring.race import Setting


class Base(DeclarativeBase):
    """The tables."""


class Document(Base):
    """A row with a file."""

    __tablename__ = "document"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[Any] = mapped_column(FileField)


class Library:
    """As its documents say."""

    def __init__(self, setting: Setting) -> None:
        self.engine = create_engine(f"sqlite:///{setting.folder}/rows.sqlite")
        Base.metadata.create_all(self.engine)

    def open(self, server: Mapping[str, str]) -> None:
        """Reach the bucket at this endpoint."""
        place = urlsplit(server["endpoint"])
        driver = S3StorageDriver(
            server["access_key"],
            server["secret_key"],
            secure=False,
            host=place.hostname,
            port=place.port,
            region=server["region"],
        )
        StorageManager._clear()  # it takes a name once
        StorageManager.add_storage("bench", driver.get_container(server["bucket"]))

    def save(self, contents: Sequence[bytes]) -> None:
        """Add and commit."""
        with Session(self.engine) as session:
            session.add_all(Document(file=File(content=content)) for content in contents)
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
