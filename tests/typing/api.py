"""The public API as a user writes it. Type-checked by pyright in strict mode, never run."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, BinaryIO, assert_type

from fastapi import FastAPI, Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StorageBackend, StoredObject, storages, uploads
from holdfast.backends.obstore import ObstoreBackend
from holdfast.contrib import fastapi
from holdfast.contrib.alembic import render_item, render_item_as_json
from holdfast.errors import FileRejectedError, HoldfastError, NotFoundError, StorageError
from holdfast.objects import ObjectInfo
from holdfast.rules import Candidate
from holdfast.serving import asgi


class Base(DeclarativeBase):
    pass


def by_tenant(row: Any, file: Any) -> str:
    return f"{row.tenant}/{file.filename}"


class Document(Base):
    __tablename__ = "documents"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="local"))
    pages: Mapped[list[FileObject]] = mapped_column(StoredObject(backend="local", multiple=True))
    named: Mapped[FileObject | None] = mapped_column(StoredObject("local", key_scheme="{row.tenant}/{id}", strict=True))
    called: Mapped[FileObject | None] = mapped_column(StoredObject("local", key_scheme=by_tenant))


def registry() -> None:
    backend = ObstoreBackend(key="s3", fs="s3://my-bucket/", aws_region="us-west-2", aws_access_key_id=None)
    assert_type(storages.register_backend(backend), StorageBackend)
    assert_type(storages.register_backend("memory://", key="docs"), StorageBackend)
    assert_type(storages.get("docs"), StorageBackend)
    for key, storage in storages.all().items():
        assert_type(key, str)
        assert_type(storage, StorageBackend)
    if "docs" in storages:
        storages.unregister("docs")
    storages.clear()


def files() -> None:
    file = FileObject(
        backend="local",
        filename="report.pdf",
        to_filename=None,
        content_type="application/pdf",
        size=None,
        last_modified=None,
        checksum=None,
        etag=None,
        version_id=None,
        metadata={"author": "Ada", "tags": ["a"]},
        source_path=Path("report.pdf"),
    )
    FileObject(filename="a.txt", content=b"text")
    assert_type(file.save(), FileObject)
    assert_type(file.save(b"new", use_multipart=True, chunk_size=50 * 1024 * 1024, max_concurrency=20), FileObject)
    assert_type(file.get_content(), bytes)
    assert_type(file.get_content(start=-10, end=None), bytes)
    assert_type(file.iter_content(chunk_size=1024), Iterator[bytes])
    assert_type(file.open(), BinaryIO)
    assert_type(file.exists(), bool)
    assert_type(file.delete(), None)
    assert_type(file.refresh(), FileObject)
    assert_type(file.copy_to("s3"), FileObject)
    assert_type(file.verify(), None)
    assert_type(file.sign(expires_in=60, for_upload=True), str)
    assert_type(file.sign(disposition="inline", content_type="image/png"), str)
    assert_type(file.sign(disposition=None), str)
    assert_type(file.filename, str)
    assert_type(file.path, str | None)
    assert_type(file.content_type, str)
    assert_type(file.size, int | None)
    assert_type(file.last_modified, float | None)
    assert_type(file.checksum, str | None)
    assert_type(file.etag, str | None)
    assert_type(file.version_id, str | None)
    assert_type(file.metadata, dict[str, Any])
    assert_type(file.backend, StorageBackend)
    assert_type(file.backend == "local-legacy", bool)
    assert_type(file.to_dict(), dict[str, Any])
    file.content_type = "text/plain"
    file.metadata = {"a": 1}
    file.update_metadata({"b": 2})


async def files_async(file: FileObject) -> None:
    assert_type(await file.save_async(), FileObject)
    assert_type(await file.get_content_async(start=0, end=10), bytes)
    assert_type(file.iter_content_async(), AsyncIterator[bytes])
    async for chunk in file.iter_content_async():
        assert_type(chunk, bytes)
    assert_type(await file.exists_async(), bool)
    await file.delete_async()
    assert_type(await file.refresh_async(), FileObject)
    assert_type(await file.copy_to_async(storages.get("s3")), FileObject)
    await file.verify_async()
    assert_type(await file.sign_async(expires_in=300, for_upload=True), str)
    assert_type(await file.sign_async(disposition="attachment"), str)
    await asyncio.gather(*[each.save_async() for each in [file]])


def rows(session: Session) -> None:
    document = Document(file=FileObject(filename="a.txt", content=b"x"), pages=[])
    session.add(document)
    document.pages.append(FileObject(filename="b.txt", content=Path("b.txt")))
    session.commit()
    if document.file is not None:
        assert_type(document.file.get_content(), bytes)
    for each in session.scalars(select(Document).where(Document.file.isnot(None))):
        assert_type(each.file, FileObject | None)
    session.scalars(select(Document.id).where(Document.file["size"].as_integer() > 10))


async def rows_async(session: AsyncSession) -> None:
    document = await session.get_one(Document, 1)
    document.file = FileObject(filename="a.txt", content=b"x")
    await session.commit()


def storage(backend: StorageBackend) -> None:
    assert_type(backend.put("a.txt", b"x", if_absent=True), ObjectInfo)
    assert_type(backend.read("a.txt"), bytes)
    assert_type(backend.stat("a.txt").size, int)
    for info in backend.list("folder", after="folder/a"):
        assert_type(info, ObjectInfo)
    backend.delete(["a.txt", "b.txt"])


def errors(file: FileObject) -> None:
    try:
        file.get_content()
    except NotFoundError as error:
        assert_type(error.path, str | None)
    except StorageError as error:
        assert_type(error.operation, str | None)
    except HoldfastError as error:
        assert_type(error.message, str)


def alembic() -> None:
    hooks = [render_item, render_item_as_json]
    assert hooks


def not_too_long(candidate: Candidate) -> str | None:
    return "the name is too long" if len(candidate.filename) > 100 else None


class Picture(Base):
    __tablename__ = "typed_picture"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject] = mapped_column(
        StoredObject(backend="s3", max_size=1_000_000, accept=["image/*"], validators=[not_too_long])
    )


async def tickets() -> None:
    ticket = uploads.issue(Picture.file, filename="a.png", size=10, content_type="image/png", purpose="user:7")
    assert_type(ticket.token, str)
    assert_type(uploads.claim(ticket.token, Picture.file, purpose="user:7"), FileObject)
    assert_type(await uploads.claim_async(ticket.token, Picture.file, purpose="user:7"), FileObject)


def urls(file: FileObject) -> None:
    storages.sign_urls(base_url="https://example.com/files", secret=["a newer secret", "an older secret"])
    assert_type(file.url(), str)
    assert_type(file.sign(for_upload=True, size=10), str)


async def served(file: FileObject, scope: Any, receive: Any, send: Any) -> None:
    await asgi.FileResponse(file, disposition="inline")(scope, receive, send)
    await asgi.SignedFiles(allow_origins=["https://example.com"])(scope, receive, send)


def may(request: Request, action: str, row: Picture) -> bool:
    return True


def routes(app: FastAPI, session: Session) -> None:
    app.include_router(fastapi.file_router(Picture.file, session=lambda: session, authorize=may))


def rejected(error: FileRejectedError) -> None:
    assert_type(error.code, str)
    assert_type(error.field, str | None)
    assert_type(error.to_dict(), dict[str, Any])
