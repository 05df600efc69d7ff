"""A large file to and from S3 through advanced-alchemy, which reads it whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advanced_alchemy.base import BigIntBase
from advanced_alchemy.config import SQLAlchemySyncConfig
from advanced_alchemy.types import FileObject, StoredObject
from advanced_alchemy.types.file_object import storages
from advanced_alchemy.types.file_object.backends.obstore import ObstoreBackend
from obstore.store import S3Store
from sqlalchemy import create_engine
from sqlalchemy.orm import Mapped, mapped_column

from benchmarks.measuring.race import Player
from benchmarks.players.s3.large import Fetched, Sent
from benchmarks.players.stores import options_of

if TYPE_CHECKING:
    from benchmarks.measuring.race import Setting


class Document(BigIntBase):
    """A row with a file."""

    __tablename__ = "document"

    file: Mapped[FileObject] = mapped_column(StoredObject(backend="bench"))


class Up(Player):
    """A session of its own configuration."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.sent = Sent(setting)
        self.prepare, self.check = self.sent.prepare, self.sent.check
        storages.register_backend(ObstoreBackend(key="bench", fs=self.sent.store))
        url = f"sqlite:///{setting.folder}/rows.sqlite"
        engine = create_engine(url)
        Document.metadata.create_all(engine, [Document.__table__])  # type: ignore[list-item]
        engine.dispose()
        self.config = SQLAlchemySyncConfig(connection_string=url)

    def run(self) -> None:
        """Add and commit."""
        with self.config.get_session() as session:
            session.add(Document(file=FileObject(backend="bench", filename="large.bin", source_path=self.sent.source)))
            session.commit()


class Down(Player):
    """The only way there is: all at once."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.fetched = Fetched(setting)
        self.check = self.fetched.check

    def prepare(self) -> None:
        """Open the bucket."""
        self.fetched.prepare()
        store = S3Store(self.fetched.bucket, **options_of(self.fetched.server))
        self.file = FileObject(backend=ObstoreBackend(key="bench", fs=store), filename=self.fetched.key)

    def run(self) -> None:
        """Read."""
        self.fetched.take(self.file.get_content())
