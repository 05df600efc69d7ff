"""A FastAPI application that takes and gives files: ``python fastapi_app.py PORT FOLDER``."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, UploadFile
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from holdfast import FileObject, StoredObject, storages
from holdfast.contrib.fastapi import FileResponse, upload_form

PORT, FOLDER = int(sys.argv[1]), sys.argv[2]


class Base(DeclarativeBase):
    pass


class Document(Base):
    __tablename__ = "document"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject] = mapped_column(StoredObject(backend="large"))


engine = create_async_engine(f"sqlite+aiosqlite:///{FOLDER}/fastapi.db")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Make the table."""
    storages.register_backend(f"file://{FOLDER}/files/", key="large", durable=False)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


async def keep(file: Any) -> int:
    """Commit a row with a file; return its number."""
    async with AsyncSession(engine) as session:
        document = Document(file=file)
        session.add(document)
        await session.commit()
        await session.refresh(document)
        return document.id


@app.post("/object")
async def from_object(file: UploadFile) -> int:
    """Take the framework's upload object."""
    return await keep(file)


@app.post("/form")
async def from_form(request: Request) -> int:
    """Take a form that streams."""
    async with upload_form(request, {"file": Document.file}) as form:
        return await keep(form.files["file"])


@app.get("/{number}")
async def download(number: int) -> FileResponse:
    """Give a file."""
    async with AsyncSession(engine) as session:
        document = await session.get_one(Document, number)
        return FileResponse(document.file)


@app.delete("/{number}")
async def delete(number: int) -> None:
    """Delete a file."""
    async with AsyncSession(engine) as session:
        await session.delete(await session.get_one(Document, number))
        await session.commit()


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="warning")
