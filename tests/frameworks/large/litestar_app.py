"""A Litestar application that takes and gives files: ``python litestar_app.py PORT FOLDER``."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import uvicorn
from litestar import Litestar, Request, delete, get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from holdfast import FileObject, StoredObject, storages
from holdfast.contrib.litestar import FileResponse, HoldfastPlugin, upload_form

PORT, FOLDER = int(sys.argv[1]), sys.argv[2]


class Base(DeclarativeBase):
    pass


class Document(Base):
    __tablename__ = "document"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject] = mapped_column(StoredObject(backend="large"))


engine = create_async_engine(f"sqlite+aiosqlite:///{FOLDER}/litestar.db")


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    """Make the table."""
    storages.register_backend(f"file://{FOLDER}/files/", key="large", durable=False)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()


async def keep(file: Any) -> int:
    """Commit a row with a file; return its number."""
    async with AsyncSession(engine, expire_on_commit=False) as session:
        document = Document(file=file)
        session.add(document)
        await session.commit()
        return document.id


@post("/object", request_max_body_size=None)
async def from_object(data: Annotated[dict[str, UploadFile], Body(media_type=RequestEncodingType.MULTI_PART)]) -> int:
    """Take the framework's upload object."""
    return await keep(data["file"])


@post("/form", request_max_body_size=None)
async def from_form(request: Request[Any, Any, Any]) -> int:
    """Take a form that streams."""
    async with upload_form(request, {"file": Document.file}) as form:
        return await keep(form.files["file"])


@get("/{number:int}")
async def download(number: FromPath[int]) -> FileResponse:
    """Give a file."""
    async with AsyncSession(engine) as session:
        document = await session.get_one(Document, number)
        return FileResponse(document.file)


@delete("/{number:int}")
async def remove(number: FromPath[int]) -> None:
    """Delete a file."""
    async with AsyncSession(engine) as session:
        await session.delete(await session.get_one(Document, number))
        await session.commit()


app = Litestar([from_object, from_form, download, remove], plugins=[HoldfastPlugin()], lifespan=[lifespan])

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="warning")
