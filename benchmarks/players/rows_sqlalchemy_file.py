"""Rows with files through sqlalchemy-file, which is synchronous."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING, Any

from libcloud.storage.drivers.local import LocalStorageDriver
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy_file import File, FileField
from sqlalchemy_file.storage import StorageManager

from benchmarks.measuring.race import Player
from benchmarks.players.stores import Place

if TYPE_CHECKING:
    from benchmarks.measuring.race import Setting


class Base(DeclarativeBase):
    """The tables."""


class Document(Base):
    """A row with a file."""

    __tablename__ = "document"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    file: Mapped[Any] = mapped_column(FileField)


class Sync(Player):
    """A folder through libcloud, as its documents say."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.place = Place(setting)
        self.engine = create_engine(f"sqlite:///{setting.folder}/rows.sqlite")

    def prepare(self) -> None:
        """Empty table, empty store, new contents."""
        Base.metadata.drop_all(self.engine)
        Base.metadata.create_all(self.engine)
        self.place.renew()
        (self.place.path / "bench").mkdir()
        StorageManager._clear()  # it takes a name once
        StorageManager.add_storage("bench", LocalStorageDriver(str(self.place.path)).get_container("bench"))
        options = self.setting.options
        self.contents = [os.urandom(options["size"]) for _ in range(self.setting.amount)]

    def run(self) -> None:
        """Add and commit."""
        batch = self.setting.options["batch"]
        for start in range(0, self.setting.amount, batch):
            with Session(self.engine) as session:
                session.add_all(Document(file=File(content=c)) for c in self.contents[start : start + batch])
                session.commit()

    def check(self) -> None:
        """Two objects a file: the content, and what is known of it."""
        self.place.expect(2 * self.setting.amount)
