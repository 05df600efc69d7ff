"""A large file to and from S3 through Holdfast; up with its row, down as a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.measuring.race import AsyncPlayer, Player
from benchmarks.players.s3.large import Fetched, Sent
from benchmarks.players.stores import options_of
from holdfast import FileObject, StoredObject, storages
from holdfast.backends.obstore import ObstoreBackend

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.measuring.race import Setting


class Base(DeclarativeBase):
    """The tables."""


class Document(Base):
    """A row with a file."""

    __tablename__ = "document"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject] = mapped_column(StoredObject(backend="bench"))


class Up(Player):
    """A session of a script or of Flask."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.sent = Sent(setting)
        self.prepare, self.check = self.sent.prepare, self.sent.check
        storages.register_backend(opened(self.sent.server["bucket"], self.sent.server, setting))
        self.engine = create_engine(f"sqlite:///{setting.folder}/rows.sqlite")
        Base.metadata.create_all(self.engine)

    def run(self) -> None:
        """Add and commit."""
        with Session(self.engine) as session:
            session.add(Document(file=FileObject(backend="bench", filename="large.bin", content=self.sent.source)))
            session.commit()


class Down(Player):
    """A stream of a script or of Flask."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.fetched = Fetched(setting)
        self.check = self.fetched.check

    def prepare(self) -> None:
        """Open the bucket."""
        self.fetched.prepare()
        self.storage = opened(self.fetched.bucket, self.fetched.server, self.setting)

    def run(self) -> None:
        """Read."""
        for chunk in self.storage.stream(self.fetched.key):
            self.fetched.take(chunk)


class AsyncDown(AsyncPlayer):
    """A stream of FastAPI or Litestar."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.fetched = Fetched(setting)
        self.check = self.fetched.check

    def prepare(self) -> None:
        """Open the bucket."""
        self.fetched.prepare()
        self.storage = opened(self.fetched.bucket, self.fetched.server, self.setting)

    async def play(self) -> None:
        """Read."""
        async for chunk in self.storage.stream_async(self.fetched.key):
            self.fetched.take(chunk)


def opened(bucket: str, server: Mapping[str, str], setting: Setting) -> ObstoreBackend:
    """Return the storage, with its store made, as those of the others are."""
    more: Any = setting.options.get("backend", {})
    storage = ObstoreBackend("bench", f"s3://{bucket}/", **options_of(server), **more)
    assert storage.native is not None  # noqa: S101  # looked at, it is made
    return storage
