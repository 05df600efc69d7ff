"""The documents' Litestar application."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

from advanced_alchemy.extensions.litestar import (
    SQLAlchemyAsyncConfig,
    SQLAlchemyDTO,
    SQLAlchemyDTOConfig,
    SQLAlchemyInitPlugin,
    SQLAlchemyPlugin,
    SQLAlchemySyncConfig,
)
from litestar import Litestar, delete, get, post, put
from litestar.datastructures import UploadFile
from litestar.di import Provide
from litestar.enums import RequestEncodingType
from litestar.exceptions import NotFoundException
from litestar.params import Body
from litestar.response import Stream
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from tests.advanced_alchemy.applications.models import (
    Document,
    DocumentSchema,
    DocumentService,
    SyncDocumentService,
    configure_storage,
    file_of,
    shown,
)

MultiPart = Annotated[UploadFile, Body(media_type=RequestEncodingType.MULTI_PART)]


class DocumentDTO(SQLAlchemyDTO[Document]):
    config = SQLAlchemyDTOConfig(exclude={"file", "pages"})


async def provide_service(db_session: AsyncSession) -> AsyncGenerator[DocumentService, None]:
    """Provide the service."""
    async with DocumentService.new(session=db_session) as service:
        yield service


def provide_sync_service(db_session: Session) -> Iterator[SyncDocumentService]:
    """Provide the service in the sync world."""
    with SyncDocumentService.new(session=db_session) as service:
        yield service


@post("/upload")
async def upload(data: MultiPart, service: DocumentService) -> dict[str, Any]:
    """Upload with a dict."""
    file = file_of(data.filename, data.content_type, await data.read())
    return shown(await service.create({"title": data.filename or "untitled", "file": file}))


@post("/upload-model")
async def upload_model(data: MultiPart, service: DocumentService) -> DocumentSchema:
    """Upload with a model, and answer with a schema."""
    file = file_of(data.filename, data.content_type, await data.read())
    document = await service.create(
        Document(title=data.filename or "untitled", file=file, pages=[file_of("p", None, b"p")])
    )
    return service.to_schema(document, schema_type=DocumentSchema)


@post("/upload-answered", status_code=201)
async def upload_answered(data: MultiPart, service: DocumentService) -> Document:
    """Answer with the model itself, as the documents do."""
    file = file_of(data.filename, data.content_type, await data.read())
    return await service.create({"title": data.filename or "untitled", "file": file})


@get("/documents", return_dto=DocumentDTO)
async def documents(service: DocumentService) -> list[Document]:
    """List all."""
    return list(await service.list())


@put("/documents/{document_id:uuid}")
async def replace(document_id: UUID, data: MultiPart, service: DocumentService) -> dict[str, Any]:
    """Replace the file."""
    file = file_of(data.filename, data.content_type, await data.read())
    return shown(await service.update({"file": file}, item_id=document_id))


@get("/download/{document_id:uuid}")
async def download(document_id: UUID, service: DocumentService) -> Stream:
    """Download, in the one chunk that Litestar can stream."""
    document = await service.get(document_id)
    if document.file is None:
        raise NotFoundException
    content = [await document.file.get_content_async()]
    headers = {"Content-Disposition": f'attachment; filename="{document.file.filename}"'}
    return Stream(content=content, media_type=document.file.content_type, headers=headers)


@delete("/documents/{document_id:uuid}")
async def remove(document_id: UUID, service: DocumentService) -> None:
    """Delete a document."""
    await service.delete(document_id)


@post("/fail")
async def fail(data: MultiPart, service: DocumentService) -> None:
    """Fail after the row was flushed."""
    await service.create({"title": "x", "file": file_of("x", None, await data.read())})
    raise NotFoundException


ASYNC = [upload, upload_model, upload_answered, documents, replace, download, remove, fail]


@post("/upload", sync_to_thread=True)
def sync_upload(data: MultiPart, service: SyncDocumentService) -> dict[str, Any]:
    """Upload with a dict."""
    file = file_of(data.filename, data.content_type, data.file.read())
    return shown(service.create({"title": data.filename or "untitled", "file": file}))


@put("/documents/{document_id:uuid}", sync_to_thread=True)
def sync_replace(document_id: UUID, data: MultiPart, service: SyncDocumentService) -> dict[str, Any]:
    """Replace the file."""
    file = file_of(data.filename, data.content_type, data.file.read())
    return shown(service.update({"file": file}, item_id=document_id))


@get("/download/{document_id:uuid}", sync_to_thread=True)
def sync_download(document_id: UUID, service: SyncDocumentService) -> Stream:
    """Download."""
    file = service.get(document_id).file
    if file is None:
        raise NotFoundException
    return Stream(content=[file.get_content()], media_type=file.content_type)


@delete("/documents/{document_id:uuid}", sync_to_thread=True)
def sync_remove(document_id: UUID, service: SyncDocumentService) -> None:
    """Delete a document."""
    service.delete(document_id)


@post("/fail", sync_to_thread=True)
def sync_fail(data: MultiPart, service: SyncDocumentService) -> None:
    """Fail after the row was flushed."""
    service.create({"title": "x", "file": file_of("x", None, data.file.read())})
    raise NotFoundException


SYNC = [sync_upload, sync_replace, sync_download, sync_remove, sync_fail]


def create_app(database: str, storage: str, world: str, plugin: str = "whole") -> Litestar:
    """Make the application."""

    @asynccontextmanager
    async def configure(_: Litestar) -> AsyncIterator[None]:
        configure_storage(storage)
        yield

    kind: Any = SQLAlchemyAsyncConfig if world == "async" else SQLAlchemySyncConfig
    config = kind(connection_string=database, before_send_handler="autocommit", create_all=True)
    return Litestar(
        route_handlers=ASYNC if world == "async" else SYNC,
        plugins=[(SQLAlchemyPlugin if plugin == "whole" else SQLAlchemyInitPlugin)(config)],
        dependencies={"service": Provide(provide_service if world == "async" else provide_sync_service)},
        lifespan=[configure],
        logging_config=None,
    )
