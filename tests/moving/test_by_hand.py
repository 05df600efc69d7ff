"""Columns that an application filled itself with boto3: bucket and key, or a URL."""

import hashlib
from functools import partial
from typing import Any

import pytest
from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from holdfast import FileObject, StoredObject
from holdfast.backends.obstore import ObstoreBackend
from holdfast.maintenance import verify
from holdfast.maintenance.adopting import from_path, from_url
from tests.moving.conftest import House, boto3_client


class Base(DeclarativeBase):
    pass


class Invoice(Base):
    __tablename__ = "invoice"
    id: Mapped[int] = mapped_column(primary_key=True)
    bucket: Mapped[str | None] = mapped_column(String(63))
    key: Mapped[str | None] = mapped_column(String(1024))
    name: Mapped[str | None] = mapped_column(String(255))
    length: Mapped[int | None] = mapped_column()
    sha256: Mapped[str | None] = mapped_column(String(64))
    url: Mapped[str | None] = mapped_column(String(2000))
    scan: Mapped[FileObject | None] = mapped_column(StoredObject(backend="invoices"))
    same: Mapped[FileObject | None] = mapped_column(StoredObject(backend="invoices"))


@pytest.fixture
def invoices(s3_bucket: Any, register: Any) -> Any:
    """The bucket as a storage."""
    return register("invoices", ObstoreBackend("invoices", s3_bucket.url, **s3_bucket.options))


def upload(house: House, bucket: Any, content: bytes) -> None:
    """Upload as the application did, and insert its row; a second row has no file."""
    s3, name, key = boto3_client(bucket), bucket.name, "2024/Rechnung Nr. 7+ü.pdf"
    s3.put_object(Bucket=name, Key=key, Body=content, ContentType="application/pdf")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": name, "Key": key})
    Base.metadata.create_all(house.engine)
    with house.session() as session:
        sha256 = hashlib.sha256(content).hexdigest()
        facts = {"length": len(content), "sha256": sha256}
        session.add(Invoice(id=1, bucket=name, key=key, name="Rechnung.pdf", url=url, **facts))
        session.add(Invoice(id=2, url=""))
        session.commit()


async def test_bucket_and_key(house: House, s3_bucket: Any, invoices: Any) -> None:
    """A function of several columns; the checksum that the row knew is kept, and verified against the bytes."""
    upload(house, s3_bucket, b"%PDF-")

    def file(bucket: str, key: str | None, name: str, length: int, sha256: str) -> FileObject | None:
        return key and FileObject(
            backend={s3_bucket.name: "invoices"}[bucket],
            filename=name,
            to_filename=key,
            size=length,
            checksum=f"sha256:{sha256}",
        )

    columns = [Invoice.bucket, Invoice.key, Invoice.name, Invoice.length, "sha256"]
    report = await house.adopt(Base, column=Invoice.scan, source=columns, mapping=file)
    assert (report.ok, report.counts["adopted"], report.counts["rows"]) == (True, 1, 1)
    with house.session() as session:
        scan = session.get_one(Invoice, 1).scan
        assert (scan.filename, scan.content_type, scan.size) == ("Rechnung.pdf", "application/pdf", 5)
        assert scan.checksum == f"sha256:{hashlib.sha256(b'%PDF-').hexdigest()}"
        assert scan.get_content() == b"%PDF-"
        assert verify(session, Base, deep=True).counts["hashed"] == 1


async def test_type_that_says_nothing(house: House, s3_bucket: Any, invoices: Any) -> None:
    """boto3 names no type by itself, and S3 makes one up: the name tells more."""
    upload(house, s3_bucket, b"%PDF-")
    boto3_client(s3_bucket).put_object(Bucket=s3_bucket.name, Key="2.pdf", Body=b"2")
    with house.session() as session:
        session.get_one(Invoice, 2).key = "2.pdf"
        session.commit()
    mapping = partial(from_path, storage="invoices")
    report = await house.adopt(Base, column=Invoice.scan, source=Invoice.key, mapping=mapping)
    assert report.ok
    with house.session() as session:
        assert session.get_one(Invoice, 2).scan.content_type == "application/pdf"


async def test_urls(house: House, s3_bucket: Any, invoices: Any) -> None:
    """A signed URL in the column leads to the key; the type is the bucket's, the name the key's last part."""
    upload(house, s3_bucket, b"%PDF-")
    mapping = partial(from_url, storages={f"{s3_bucket.server.endpoint}/{s3_bucket.name}": "invoices"})
    report = await house.adopt(Base, column=Invoice.scan, source="url", mapping=mapping)
    assert (report.ok, report.counts["adopted"], report.counts["empty"]) == (True, 1, 1)
    other = partial(from_url, storages={"https://elsewhere.example/": "invoices"})
    report = await house.adopt(Base, column=Invoice.same, source="url", mapping=other)
    assert (report.ok, report.counts["malformed"]) == (False, 1)
    with house.session() as session:
        scan = session.get_one(Invoice, 1).scan
        assert (scan.path, scan.filename) == ("2024/Rechnung Nr. 7+ü.pdf", "Rechnung Nr. 7+ü.pdf")
        assert (scan.content_type, scan.get_content()) == ("application/pdf", b"%PDF-")
