"""A large file to local disk through sqlalchemy-file, with its row."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from libcloud.storage.drivers.local import LocalStorageDriver
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy_file import File, FileField
from sqlalchemy_file.storage import StorageManager

from benchmarks.measuring.race import Player
from benchmarks.players.large_files import Stored

if TYPE_CHECKING:
    from benchmarks.measuring.race import Setting


class Base(DeclarativeBase):
    """The tables."""


class Document(Base):
    """A row with a file."""

    __tablename__ = "document"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[Any] = mapped_column(FileField)


class Sync(Player):
    """A folder through libcloud, as its documents say."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.stored = Stored(setting)
        self.check = self.stored.check
        self.engine = create_engine(f"sqlite:///{setting.folder}/rows.sqlite")
        Base.metadata.create_all(self.engine)

    def prepare(self) -> None:
        """Open the container anew: it wants its folder to be there."""
        self.stored.prepare()
        (self.stored.folder / "bench").mkdir()
        StorageManager._clear()  # it takes a name once
        StorageManager.add_storage("bench", LocalStorageDriver(str(self.stored.folder)).get_container("bench"))

    def run(self) -> None:
        """Add and commit."""
        with ExitStack() as stack, Session(self.engine) as session:
            if self.setting.options.get("is_open"):
                file = File(content=stack.enter_context(self.stored.source.open("rb")))
            else:
                file = File(content_path=str(self.stored.source))
            session.add(Document(file=file))
            session.commit()
