"""A forked process at work: transactions, a drain, a sweep."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from holdfast import StorageBackend, storages
from holdfast.maintenance import sweep, verify
from tests.crash.kill import Killer
from tests.crash.places import Place
from tests.crash.schema import Schema
from tests.faults.world import with_savepoints

_SECONDS = 60


@dataclass(frozen=True)
class Site:
    """A database and its storages.

    Attributes:
        schema: The tables.
        url: The database, for a sync driver.
        async_url: The same, for an async one.
        end_others: Ends all connections to the database.
        places: The storages.
        behind: Whether files are also dropped behind the session's back.
    """

    schema: Schema
    url: str
    async_url: str
    end_others: Callable[[], None]
    places: Mapping[str, Place]
    behind: bool


def fork(work: Callable[[], None], errors: Path, seconds: float | None = None) -> int:
    """Run `work` in a forked process and return its exit status, negative for a signal.

    It is killed after some `seconds`, unless it has ended by then.
    """
    process = os.fork()
    if process:
        signal.signal(signal.SIGALRM, lambda *_: os.kill(process, signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, seconds or 0)  # 0 is never
        status = os.waitpid(process, 0)[1]
        signal.setitimer(signal.ITIMER_REAL, 0)
        return os.waitstatus_to_exitcode(status)
    status = 1
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(_SECONDS)  # a process that hangs is killed by another signal than ours
        sys.stderr = errors.open("w")
        logging.getLogger("holdfast").addHandler(_Strict(logging.ERROR))
        work()
        status = 0
    except BaseException:  # noqa: BLE001  # told to the parent
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


class _Strict(logging.Handler):
    """What the library logs as an error ends the process."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(f"logged: {self.format(record)}\n")
        sys.stderr.flush()
        os._exit(3)


class Process:
    """A forked process at work.

    Args:
        site: Where it works.
        killer: When it ends.
        is_async: Through an `AsyncSession`.
        state: A file with which a sweep goes on where another one was killed.
    """

    def __init__(self, site: Site, killer: Killer, *, is_async: bool, state: Path | None = None) -> None:
        self._site, self._killer, self._is_async, self._state = site, killer, is_async, state
        for name, place in site.places.items():
            storages.register_backend(StorageBackend(name, place.driver(killer)))

    def run(self, work: Callable[[Session], None]) -> None:
        """Call `work` with a session, in a greenlet if it is an async one."""
        if self._is_async:
            asyncio.run(self._run_async(work))
        else:
            engine = self._prepared(create_engine(self._site.url))
            with Session(engine) as session:
                work(session)

    async def _run_async(self, work: Callable[[Session], None]) -> None:
        engine = create_async_engine(self._site.async_url)
        self._prepared(engine.sync_engine)
        async with AsyncSession(engine) as session:
            await session.run_sync(work)
        await engine.dispose()

    def _prepared(self, engine: Engine) -> Engine:
        self._killer.watch(engine, self._site.schema.outbox)
        return prepared(engine)

    def drain(self, session: Session) -> None:
        """Work off the outbox."""
        with self._killer.during("drain"):
            self._site.schema.outbox.drain(session)

    def sweep(self, session: Session) -> None:
        """Delete what no row holds."""
        with self._killer.during("sweep"):
            report = sweep(session, self._site.schema.metadata, grace=timedelta(0), delete=True, state=self._state)
        if not report.ok:
            raise AssertionError(f"the sweep failed: {report.errors}")

    def verify(self, session: Session) -> None:
        """Read all files."""
        report = verify(session, self._site.schema.metadata, deep=True, grace=timedelta(0))
        if not report.ok:
            raise AssertionError(f"verify finds {report.to_dict()}")


def prepared(engine: Engine) -> Engine:
    """Make SAVEPOINTs and cascades work on SQLite; a process that dies needs no syncs."""
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def connect(connection: Any, _: Any) -> None:
            cursor = connection.cursor()
            for pragma in ("foreign_keys=ON", "synchronous=OFF"):
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

    return with_savepoints(engine)
