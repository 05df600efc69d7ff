"""The requests of advanced-alchemy."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from advanced_alchemy.base import BigIntBase
from advanced_alchemy.config import SQLAlchemySyncConfig
from advanced_alchemy.types import FileObject, StoredObject
from advanced_alchemy.types.file_object import storages
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Mapped, mapped_column

from benchmarks.players.s3 import counting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.measuring.race import Setting


class Document(BigIntBase):
    """A row with a file."""

    __tablename__ = "document"

    file: Mapped[FileObject] = mapped_column(StoredObject(backend="bench"))


class Library:
    """Sessions of its own configuration."""

    def __init__(self, setting: Setting) -> None:
        url = f"sqlite:///{setting.folder}/rows.sqlite"
        engine = create_engine(url)
        Document.metadata.create_all(engine, [Document.__table__])  # type: ignore[list-item]
        engine.dispose()
        self.config = SQLAlchemySyncConfig(connection_string=url)
        self.driver: str = setting.options["driver"]

    def open(self, server: Mapping[str, str]) -> None:
        """Reach the bucket at this endpoint."""
        if storages.is_registered("bench"):
            storages.unregister_backend("bench")
        storages.register_backend(over_obstore(server) if self.driver == "obstore" else over_s3fs(server))

    def save(self, contents: Sequence[bytes]) -> None:
        """Add and commit; the names have to differ, because they are the keys."""
        with self.config.get_session() as session:
            session.add_all(
                Document(file=FileObject(backend="bench", filename=f"{uuid.uuid4()}.bin", content=content))
                for content in contents
            )
            session.commit()

    def drop(self) -> None:
        """Delete and commit."""
        with self.config.get_session() as session:
            for document in session.scalars(select(Document)).all():
                session.delete(document)
            session.commit()


class Save(counting.Save):
    """Saves."""

    library = Library


class Drop(counting.Drop):
    """Deletes."""

    library = Library


def over_obstore(server: Mapping[str, str]) -> Any:
    """Return a storage over obstore."""
    from advanced_alchemy.types.file_object.backends.obstore import ObstoreBackend  # noqa: PLC0415  # one of two
    from obstore.store import S3Store  # noqa: PLC0415

    from benchmarks.players.stores import options_of  # noqa: PLC0415

    return ObstoreBackend(key="bench", fs=S3Store(server["bucket"], **options_of(server)))


def over_s3fs(server: Mapping[str, str]) -> Any:
    """Return a storage over s3fs."""
    import s3fs  # noqa: PLC0415  # one of two
    from advanced_alchemy.types.file_object.backends.fsspec import FSSpecBackend  # noqa: PLC0415

    system = s3fs.S3FileSystem(
        key=server["access_key"],
        secret=server["secret_key"],
        endpoint_url=server["endpoint"],
        client_kwargs={"region_name": server["region"]},
    )
    return FSSpecBackend(key="bench", fs=system, prefix=server["bucket"])
