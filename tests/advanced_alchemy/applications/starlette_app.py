"""The same application with Starlette and advanced-alchemy's extension for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from advanced_alchemy.extensions.starlette import AdvancedAlchemy, SQLAlchemyAsyncConfig
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.advanced_alchemy.applications.models import DocumentService, configure_storage, file_of, shown


def create_app(database: str, storage: str, world: str) -> Starlette:
    """Make the application."""
    assert world == "async"

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        configure_storage(storage)
        yield

    def service_of(request: Request) -> DocumentService:
        return DocumentService(session=alchemy.get_async_session(request))

    async def sent(request: Request) -> Any:
        data = (await request.form())["data"]
        return data.filename, file_of(data.filename, data.content_type, await data.read())

    async def upload(request: Request) -> Response:
        name, file = await sent(request)
        return JSONResponse(shown(await service_of(request).create({"title": name, "file": file})), 201)

    async def replace(request: Request) -> Response:
        _, file = await sent(request)
        return JSONResponse(shown(await service_of(request).update({"file": file}, item_id=request.path_params["id"])))

    async def download(request: Request) -> Response:
        file = (await service_of(request).get(request.path_params["id"])).file
        return StreamingResponse(file.iter_content_async(), media_type=file.content_type)

    async def remove(request: Request) -> Response:
        await service_of(request).delete(request.path_params["id"])
        return Response(status_code=204)

    async def fail(request: Request) -> Response:
        _, file = await sent(request)
        await service_of(request).create({"title": "x", "file": file})
        raise HTTPException(404)

    app = Starlette(
        routes=[
            Route("/upload", upload, methods=["POST"]),
            Route("/documents/{id:uuid}", replace, methods=["PUT"]),
            Route("/download/{id:uuid}", download),
            Route("/documents/{id:uuid}", remove, methods=["DELETE"]),
            Route("/fail", fail, methods=["POST"]),
        ],
        lifespan=lifespan,
    )
    config = SQLAlchemyAsyncConfig(connection_string=database, commit_mode="autocommit", create_all=True)
    alchemy = AdvancedAlchemy(config=config, app=app)
    return app
