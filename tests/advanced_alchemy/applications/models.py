"""The model, service and schema of the documents: nothing here is of Holdfast."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from advanced_alchemy.base import BigIntAuditBase, UUIDAuditBase
from advanced_alchemy.repository import SQLAlchemyAsyncRepository, SQLAlchemySyncRepository
from advanced_alchemy.service import SQLAlchemyAsyncRepositoryService, SQLAlchemySyncRepositoryService
from advanced_alchemy.types import FileObject, StoredObject
from advanced_alchemy.types.file_object import FileObjectList, storages
from advanced_alchemy.types.file_object.backends.obstore import ObstoreBackend
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column


class Document(UUIDAuditBase):
    __tablename__ = "documents"
    title: Mapped[str] = mapped_column(String(100))
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="documents"))
    pages: Mapped[FileObjectList | None] = mapped_column(StoredObject(backend="documents", multiple=True))


class Picture(BigIntAuditBase):
    __tablename__ = "pictures"
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="documents"))


class DocumentService(SQLAlchemyAsyncRepositoryService[Document]):
    class Repository(SQLAlchemyAsyncRepository[Document]):
        """Its repository."""

        model_type = Document

    repository_type = Repository


class SyncDocumentService(SQLAlchemySyncRepositoryService[Document]):
    class Repository(SQLAlchemySyncRepository[Document]):
        """Its repository."""

        model_type = Document

    repository_type = Repository


class DocumentSchema(msgspec.Struct):
    id: UUID
    title: str
    created_at: datetime


def configure_storage(url: str) -> None:
    """Register the storage, when the application starts."""
    storages.register_backend(ObstoreBackend(key="documents", fs=url))


def file_of(filename: str | None, content_type: str | None, content: bytes) -> FileObject:
    """Return the file of an upload, as the documents make it."""
    return FileObject(
        backend="documents",
        filename=filename or "file",
        content_type=content_type or "application/octet-stream",
        content=content,
    )


def shown(document: Any) -> dict[str, Any]:
    """Return what an application's answer says of a document."""
    return {
        "id": str(document.id),
        "title": document.title,
        "size": document.file.size,
        "content_type": document.file.content_type,
        "pages": [page.size for page in document.pages or []],
    }
