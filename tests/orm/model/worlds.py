"""The two worlds: the same coroutine drives a `Session` and an `AsyncSession`.

In the sync world no call ever suspends, so that a coroutine runs to its end in one step, without an event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Protocol

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from holdfast import FileObject

WAITING = {"postgresql": "SET lock_timeout = 1000", "mariadb": "SET innodb_lock_wait_timeout = 1"}
"""How long statements wait for locks, by database: a second. With 0 MariaDB 10.11 fails at SKIP LOCKED."""


class LeavingError(Exception):
    """Raised inside the ``with`` of a session."""


class World(Protocol):
    """A session of either kind, behind coroutines."""

    session: Any

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine to its end."""

    def open(self, *, expire_on_commit: bool) -> None:
        """Start with a new session."""

    def other_session(self) -> Any:
        """Return one more session."""

    async def call(self, method: Callable[..., Any], *args: Any) -> Any:
        """Call a method of a session, or of a savepoint."""

    async def get(self, instance: Any, name: str) -> Any:
        """Return an attribute, loaded if need be."""

    async def leave(self) -> None:
        """Leave the session's ``with`` by an exception."""

    async def save(self, file: FileObject, content: Any) -> None:
        """Save content into a file."""

    async def delete(self, file: FileObject) -> None:
        """Delete a file."""

    def once(self, chunks: Iterable[bytes]) -> Any:
        """Return content that can be read once."""

    def dispose(self) -> None:
        """Close all connections."""


class SyncWorld:
    """A `Session`."""

    def __init__(self, url: str) -> None:
        self._engine = prepared(create_engine(url))
        self.session: Session

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine that never suspends."""
        try:
            work.send(None)
        except StopIteration:
            return
        raise AssertionError("the sync world suspended")

    def open(self, *, expire_on_commit: bool) -> None:
        """Start with a new session."""
        self.session = Session(self._engine, autoflush=False, expire_on_commit=expire_on_commit)

    def other_session(self) -> Session:
        """Return one more session."""
        return Session(self._engine, autoflush=False)

    async def call(self, method: Callable[..., Any], *args: Any) -> Any:
        """Call a method."""
        return method(*args)

    async def get(self, instance: Any, name: str) -> Any:
        """Return an attribute."""
        return getattr(instance, name)

    async def leave(self) -> None:
        """Leave the session's ``with`` by an exception."""
        with self.session:
            raise LeavingError

    async def save(self, file: FileObject, content: Any) -> None:
        """Save content into a file."""
        file.save(content)

    async def delete(self, file: FileObject) -> None:
        """Delete a file."""
        file.delete()

    def once(self, chunks: Iterable[bytes]) -> Any:
        """Return an iterator."""
        return iter(chunks)

    def dispose(self) -> None:
        """Close all connections."""
        self._engine.dispose()


class AsyncWorld:
    """An `AsyncSession`."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._engine: AsyncEngine = create_async_engine(url)
        prepared(self._engine.sync_engine)
        self.session: AsyncSession

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine in the world's own event loop."""
        self._runner.run(work)

    def open(self, *, expire_on_commit: bool) -> None:
        """Start with a new session."""
        self.session = AsyncSession(self._engine, autoflush=False, expire_on_commit=expire_on_commit)

    def other_session(self) -> AsyncSession:
        """Return one more session."""
        return AsyncSession(self._engine, autoflush=False)

    async def call(self, method: Callable[..., Any], *args: Any) -> Any:
        """Call a method, and await it."""
        return await method(*args)

    async def get(self, instance: Any, name: str) -> Any:
        """Return an attribute."""
        return await getattr(instance.awaitable_attrs, name)

    async def leave(self) -> None:
        """Leave the session's ``async with`` by an exception."""
        async with self.session:
            raise LeavingError

    async def save(self, file: FileObject, content: Any) -> None:
        """Save content into a file."""
        await file.save_async(content)

    async def delete(self, file: FileObject) -> None:
        """Delete a file."""
        await file.delete_async()

    def once(self, chunks: Iterable[bytes]) -> Any:
        """Return an async iterator."""

        async def stream() -> Any:
            for chunk in chunks:
                yield chunk

        return stream()

    def dispose(self) -> None:
        """Close all connections, and the event loop."""
        self._runner.run(self._engine.dispose())
        self._runner.close()


def prepared(engine: Engine) -> Engine:
    """Make SAVEPOINTs and foreign keys work on SQLite, by SQLAlchemy's recipe; no syncs.

    On the others nobody waits long for a lock: of two sessions one stands still.
    """
    if engine.dialect.name in WAITING:

        @event.listens_for(engine, "connect")
        def wait(connection: Any, _: Any) -> None:
            cursor = connection.cursor()
            cursor.execute(WAITING[engine.dialect.name])
            cursor.close()

    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def connect(connection: Any, _: Any) -> None:
            connection.isolation_level = None
            cursor = connection.cursor()
            for pragma in ("foreign_keys=ON", "synchronous=OFF", "journal_mode=MEMORY"):
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

        @event.listens_for(engine, "begin")
        def begin(connection: Any) -> None:
            connection.exec_driver_sql("BEGIN")

    return engine
