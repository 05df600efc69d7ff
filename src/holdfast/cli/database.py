"""The application's database: opened from an engine, a factory of sessions or a URL, sync or async alike."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker

from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import URL

T = TypeVar("T")


class Database:
    """Runs work in a session.

    Args:
        source: An Engine, AsyncEngine, sessionmaker or async_sessionmaker, or a callable that returns one of these.
        what: Where it was named, for the message.

    Raises:
        ConfigurationError: It is none of these.
    """

    def __init__(self, source: Any, what: str) -> None:
        self._open, self._is_async = _opener(source, what)

    def run(self, work: Callable[[Session], T]) -> T:
        """Call `work` with a session; with an async database, in its greenlet."""
        if self._is_async:
            return asyncio.run(self._run_async(work))
        with self._open() as session:
            return work(session)

    async def _run_async(self, work: Callable[[Session], T]) -> T:
        async with self._open() as session:
            try:
                result: T = await session.run_sync(work)
                return result
            finally:
                bind = session.bind
                if isinstance(bind, AsyncEngine):
                    await session.close()
                    await bind.dispose()  # its connections belong to this event loop


def _opener(source: Any, what: str) -> tuple[Callable[[], Any], bool]:
    """Return what makes a session, and whether it is an async one."""
    for again in (True, False):
        if isinstance(source, Engine):
            return sessionmaker(source), False
        if isinstance(source, AsyncEngine):
            return async_sessionmaker(source), True
        if isinstance(source, sessionmaker):
            return source, False
        if isinstance(source, async_sessionmaker):
            return source, True
        if isinstance(source, (Session, AsyncSession)):
            return partial(_same, source), isinstance(source, AsyncSession)
        if again and callable(source):
            source = source()
    message = (
        f"{what} is {source!r:.80}: it must be an Engine, AsyncEngine, sessionmaker or async_sessionmaker, "
        "or a function without arguments that returns one of these"
    )
    raise ConfigurationError(message)


def _same(session: T) -> T:
    return session


def open_url(text: str, what: str) -> Database:
    """Return the database of a URL, for async drivers too.

    Raises:
        ConfigurationError: It is not a URL, or its driver is not installed. The URL is not shown: it may hold a
            password.
    """
    try:
        url = make_url(text)
        engine: Any = create_async_engine(url) if url.get_dialect().is_async else create_engine(url)
    except ArgumentError as error:
        message = f"{what} is not a database URL such as postgresql+psycopg://user@host/name"
        if isinstance(error, NoSuchModuleError):
            message = f"{what}: SQLAlchemy has no database {url.drivername!r}{_hint(url)}"
        raise ConfigurationError(message) from None
    except ModuleNotFoundError as error:
        message = f"{what}: the driver of {url.drivername!r} is missing: pip install {error.name}"
        raise ConfigurationError(message) from error
    return Database(engine, what)


def _hint(url: URL) -> str:
    return "; write postgresql://" if url.drivername == "postgres" else ""
