"""`migrate` under a live application: readers, writers, editors and deleters go on all along, and notice nothing."""

import asyncio
import random
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from holdfast import StorageBackend, storages
from holdfast.drivers.local import LocalDriver
from holdfast.errors import NotFoundError
from holdfast.maintenance import migrate, migrate_async, sweep, verify
from tests.maintenance.rewriting.moves import Base, Deed, file
from tests.maintenance.stacks import keys

pytestmark = pytest.mark.postgres

STILL = range(1, 41)
"""Rows that nobody changes but the migration."""

MOST = 10
"""Rows that one worker has at a time."""


class Application:
    """What several processes of an application do to the same table; each worker changes rows of its own."""

    def __init__(self) -> None:
        self.backend = "old"
        self.stop = threading.Event()
        self.expected: dict[int, bytes] = {number: b"still %d" % number for number in STILL}
        self.reads = self.writes = 0

    def still(self) -> list[Deed]:
        """Return the rows that stay."""
        return [Deed(id=number, file=file(content)) for number, content in self.expected.items()]

    def steps(self, worker: int) -> Any:
        """Yield what a worker does, each time as a function of a session; what is committed is remembered."""
        chance, number, mine = random.Random(worker), 1000 * (worker + 1), []
        while not self.stop.is_set():
            kind = chance.choice(["add", "replace", "delete", "edit"])
            if not mine or (kind == "add" and len(mine) < MOST):
                number += 1
                content = b"%d" % number
                yield self._add(number, content)
                mine.append(number)
                self.expected[number] = content
                continue
            chosen = chance.choice(mine)
            if kind == "replace":
                content = b"%d again %d" % (chosen, chance.randrange(1000))
                yield self._replace(chosen, content)
                self.expected[chosen] = content
            elif kind == "edit":
                yield self._edit(chosen)
            elif kind == "delete":
                mine.remove(chosen)
                del self.expected[chosen]
                yield self._delete(chosen)

    def _add(self, number: int, content: bytes) -> Callable[[Session], None]:
        return lambda session: session.add(Deed(id=number, file=file(content, backend=self.backend)))

    def _replace(self, number: int, content: bytes) -> Callable[[Session], None]:
        def work(session: Session) -> None:
            session.get_one(Deed, number).file = file(content, backend=self.backend)

        return work

    @staticmethod
    def _edit(number: int) -> Callable[[Session], None]:
        def work(session: Session) -> None:
            session.get_one(Deed, number).file.update_metadata({"edited": True})

        return work

    @staticmethod
    def _delete(number: int) -> Callable[[Session], None]:
        return lambda session: session.delete(session.get_one(Deed, number))

    def check(self, engine: Any, old: StorageBackend, new: StorageBackend) -> None:
        """Assert that each row has the bytes that were committed last, and that the old storage is not needed."""
        with Session(engine) as session:
            found = {deed.id: deed for deed in session.scalars(select(Deed))}
            assert {number: deed.file.get_content() for number, deed in found.items()} == self.expected
            assert {deed.file.backend.key for deed in found.values()} == {"new"}
            report = verify(session, Base, deep=True, grace=timedelta(0))
            assert report.ok
            assert report.storages["new"].counts["unreferenced"] == 0
            # Rows that moved, with their old objects kept, and were deleted or replaced after that.
            sweep(session, Base, storages=["old"], grace=timedelta(0), delete=True, shared=True)
        assert not keys(old)
        assert len(keys(new)) == len(self.expected)


@pytest.fixture
def ends(tmp_path: Path) -> Any:
    """Two folders."""
    yield [
        storages.register_backend(StorageBackend(name, LocalDriver(tmp_path / name, durable=False)))
        for name in ("old", "new")
    ]
    storages._backends.pop("old", None), storages._backends.pop("new", None)


class Threads:
    """Workers in threads, each with sessions of its own."""

    def __init__(self, application: Application, engine: Any) -> None:
        self.application, self.engine = application, engine
        self.failures: list[BaseException] = []
        self.keeping = True  # whether no old object is deleted
        self._threads = [
            threading.Thread(target=self._guarded, args=[work, worker])
            for work in (self._write, self._read)
            for worker in range(3)
        ]

    def __enter__(self) -> Self:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.application.stop.set()
        for each in self._threads:
            each.join()

    def migrate(self, **options: Any) -> bool:
        """Run the command beside them."""
        options = {"source": "old", "target": "new", "shared": True, "batch": 7, "concurrency": 2} | options
        with Session(self.engine) as session:
            return migrate(session, Base, **options).ok

    def _guarded(self, work: Callable[[int], None], worker: int) -> None:
        try:
            work(worker)
        except BaseException as error:  # noqa: BLE001  # the test looks at it
            self.failures.append(error)

    def _write(self, worker: int) -> None:
        for step in self.application.steps(worker):
            with Session(self.engine) as session:
                step(session)
                session.commit()
            self.application.writes += 1

    def _read(self, worker: int) -> None:
        chance = random.Random(worker)
        while not self.application.stop.is_set():
            number = chance.choice(STILL)
            with Session(self.engine) as session:
                kept = self.keeping
                loaded = session.get_one(Deed, number)
                try:
                    content = loaded.file.get_content()
                except NotFoundError:
                    assert not kept, "a reader failed although the old objects were kept"
                    session.expire_all()
                    content = loaded.file.get_content()
            assert content == b"still %d" % number
            self.application.reads += 1


def test_threads(postgres, ends) -> None:
    """Sync sessions in threads. With `keep`, no reader ever fails; without, none that loads its row again."""
    application = Application()
    engine = create_engine(postgres.url("psycopg"), pool_size=12)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(application.still())
        session.commit()
    with Threads(application, engine) as threads:
        assert threads.migrate(keep=True)
        application.backend = "new"  # all processes have the new configuration now
        assert threads.migrate(keep=True)
        threads.keeping = False
        assert threads.migrate()
        assert threads.migrate()
    assert not threads.failures
    assert threads.migrate()
    assert min(application.reads, application.writes) > 10
    application.check(engine, *ends)
    engine.dispose()


async def test_tasks(postgres, ends) -> None:
    """Async sessions in tasks of one event loop, and the migration among them."""
    application = Application()
    engine = create_async_engine(postgres.url("asyncpg"), pool_size=12)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncSession(engine) as session:
        session.add_all(application.still())
        await session.commit()

    async def write(worker: int) -> None:
        for step in application.steps(worker):
            async with AsyncSession(engine) as session:
                await session.run_sync(step)
                await session.commit()
            application.writes += 1

    async def read(worker: int) -> None:
        chance = random.Random(worker)
        while not application.stop.is_set():
            number = chance.choice(STILL)
            async with AsyncSession(engine) as session:
                loaded = await session.get_one(Deed, number)
                assert await loaded.file.get_content_async() == b"still %d" % number
            application.reads += 1

    async def run(**options: Any) -> Any:
        options = {"source": "old", "target": "new", "shared": True, "batch": 7, "concurrency": 2} | options
        async with AsyncSession(engine) as session:
            return await migrate_async(session, Base, **options)

    async with asyncio.TaskGroup() as tasks:
        for worker in range(3):
            tasks.create_task(write(worker))
            tasks.create_task(read(worker))
        try:
            assert (await run(keep=True)).ok
            application.backend = "new"
            assert (await run(keep=True)).ok
        finally:
            application.stop.set()
    assert (await run()).ok
    assert min(application.reads, application.writes) > 10
    await engine.dispose()
    plain = create_engine(postgres.url("psycopg"))
    application.check(plain, *ends)
    plain.dispose()
