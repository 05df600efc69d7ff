"""Opening the application where a shard is worked on: once in each process, from its configuration alone."""

from __future__ import annotations

import pickle
import threading
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlalchemy.pool import SingletonThreadPool, StaticPool

from holdfast.errors import ConfigurationError
from holdfast.maintenance.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from holdfast.maintenance.sharding.tasks import Job

    Application: TypeAlias = Callable[[], tuple[Any, Any]]

_opened: dict[bytes, Opened] = {}
_here: WeakKeyDictionary[Application, Opened] = WeakKeyDictionary()
_lock = threading.Lock()


class Opened(NamedTuple):
    """An application.

    Attributes:
        database: Where its tables are.
        metadata: The tables.
        turn: Held while an async database is used: the connections in its pool belong to one event loop.
    """

    database: Database
    metadata: Any
    turn: threading.Lock


def work(application: Application, job: Job[Any]) -> Any:
    """Do a job with a session of the application."""
    opened = _open(application)
    if not opened.database.is_async:
        return opened.database.run(lambda session: job(session, opened.metadata))
    with opened.turn:
        return opened.database.run(lambda session: job(session, opened.metadata))


def _open(application: Application) -> Opened:
    known, key = _known(application)
    with _lock:
        if key not in known:
            source, metadata = application()
            database = source if isinstance(source, Database) else Database(source, "what application= returned")
            known[key] = Opened(database, metadata, threading.Lock())
        return known[key]


def _known(application: Application) -> tuple[MutableMapping[Any, Opened], Any]:
    """Return where an application is noted, and under what: each shard brings a copy of its own."""
    try:
        return _opened, pickle.dumps(application)
    except (pickle.PicklingError, AttributeError, TypeError):  # only threads of this process can have it
        return _here, application


def same_database(session: Session, metadata: Any) -> Callable[[], tuple[Any, Any]]:
    """Return the application of a session, for threads of this process.

    Raises:
        ConfigurationError: The session's databases cannot be used by several threads.
    """
    given: Any = session
    session = given() if isinstance(given, scoped_session) else given
    factory = _async_sessions(session) if _is_async(session) else _sessions(session)
    return lambda: (factory, metadata)


def _is_async(session: Session) -> bool:
    return any(each.dialect.is_async for each in _binds(session))


def _binds(session: Session) -> list[Engine]:
    # A session has no public name for its other databases.
    binds = [session.bind, *getattr(session, "_Session__binds", {}).values()]
    engines = [bind for bind in binds if isinstance(bind, Engine)]
    for engine in engines:
        if isinstance(engine.pool, (StaticPool, SingletonThreadPool)):
            message = "the database has one connection only: it cannot be worked on in shards, leave out executor="
            raise ConfigurationError(message)
    return engines


def _sessions(session: Session) -> sessionmaker[Session]:
    return sessionmaker(bind=session.bind, binds=getattr(session, "_Session__binds", None), class_=type(session))


def _async_sessions(session: Session) -> async_sessionmaker[AsyncSession]:
    if type(session).get_bind is not Session.get_bind:
        message = "a session that chooses its database itself needs application= to be worked on in shards"
        raise ConfigurationError(message)
    clones = {engine: AsyncEngine(_clone(engine)) for engine in _binds(session)}
    binds: dict[Any, Any] = getattr(session, "_Session__binds", {})
    return async_sessionmaker(
        bind=None if session.bind is None else clones[session.bind.engine],
        binds={entity: clones[bind.engine] for entity, bind in binds.items()},
    )


def _clone(engine: Engine) -> Engine:
    """Return an engine with connections of its own: those in a pool belong to one event loop."""
    clone = Engine(engine.pool.recreate(), engine.dialect, engine.url, hide_parameters=engine.hide_parameters)
    clone.dispatch = clone.dispatch._join(engine.dispatch)
    clone.update_execution_options(**engine.get_execution_options())
    return clone
