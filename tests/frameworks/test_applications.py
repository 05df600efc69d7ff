"""Storages that a framework's start-up registers, and files that come and go through its requests."""

import io
import urllib.request
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from flask import Flask, request
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StoredObject, storages
from holdfast.backends.obstore import ObstoreBackend
from holdfast.testing.s3 import S3Bucket
from tests.companions import Litestar, UUIDAuditBase


class Base(DeclarativeBase):
    pass


class Document(Base):
    __tablename__ = "framework_document"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject] = mapped_column(StoredObject(backend="started"))


class TeamFile(UUIDAuditBase):
    __tablename__ = "framework_team_file"
    name: Mapped[str]
    file: Mapped[FileObject] = mapped_column(StoredObject(backend="private"))

    @property
    def url(self) -> str:
        return self.file.sign(expires_in=3600)

    async def get_url(self) -> str:
        return await self.file.sign_async(expires_in=3600)


@pytest.fixture(autouse=True)
def storages_as_they_were() -> Any:
    """Leave no storage behind."""
    before = dict(storages.all())
    yield
    storages._backends.clear()
    storages._backends.update(before)


def configure() -> None:
    """Do what an application does when it starts."""
    storages.register_backend(ObstoreBackend(key="started", fs="memory://"))


@asynccontextmanager
async def lifespan(app: Any) -> Any:
    """Configure storages on start-up."""
    configure()
    yield


async def test_b4_a_litestar_lifespan() -> None:
    """The storage is there once the application runs, also for models that were imported before."""
    assert "started" not in storages
    async with Litestar(lifespan=[lifespan]).lifespan():
        assert FileObject(backend="started", filename="a", content=b"a").save().size == 1


async def test_b4_a_fastapi_lifespan() -> None:
    """The same."""
    assert "started" not in storages
    app = FastAPI(lifespan=lifespan)
    async with app.router.lifespan_context(app):
        assert FileObject(backend="started", filename="a", content=b"a").save().size == 1


def create_app(engine: Any) -> Flask:
    """Make the application, as the documents do."""
    app = Flask(__name__)
    with app.app_context():
        configure()

    @app.post("/documents")
    def upload() -> Any:
        with Session(engine) as session:
            document = Document(file=FileObject(content=request.files["file"], metadata={"by": "flask"}))
            session.add(document)
            if request.args.get("fail"):
                session.flush()
                raise RuntimeError
            session.commit()
            return {"id": document.id, **document.file.describe()}, 201

    @app.get("/documents/<int:number>")
    def download(number: int) -> Any:
        with Session(engine) as session:
            file = session.get_one(Document, number).file
            return file.iter_content(chunk_size=1000), {"Content-Type": file.content_type}

    @app.delete("/documents/<int:number>")
    def delete(number: int) -> Any:
        with Session(engine) as session:
            session.delete(session.get_one(Document, number))
            session.commit()
            return "", 204

    return app


def test_b68_a_flask_application(tmp_path: Any) -> None:
    """Sync from end to end: the upload object of the request is the content; what fails leaves nothing."""
    engine = create_engine(f"sqlite:///{tmp_path}/flask.db")
    Base.metadata.create_all(engine)
    client = create_app(engine).test_client()
    data = bytes(range(256)) * 1000  # less than what makes the test client leave a temporary file open
    upload = {"file": (io.BytesIO(data), "Übersicht.pdf", "application/pdf")}
    with client.post("/documents", data=upload, buffered=True) as answer:
        assert answer.status_code == 201
    assert answer.json is not None
    assert (answer.json["filename"], answer.json["size"]) == ("Übersicht.pdf", len(data))
    found = client.get(f"/documents/{answer.json['id']}")
    assert (found.data, found.content_type) == (data, "application/pdf")
    assert client.post("/documents?fail=1", data={"file": (io.BytesIO(b"x"), "x")}).status_code == 500
    assert len(list(storages.get("started").list())) == 1
    assert client.delete(f"/documents/{answer.json['id']}").status_code == 204
    assert list(storages.get("started").list()) == []
    engine.dispose()


async def test_b69_a_url_as_a_property_and_as_a_method(tmp_path: Any, s3_bucket: S3Bucket) -> None:
    """A model of advanced-alchemy with a private storage: both URLs read the file without credentials."""
    storages.register_backend(ObstoreBackend(key="private", fs=s3_bucket.url, **s3_bucket.options))
    engine = create_engine(f"sqlite:///{tmp_path}/team.db")
    TeamFile.metadata.create_all(engine, tables=[TeamFile.__table__])  # type: ignore[list-item]
    with Session(engine) as session:
        team_file = TeamFile(name="plan", file=FileObject(filename="plan.txt", content=b"bytes"))
        session.add(team_file)
        session.commit()
        for url in (team_file.url, await team_file.get_url()):
            with urllib.request.urlopen(url) as answer:
                assert answer.read() == b"bytes"
    engine.dispose()
