"""Tables that sqlalchemy-file wrote, over a folder and over S3."""

import gc
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from libcloud.storage.drivers.local import LocalStorageDriver
from libcloud.storage.providers import get_driver
from libcloud.storage.types import Provider
from sqlalchemy import JSON, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy_file import File, FileField
from sqlalchemy_file.processors import Processor
from sqlalchemy_file.storage import StorageManager

from holdfast import FileObject, StoredObject
from holdfast.backends.obstore import ObstoreBackend
from holdfast.maintenance import verify
from holdfast.maintenance.adopting import from_sqlalchemy_file, thumbnail_from_sqlalchemy_file
from tests.moving.conftest import House, boto3_client, keys


class Thumbnail(Processor):
    """Stores a second object and notes it just as the library's ThumbnailGenerator does, which needs Pillow."""

    def process(self, file: File, upload_storage: str | None = None) -> None:
        stored = file.store_content(io.BytesIO(b"small"), upload_storage, extra={"content_type": "image/png"})
        place = {"file_id": stored.name, "upload_storage": upload_storage, "path": f"{upload_storage}/{stored.name}"}
        file["thumbnail"] = {**place, "width": 8, "height": 4, "url": stored.get_cdn_url()}


class Old(DeclarativeBase):
    """The application as it was; the migration has added the new columns."""


class OldBook(Old):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    scan: Mapped[Any] = mapped_column(FileField(upload_storage="attachment"), nullable=True)
    cover: Mapped[Any] = mapped_column(FileField(upload_storage="attachment", processors=[Thumbnail()]), nullable=True)
    pages: Mapped[Any] = mapped_column(FileField(upload_storage="attachment", multiple=True), nullable=True)
    new_scan: Mapped[FileObject | None] = mapped_column(StoredObject(backend="attachment"))
    new_cover: Mapped[FileObject | None] = mapped_column(StoredObject(backend="attachment"))
    small_cover: Mapped[FileObject | None] = mapped_column(StoredObject(backend="attachment"))
    new_pages: Mapped[list[FileObject] | None] = mapped_column(StoredObject(backend="attachment", multiple=True))


class New(DeclarativeBase):
    """The application as it is to be: the old columns are plain ones until they are dropped."""


class Book(New):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    old_scan: Mapped[Any] = mapped_column("scan", JSON)
    old_cover: Mapped[Any] = mapped_column("cover", JSON)
    old_pages: Mapped[Any] = mapped_column("pages", JSON)
    scan: Mapped[FileObject | None] = mapped_column("new_scan", StoredObject(backend="attachment"))
    cover: Mapped[FileObject | None] = mapped_column("new_cover", StoredObject(backend="attachment"))
    small_cover: Mapped[FileObject | None] = mapped_column(StoredObject(backend="attachment"))
    pages: Mapped[list[FileObject] | None] = mapped_column(
        "new_pages", StoredObject(backend="attachment", multiple=True)
    )


@pytest.fixture
def container() -> Iterator[Any]:
    """Leave the library without storages, as it was."""
    yield None
    StorageManager._clear()


@pytest.fixture
def folder(container: Any, tmp_path: Path, register: Any) -> Any:
    """A container of libcloud in a folder, and the same folder as a storage."""
    (tmp_path / "upload_dir" / "attachment").mkdir(parents=True)
    driver = LocalStorageDriver(str(tmp_path / "upload_dir"))
    StorageManager.add_storage("attachment", driver.get_container("attachment"))
    return register("attachment", (tmp_path / "upload_dir" / "attachment").as_uri())


def write_books(house: House) -> None:
    """Write rows with the library: all columns, none, and a file with fields of the application's."""
    Old.metadata.create_all(house.engine)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the library leaves its temporary files open
        with house.session() as session:
            pages = [File(content=b"one", filename="1.txt"), File(content=b"two", filename="2.txt")]
            described = File(content=b"%PDF-1", filename="Été.pdf", content_type="application/pdf", shelf=7)
            session.add(OldBook(id=1, scan=described, cover=File(content=b"png", filename="c.png"), pages=pages))
            session.add(OldBook(id=2))
            session.add(OldBook(id=3, scan=b"plain"))
            session.commit()
        del pages, described
        gc.collect()


