"""A database that work can be done in: opened from an engine or a factory of sessions, sync or async alike."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session, sessionmaker

from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

T = TypeVar("T")


class Database:
    """Runs work in a session.

    Args:
        source: An Engine, AsyncEngine, sessionmaker or async_sessionmaker, or a callable that returns one of these.
        what: Where it was named, for the message.

    Attributes:
        is_async: Whether its driver is an async one.

    Raises:
        ConfigurationError: It is none of these.
    """

    def __init__(self, source: Any, what: str) -> None:
        self._open, self.is_async = _opener(source, what)

    def run(self, work: Callable[[Session], T]) -> T:
        """Call `work` with a session; with an async database, in its greenlet and an event loop of its own."""
        return run_together([self], work)


def run_together(databases: Sequence[Database], work: Callable[..., T]) -> T:
    """Call `work` with a session of each database; if there are async ones, in a greenlet of one event loop."""
    if any(each.is_async for each in databases):
        return asyncio.run(_run_async(databases, work))
    with ExitStack() as stack:
        return work(*(stack.enter_context(each._open()) for each in databases))


async def _run_async(databases: Sequence[Database], work: Callable[..., T]) -> T:
    async with AsyncExitStack() as stack:
        sessions: list[Session] = []
        greenlet: AsyncSession | None = None
        for each in databases:
            if each.is_async:
                greenlet = await stack.enter_async_context(_disposed(each._open()))
                sessions.append(greenlet.sync_session)
            else:
                sessions.append(stack.enter_context(each._open()))
        assert greenlet is not None, "one of them is async"  # noqa: S101  # the caller has looked
        result: T = await greenlet.run_sync(lambda _: work(*sessions))
        return result


@asynccontextmanager
async def _disposed(opened: AsyncSession) -> AsyncIterator[AsyncSession]:
    async with opened as session:
        try:
            yield session
        finally:
            await session.close()
            for bind in {session.bind, *(session.binds or {}).values()}:
                if isinstance(bind, AsyncEngine):
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
