"""A large file to local disk through advanced-alchemy, with its row."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from advanced_alchemy.base import BigIntBase
from advanced_alchemy.config import SQLAlchemySyncConfig
from advanced_alchemy.types import FileObject, StoredObject
from advanced_alchemy.types.file_object import storages
from advanced_alchemy.types.file_object.backends.obstore import ObstoreBackend
from obstore.store import LocalStore
from sqlalchemy import create_engine
from sqlalchemy.orm import Mapped, mapped_column

from benchmarks.measuring.race import Player
from benchmarks.players.large_files import Stored

if TYPE_CHECKING:
    from benchmarks.measuring.race import Setting


class Document(BigIntBase):
    """A row with a file."""

    __tablename__ = "document"

    file: Mapped[FileObject] = mapped_column(StoredObject(backend="bench"))


class Sync(Player):
    """A session of its own configuration."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.stored = Stored(setting)
        self.check = self.stored.check
        url = f"sqlite:///{setting.folder}/rows.sqlite"
        engine = create_engine(url)
        Document.metadata.create_all(engine, [Document.__table__])  # type: ignore[list-item]
        engine.dispose()
        self.config = SQLAlchemySyncConfig(connection_string=url)

    def prepare(self) -> None:
        """Open the store anew: it wants its folder to be there."""
        self.stored.prepare()
        if storages.is_registered("bench"):
            storages.unregister_backend("bench")
        storages.register_backend(ObstoreBackend(key="bench", fs=LocalStore(self.stored.folder)))

    def run(self) -> None:
        """Add and commit."""
        with ExitStack() as stack, self.config.get_session() as session:
            source = self.stored.source
            if self.setting.options.get("is_open"):
                content = stack.enter_context(source.open("rb"))
                file = FileObject(backend="bench", filename="large.bin", content=content)  # type: ignore[arg-type]
            else:
                file = FileObject(backend="bench", filename="large.bin", source_path=source)
            session.add(Document(file=file))
            session.commit()
