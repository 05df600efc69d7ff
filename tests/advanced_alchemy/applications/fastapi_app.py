"""The documents' FastAPI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from advanced_alchemy.extensions.fastapi import AdvancedAlchemy, SQLAlchemyAsyncConfig, SQLAlchemySyncConfig
from fastapi import Depends, FastAPI, HTTPException, Response, UploadFile

from tests.advanced_alchemy.applications.models import (
    DocumentService,
    SyncDocumentService,
    configure_storage,
    file_of,
    shown,
)


def create_app(database: str, storage: str, world: str) -> FastAPI:
    """Make the application."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        configure_storage(storage)
        yield

    app = FastAPI(lifespan=lifespan)
    kind: Any = SQLAlchemyAsyncConfig if world == "async" else SQLAlchemySyncConfig
    alchemy = AdvancedAlchemy(
        config=kind(connection_string=database, commit_mode="autocommit", create_all=True), app=app
    )
    (_add_async if world == "async" else _add_sync)(app, alchemy)
    return app


def _add_async(app: FastAPI, alchemy: AdvancedAlchemy) -> None:
    service_of_request = Depends(alchemy.provide_service(DocumentService))

    @app.post("/upload", status_code=201)
    async def upload(data: UploadFile, service: Any = service_of_request) -> dict[str, Any]:
        file = file_of(data.filename, data.content_type, await data.read())
        return shown(await service.create({"title": data.filename or "untitled", "file": file}))

    @app.put("/documents/{document_id}")
    async def replace(document_id: UUID, data: UploadFile, service: Any = service_of_request) -> dict[str, Any]:
        file = file_of(data.filename, data.content_type, await data.read())
        return shown(await service.update({"file": file}, item_id=document_id))

    @app.get("/download/{document_id}")
    async def download(document_id: UUID, service: Any = service_of_request) -> Response:
        file = (await service.get(document_id)).file
        return Response(await file.get_content_async(), media_type=file.content_type)

    @app.delete("/documents/{document_id}", status_code=204)
    async def remove(document_id: UUID, service: Any = service_of_request) -> None:
        await service.delete(document_id)

    @app.post("/fail")
    async def fail(data: UploadFile, service: Any = service_of_request) -> None:
        await service.create({"title": "x", "file": file_of("x", None, await data.read())})
        raise HTTPException(404)


def _add_sync(app: FastAPI, alchemy: AdvancedAlchemy) -> None:
    service_of_request = Depends(alchemy.provide_service(SyncDocumentService))

    @app.post("/upload", status_code=201)
    def upload(data: UploadFile, service: Any = service_of_request) -> dict[str, Any]:
        file = file_of(data.filename, data.content_type, data.file.read())
        return shown(service.create({"title": data.filename or "untitled", "file": file}))

    @app.put("/documents/{document_id}")
    def replace(document_id: UUID, data: UploadFile, service: Any = service_of_request) -> dict[str, Any]:
        file = file_of(data.filename, data.content_type, data.file.read())
        return shown(service.update({"file": file}, item_id=document_id))

    @app.get("/download/{document_id}")
    def download(document_id: UUID, service: Any = service_of_request) -> Response:
        file = service.get(document_id).file
        return Response(file.get_content(), media_type=file.content_type)

    @app.delete("/documents/{document_id}", status_code=204)
    def remove(document_id: UUID, service: Any = service_of_request) -> None:
        service.delete(document_id)

    @app.post("/fail")
    def fail(data: UploadFile, service: Any = service_of_request) -> None:
        service.create({"title": "x", "file": file_of("x", None, data.file.read())})
        raise HTTPException(404)
