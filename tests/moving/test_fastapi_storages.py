"""Tables that fastapi-storages wrote: paths in a text column, of files in a folder or in a bucket."""

import io
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi_storages import FileSystemStorage, S3Storage
from fastapi_storages.integrations.sqlalchemy import FileType
from sqlalchemy import MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from starlette.datastructures import UploadFile

from holdfast import FileObject, StoredObject
from holdfast.backends.obstore import ObstoreBackend
from holdfast.maintenance import verify
from holdfast.maintenance.adopting import from_path
from tests.moving.conftest import House, boto3_client, keys


class Base(DeclarativeBase):
    """The application as it is to be."""


class Person(Base):
    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    old_cv: Mapped[str | None] = mapped_column("cv", String(500))
    cv: Mapped[FileObject | None] = mapped_column("new_cv", StoredObject(backend="people"))


def old_model(storage: Any) -> Any:
    """Return the model of the application as it was, with the new column."""

    class Old(DeclarativeBase):
        metadata = MetaData()

    class OldPerson(Old):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True)
        cv: Mapped[Any] = mapped_column(FileType(storage=storage, upload_to="cvs"), nullable=True)
        new_cv: Mapped[FileObject | None] = mapped_column(StoredObject(backend="people"))

    return OldPerson


def upload(content: bytes, name: str = "cv.pdf") -> UploadFile:
    """Return an upload as FastAPI has it."""
    return UploadFile(io.BytesIO(content), filename=name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the old storage."""
    return tmp_path / "media"


@pytest.fixture
def people(folder: Path, register: Any) -> Any:
    """The same folder as a storage."""
    folder.mkdir()
    return register("people", folder.as_uri())


def write(house: House, model: Any, rows: dict[int, Any]) -> None:
    """Write rows with the library, one after the other."""
    model.metadata.create_all(house.engine)
    with house.session() as session:
        for number, cv in rows.items():
            session.add(model(id=number, cv=cv))
            session.commit()


async def test_paths(house: House, people: Any, folder: Path) -> None:
    """The path is the key; size and time come from the storage, the type from the name."""
    write(house, old_model(FileSystemStorage(folder)), {1: upload(b"Ada"), 2: None, 3: upload(b"Bob!", "Bob B.txt")})
    report = await house.adopt(
        Base, column=Person.cv, source=Person.old_cv, mapping=partial(from_path, storage="people")
    )
    assert (report.ok, report.counts["adopted"]) == (True, 2)
    with house.session() as session:
        ada, nobody, bob = (session.get_one(Person, number).cv for number in (1, 2, 3))
        assert nobody is None
        assert (ada.path, ada.filename, ada.content_type) == ("cvs/cv.pdf", "cv.pdf", "application/pdf")
        assert (ada.size, ada.get_content()) == (3, b"Ada")
        assert (bob.filename, bob.get_content()) == ("Bob_B.txt", b"Bob!")
        assert bob.etag is not None


async def test_old_model(house: House, people: Any, folder: Path) -> None:
    """The column may still have the library's type: the path is read past it, which would open images."""
    model = old_model(FileSystemStorage(folder))
    write(house, model, {1: upload(b"Ada")})
    mapping = partial(from_path, storage="people")
    report = await house.adopt(model.metadata, column=model.new_cv, source=model.cv, mapping=mapping)
    assert (report.ok, report.counts["adopted"]) == (True, 1)


async def test_names_that_clash(house: House, people: Any, folder: Path) -> None:
    """Rows that name one file, by whatever path, have it for themselves: all but the last get copies."""
    model = old_model(FileSystemStorage(folder))
    write(house, model, {1: upload(b"old Ada"), 2: upload(b"Ada"), 3: upload(b"Bob", "bob.pdf")})
    with house.session() as session:
        # The library's value is the whole path to Python, which is what it stores if it is assigned.
        session.add(model(id=4, cv=session.get_one(model, 3).cv))
        session.commit()
    mapping = partial(from_path, storage="people", root=str(folder))
    dry = await house.adopt(Base, column=Person.cv, source="cv", mapping=mapping, dry_run=True)
    assert (dry.ok, dry.counts["to_do"], dry.counts["shared"]) == (True, 4, 2)
    assert keys(people) == {"cvs/cv.pdf", "cvs/bob.pdf"}
    report = await house.adopt(Base, column=Person.cv, source="cv", mapping=mapping)
    assert (report.ok, report.counts["adopted"], report.counts["copied"]) == (True, 4, 2)
    assert [(finding.kind, finding.key) for finding in report.findings] == [
        ("shared", "cvs/cv.pdf"),
        ("shared", "cvs/bob.pdf"),
    ]
    with house.session() as session:
        found = [session.get_one(Person, number) for number in (1, 2, 3, 4)]
        # What the second upload has overwritten is lost since then.
        assert [each.cv.get_content() for each in found] == [b"Ada", b"Ada", b"Bob", b"Bob"]
        assert (found[1].cv.path, found[3].cv.path) == ("cvs/cv.pdf", "cvs/bob.pdf")
        assert len({each.cv.path for each in found}) == 4
        session.delete(found[1])
        session.delete(found[3])
        session.commit()
        assert [each.cv.get_content() for each in (found[0], found[2])] == [b"Ada", b"Bob"]
        assert verify(session, Base).ok


async def test_library_that_makes_new_names(house: House, people: Any, folder: Path) -> None:
    """With OVERWRITE_EXISTING_FILES = False nothing clashes, and nothing is copied."""

    class Careful(FileSystemStorage):
        OVERWRITE_EXISTING_FILES = False

    write(house, old_model(Careful(folder)), {1: upload(b"one"), 2: upload(b"two")})
    report = await house.adopt(Base, column=Person.cv, source="cv", mapping=partial(from_path, storage="people"))
    assert (report.ok, report.counts["adopted"], report.counts["copied"]) == (True, 2, 0)
    with house.session() as session:
        assert [session.get_one(Person, number).cv.get_content() for number in (1, 2)] == [b"one", b"two"]


async def test_bucket(house: House, s3_bucket: Any, register: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and, where a value was assigned again, URLs of a bucket."""
    server = s3_bucket.server

    class Bucket(S3Storage):
        AWS_ACCESS_KEY_ID = server.access_key
        AWS_SECRET_ACCESS_KEY = server.secret_key
        AWS_S3_BUCKET_NAME = s3_bucket.name
        AWS_S3_ENDPOINT_URL = server.endpoint.removeprefix("http://")
        AWS_S3_USE_SSL = False
        AWS_DEFAULT_ACL = "private"

    monkeypatch.setenv("AWS_DEFAULT_REGION", server.region)
    people = register("people", ObstoreBackend("people", s3_bucket.url, **s3_bucket.options))
    model = old_model(Bucket())
    write(house, model, {1: upload(b"Ada")})
    with house.session() as session:
        session.add(model(id=2, cv=session.get_one(model, 1).cv))
        session.commit()
    mapping = partial(from_path, storage="people", root=f"{server.endpoint}/{s3_bucket.name}")
    report = await house.adopt(Base, column=Person.cv, source="cv", mapping=mapping)
    assert (report.ok, report.counts["copied"]) == (True, 1)
    with house.session() as session:
        one, two = (session.get_one(Person, number).cv for number in (1, 2))
        assert (one.get_content(), two.get_content(), two.path) == (b"Ada", b"Ada", "cvs/cv.pdf")
        assert (two.content_type, len(keys(people))) == ("application/pdf", 2)
        assert boto3_client(s3_bucket).head_object(Bucket=s3_bucket.name, Key=one.path)["ContentLength"] == 3
