"""The models that the tests of direct uploads share."""

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from holdfast import FileObject, StoredObject
from holdfast.rules import Candidate

STORAGE = "parcels"
"""A storage of these tests' own: some of them sweep it."""

OTHER = "parcels-elsewhere"

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"


def verdict(candidate: Candidate) -> str | None:
    """What the application thinks of a file; tests change its mind."""
    return "it has a virus" if b"EICAR" in candidate.head else None


def judged(candidate: Candidate) -> str | None:
    """A rule of the application's."""
    return verdict(candidate)


class Base(DeclarativeBase):
    pass


class Parcel(Base):
    __tablename__ = "parcel"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend=STORAGE))
    photo: Mapped[FileObject | None] = mapped_column(
        StoredObject(backend=STORAGE, max_size=1000, accept=["image/*"], validators=[judged])
    )
    pages: Mapped[list[FileObject] | None] = mapped_column(StoredObject(backend=STORAGE, multiple=True))
    elsewhere: Mapped[FileObject | None] = mapped_column(StoredObject(backend=OTHER))


class Letter(Base):
    __tablename__ = "letter"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend=STORAGE))
