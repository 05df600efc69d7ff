"""A small gallery: files go from the browser to the storage by tickets, and commit with their rows.

    make serve                                             # SQLite and a folder, in build/gallery
    make serve SERVE_ARGS="--database postgresql+asyncpg://me@localhost/test --storage s3://bucket/gallery/"

It has no users and is for a laptop: `permit` below is where an application asks who is there.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from holdfast import FileObject, StoredObject, storages, uploads
from holdfast.contrib.starlette import exception_handlers
from holdfast.serving.asgi import SignedFiles

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

STATIC = Path(__file__).parent / "static"
MEGABYTE = 1_000_000
PURPOSE = "gallery"


class Base(DeclarativeBase):
    """The gallery's tables."""


class Entry(Base):
    """A file in the gallery."""

    __tablename__ = "holdfast_gallery"

    id: Mapped[int] = mapped_column(primary_key=True)
    added_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC).replace(tzinfo=None))
    file: Mapped[FileObject] = mapped_column(
        StoredObject(backend="gallery", max_size=20_000 * MEGABYTE, accept=["*/*"])
    )


class Wish(BaseModel):
    """What a browser says of a file that it wants to send."""

    filename: str = Field(min_length=1, max_length=1000)
    size: int = Field(ge=0)
    content_type: str = ""


class Arrival(BaseModel):
    """The ticket of a file that was sent."""

    token: str


class Transaction:
    """The one that the panel holds open, if any; changes of all browsers go into it one after the other."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions
        self.turn = asyncio.Lock()
        self.held: AsyncSession | None = None
        self.changes = 0

    @asynccontextmanager
    async def change(self) -> AsyncIterator[AsyncSession]:
        """Give a session for one change: of the open transaction, or a fresh one that is committed at the end."""
        async with self.turn:
            if self.held is None:
                async with self._sessions() as session, session.begin():
                    yield session
                return
            async with self.held.begin_nested():  # a change that fails takes no other with it
                yield self.held
            self.changes += 1

    async def begin(self) -> None:
        """Hold the next changes open."""
        async with self.turn:
            if self.held is None:
                self.held, self.changes = self._sessions(), 0

    async def end(self, how: str) -> None:
        """Commit them, or roll them back."""
        async with self.turn:
            if self.held is not None:
                session, self.held = self.held, None
                async with session:
                    await (session.commit() if how == "commit" else session.rollback())


async def permit(request: Request) -> None:
    """Let everybody do everything."""


def create_app(engine: AsyncEngine, storage: str, *, base_url: str, secret: str, **options: Any) -> FastAPI:
    """Return the application.

    Args:
        engine: The database.
        storage: URL of the storage.
        base_url: Address of the application, as browsers reach it.
        secret: For signed URLs and tickets.
        options: Of the storage.
    """
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    transaction = Transaction(sessions)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        storages.register_backend(storage, key="gallery", **options)
        storages.sign_urls(base_url=f"{base_url}/files", secret=secret)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        yield
        await transaction.end("rollback")
        await engine.dispose()

    app = FastAPI(title="Holdfast gallery", lifespan=lifespan, exception_handlers=exception_handlers)
    app.mount("/files", SignedFiles())
    app.mount("/static", StaticFiles(directory=STATIC))

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    @app.post("/api/tickets")
    async def ticket(wish: Wish, request: Request) -> dict[str, Any]:
        await permit(request)
        issued = await uploads.issue_async(
            Entry.file,
            filename=wish.filename,
            size=wish.size,
            content_type=wish.content_type or "application/octet-stream",
            purpose=PURPOSE,
        )
        return issued.to_dict()

    @app.post("/api/files", status_code=201)
    async def add(arrival: Arrival, request: Request) -> dict[str, int]:
        await permit(request)
        async with transaction.change() as session:
            entry = Entry(file=await uploads.claim_async(arrival.token, Entry.file, purpose=PURPOSE))
            session.add(entry)
            await session.flush()
        return {"id": entry.id}

    @app.delete("/api/files/{number}", status_code=204)
    async def delete(number: int, request: Request) -> None:
        await permit(request)
        async with transaction.change() as session:
            entry = await session.get(Entry, number)
            if entry is None:
                raise HTTPException(404, "there is no such file")
            await session.delete(entry)

    @app.post("/api/transaction/begin", status_code=204)
    async def begin() -> None:
        await transaction.begin()

    @app.post("/api/transaction/{how}", status_code=204)
    async def end(how: str) -> None:
        await transaction.end(how)

    @app.get("/api/state")
    async def state() -> dict[str, Any]:
        found = await look(sessions, transaction)
        return {"database": engine.dialect.name, "storage": storage, **found}

    return app


async def look(sessions: async_sessionmaker[AsyncSession], transaction: Transaction) -> dict[str, Any]:
    """Return what the panel shows: rows as others see them, and objects, each with whose it is."""
    async with sessions() as session:
        committed = await _entries(session)
    async with transaction.turn:
        is_open = transaction.held is not None
        shown = await _entries(transaction.held) if transaction.held is not None else committed
    before, after = ({entry.file.path for entry in entries} for entries in (committed, shown))
    states = {path: "held" if path in before & after else "pending" for path in before | after}
    found = [found async for found in storages.get("gallery").list_async()]
    objects = [
        {"path": info.key, "size": info.size, "state": states.get(info.key, "free")}
        for info in found
        if not info.key.endswith(".claimed")
    ]
    return {
        "open": is_open,
        "changes": transaction.changes,
        "files": [{"id": e.id, "file": {**e.file.describe(), "url": e.file.url()}} for e in shown],
        "rows": [{"id": e.id, "path": e.file.path} for e in committed],
        "objects": objects,
        "used_tickets": len(found) - len(objects),
    }


async def _entries(session: AsyncSession) -> list[Entry]:
    return list(await session.scalars(select(Entry).order_by(Entry.id.desc()).limit(200)))