async def test_all_columns(house: House, folder: Any) -> None:
    """Files, lists and thumbnails are taken over with name, type, size and the application's fields."""
    write_books(house)
    before = keys(folder)
    reports = [
        await house.adopt(New, column=column, source=source, mapping=mapping)
        for column, source, mapping in (
            (Book.scan, Book.old_scan, from_sqlalchemy_file),
            ("book.new_cover", "cover", from_sqlalchemy_file),
            ("book.small_cover", "cover", thumbnail_from_sqlalchemy_file),
            (Book.pages, "pages", from_sqlalchemy_file),
        )
    ]
    assert [report.ok for report in reports] == [True] * 4
    # JSON's null is what the library writes for no file.
    assert [report.counts["adopted"] for report in reports] == [2, 1, 1, 1]
    assert keys(folder) == before
    with house.session() as session:
        book = session.get_one(Book, 1)
        scan, cover, small = book.scan, book.cover, book.small_cover
        assert (scan.filename, scan.content_type, scan.metadata) == ("Été.pdf", "application/pdf", {"shelf": 7})
        assert (scan.size, scan.get_content()) == (6, b"%PDF-1")
        assert scan.etag is not None
        assert (cover.filename, cover.get_content()) == ("c.png", b"png")
        assert (small.metadata, small.get_content()) == ({"width": 8, "height": 4}, b"small")
        assert [(page.filename, page.get_content()) for page in book.pages] == [("1.txt", b"one"), ("2.txt", b"two")]
        assert session.get_one(Book, 2).scan is None
        assert session.get_one(Book, 3).scan.filename == "unnamed"
        assert verify(session, New).counts["files"] == 6


async def test_old_model(house: House, folder: Any) -> None:
    """The columns may still have the library's types: their JSON is read past them."""
    write_books(house)
    report = await house.adopt(Old, column=OldBook.new_scan, source=OldBook.scan, mapping=from_sqlalchemy_file)
    assert (report.ok, report.counts["adopted"]) == (True, 2)


async def test_cleared(house: House, folder: Any) -> None:
    """With `clear` the library holds nothing any more: it deletes nothing of a row that both know."""
    write_books(house)
    for column, source in ((OldBook.new_scan, "scan"), (OldBook.new_pages, "pages"), (OldBook.new_cover, "cover")):
        report = await house.adopt(Old, column=column, source=source, mapping=from_sqlalchemy_file, clear=True)
        assert report.ok
    with house.session() as session:
        book = session.get_one(OldBook, 1)
        assert (book.scan, book.pages, book.cover) == (None, None, None)
        book.new_scan = FileObject(filename="other.pdf", content=b"other")
        session.commit()
        assert book.new_pages[0].get_content() == b"one"
        names = {book.new_scan.path, book.new_cover.path, *(page.path for page in book.new_pages)}
        assert names < keys(folder)
        session.delete(book)
        session.commit()
    assert not names & keys(folder)


async def test_both_libraries_at_once(house: House, folder: Any) -> None:
    """A deployment that still has both columns mapped: whichever deletes first, deleting a row works."""
    write_books(house)
    await house.adopt(Old, column=OldBook.new_scan, source="scan", mapping=from_sqlalchemy_file)
    with house.session() as session:
        book = session.get_one(OldBook, 3)
        path = book.new_scan.path
        session.delete(book)
        session.commit()
        assert session.scalars(select(OldBook.id).order_by(OldBook.id)).all() == [1, 2]
    assert path not in keys(folder)


@pytest.fixture
def bucket(container: Any, s3_bucket: Any, register: Any) -> Any:
    """A container of libcloud in a bucket, and the same bucket as a storage."""
    server = s3_bucket.server
    host, _, port = server.endpoint.removeprefix("http://").partition(":")
    driver = get_driver(Provider.S3)(server.access_key, server.secret_key, secure=False, host=host, port=int(port))
    StorageManager.add_storage("attachment", driver.get_container(s3_bucket.name))
    return register("attachment", ObstoreBackend("attachment", s3_bucket.url, **s3_bucket.options))


async def test_on_s3(house: House, bucket: Any, s3_bucket: Any) -> None:
    """Objects that libcloud put into a bucket are read where they are.

    It puts names with accents into headers as Latin-1, with which no client can read the object: that is a finding,
    and after the headers were replaced, the next run takes the row.
    """
    write_books(house)
    how = {"column": Book.scan, "source": "scan", "mapping": from_sqlalchemy_file}
    report = await house.adopt(New, **how)
    assert (report.counts["adopted"], report.counts["unreadable"]) == (1, 1)
    [finding] = report.findings
    assert finding.rows[0].key == ("1",)
    s3, name = boto3_client(s3_bucket), s3_bucket.name
    source = {"Bucket": name, "Key": finding.key}
    s3.copy_object(Bucket=name, Key=finding.key, CopySource=source, MetadataDirective="REPLACE", Metadata={})
    report = await house.adopt(New, **how)
    assert (report.ok, report.counts["adopted"]) == (True, 1)
    with house.session() as session:
        plain, accented = session.get_one(Book, 3).scan, session.get_one(Book, 1).scan
        assert (plain.content_type, plain.get_content()) == ("application/octet-stream", b"plain")
        assert (accented.filename, accented.get_content()) == ("Été.pdf", b"%PDF-1")
        assert {plain.path, accented.path} < keys(bucket)
