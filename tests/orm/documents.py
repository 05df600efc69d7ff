"""The models that the tests of columns and sessions share."""

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from holdfast import FileObject, StoredObject


class Base(DeclarativeBase):
    pass


class Document(Base):
    __tablename__ = "document"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str | None]
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))
    cover: Mapped[FileObject | None] = mapped_column(StoredObject(backend="archive"))
    pages: Mapped[list[FileObject] | None] = mapped_column(StoredObject(backend="docs", multiple=True))
    late: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"), deferred=True)
    strict: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs", strict=True))


def file(content: bytes = b"x", **fields: object) -> FileObject:
    """Return a pending file."""
    return FileObject(**{"filename": "a.txt", "content": content} | fields)
