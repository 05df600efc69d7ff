"""A large file to local disk with obstore alone, and a row by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import obstore
from obstore.store import LocalStore
from sqlalchemy import JSON, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.measuring.race import Player
from benchmarks.players.large_files import Stored

if TYPE_CHECKING:
    from benchmarks.measuring.race import Setting


class Base(DeclarativeBase):
    """The tables."""


class Document(Base):
    """A row that names a file."""

    __tablename__ = "document"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[dict[str, Any]] = mapped_column(JSON)


class Sync(Player):
    """A path, or an open file; nothing is hashed."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.stored = Stored(setting)
        self.check = self.stored.check
        self.engine = create_engine(f"sqlite:///{setting.folder}/rows.sqlite")
        Base.metadata.create_all(self.engine)

    def prepare(self) -> None:
        """Open the store anew: it wants its folder to be there."""
        self.stored.prepare()
        self.store = LocalStore(self.stored.folder)

    def run(self) -> None:
        """Put, then insert."""
        with Session(self.engine) as session:
            if self.setting.options.get("is_open"):
                with self.stored.source.open("rb") as file:
                    obstore.put(self.store, "large.bin", file)
            else:
                obstore.put(self.store, "large.bin", self.stored.source)
            session.add(Document(file={"filename": "large.bin", "content_type": "application/octet-stream"}))
            session.commit()
