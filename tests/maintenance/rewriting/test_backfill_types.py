"""`backfill` on storages of several kinds: where content types come from, and what a storage does not have."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StorageBackend, StoredObject, storages
from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers.protocol import MIB
from holdfast.errors import BucketNotFoundError
from holdfast.maintenance import backfill
from holdfast.testing.s3 import S3Bucket

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


class Base(DeclarativeBase):
    pass


class Photo(Base):
    __tablename__ = "photo"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="photos"))


@pytest.fixture
def session() -> Iterator[Session]:
    """A session on an empty database in memory."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()
    storages._backends.pop("photos", None)


@pytest.fixture
def memory(session: Session) -> StorageBackend:
    """A storage that keeps content types."""
    return storages.register_backend("memory://", key="photos")


def add(session: Session, name: str, **fields: object) -> int:
    """Add a row that says little."""
    value = json.dumps({"backend": "photos", "filename": name} | fields)
    session.execute(text("INSERT INTO photo (file) VALUES (:value)"), {"value": value})
    number: int = session.execute(text("SELECT max(id) FROM photo")).scalar_one()
    session.commit()
    return number


def loaded(session: Session, number: int) -> FileObject:
    """Return a row's file as it is committed."""
    session.rollback()
    found = session.get_one(Photo, number).file
    assert found is not None
    session.rollback()
    return found


@pytest.mark.parametrize(
    ("name", "content", "told", "expected"),
    [
        ("a.jpg", PNG, "image/webp", "image/webp"),
        ("a.jpg", PNG, "application/octet-stream", "image/jpeg"),
        ("a.jpg", PNG, None, "image/jpeg"),
        ("a", PNG, "binary/octet-stream", "image/png"),
        ("a", b"plain words", None, "text/plain"),
        ("a", b"<html><script>", None, "application/octet-stream"),
        ("a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", None, "application/octet-stream"),
        ("a", bytes(8), None, "application/octet-stream"),
        ("page.html", b"<html>", None, "text/html"),
    ],
)
def test_where_a_content_type_comes_from(  # noqa: PLR0917  # a row of the table
    session: Session, memory: StorageBackend, name: str, content: bytes, told: str | None, expected: str
) -> None:
    """From the storage, else the name, else the first bytes; never what a browser would run, from bytes alone."""
    memory.put(name, content, content_type=told)
    number = add(session, name)
    report = backfill(session, Base, fields=["content_type"])
    assert (loaded(session, number).to_dict()["content_type"], report.counts["filled"]) == (expected, 1)
    assert report.counts["read_bytes"] == (len(content) if name == "a" else 0)


@pytest.mark.parametrize(("fields", "expected"), [(["checksum", "content_type"], "image/png"), (["checksum"], None)])
def test_a_type_that_says_nothing(
    session: Session, memory: StorageBackend, fields: list[str], expected: str | None
) -> None:
    """Where the bytes are read anyway, it becomes the one that they show, if types are asked for at all."""
    memory.put("a", PNG)
    number = add(session, "a", content_type="application/octet-stream")
    assert backfill(session, Base, fields=["content_type"]).counts["to_do"] == 0
    backfill(session, Base, fields=fields)
    assert loaded(session, number).content_type == (expected or "application/octet-stream")


def test_only_the_beginning_is_read_for_a_type(session: Session, memory: StorageBackend) -> None:
    """An object of any size costs its first bytes."""
    memory.put("a", PNG + bytes(5 * MIB))
    add(session, "a")
    assert 0 < backfill(session, Base, fields=["content_type"]).counts["read_bytes"] < MIB


def test_what_the_storage_does_not_have(session: Session, tmp_path: Path) -> None:
    """A storage that is set to no checksums makes none, and a row without one asks for nothing then."""
    storage = storages.register_backend(ObstoreBackend("photos", tmp_path.as_uri(), checksum=None))
    storage.put("a.png", PNG)
    number = add(session, "a.png")
    assert backfill(session, Base).counts["filled"] == 1
    assert (loaded(session, number).checksum, loaded(session, number).size) == (None, len(PNG))
    assert backfill(session, Base).counts["to_do"] == 0


def test_the_algorithm_of_the_storage(session: Session, tmp_path: Path) -> None:
    """The checksum is of the kind that writes compute."""
    storage = storages.register_backend(ObstoreBackend("photos", tmp_path.as_uri(), checksum="blake3"))
    storage.put("a.png", PNG)
    number = add(session, "a.png")
    backfill(session, Base)
    file = loaded(session, number)
    assert str(file.checksum).startswith("blake3:")
    file.verify()


def test_on_s3(session: Session, s3_bucket: S3Bucket) -> None:
    """Etag and version are S3's own, the type is the object's, and a large object is hashed as it streams."""
    storage = storages.register_backend(ObstoreBackend("photos", s3_bucket.url, **s3_bucket.options))
    storage.put("big", bytes(12 * MIB), content_type="image/webp")
    number = add(session, "big")
    report = backfill(session, Base)
    file, info = loaded(session, number), storage.stat("big")
    assert (file.size, file.etag, file.last_modified) == (info.size, info.etag, info.last_modified)
    assert (file.content_type, report.counts["read_bytes"]) == ("image/webp", 12 * MIB)
    file.verify()


def test_a_bucket_that_is_not_there(session: Session, s3_bucket: S3Bucket) -> None:
    """It is not called a missing file: what is wrong is the storage."""
    options = s3_bucket.options
    storages.register_backend(ObstoreBackend("photos", f"{s3_bucket.url.rstrip('/')}-gone", **options))
    add(session, "a.png")
    report = backfill(session, Base)
    assert [found.kind for found in report.findings] == ["failed"]
    assert report.counts[f"failed: {BucketNotFoundError.__name__}"] == 1
