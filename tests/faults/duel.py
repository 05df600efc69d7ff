"""Two sessions at once over the same rows, in two threads or two tasks, that wait for each other where a test says."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Integer, String, create_engine, event, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column
from sqlalchemy.orm.exc import StaleDataError

from holdfast import Outbox, StorageBackend, StoredObject, storages
from holdfast.drivers.local import LocalDriver
from holdfast.errors import NotFoundError
from holdfast.orm import bridge
from holdfast.saving import Ref
from holdfast.testing.faults import FaultyDriver
from tests.faults.world import with_savepoints

STORAGE = "duel"
SECONDS = 15.0  # until a session that waits in vain gives up
LOST = (DBAPIError, StaleDataError, NotFoundError)
"""What the session that came too late may raise."""

Story = Callable[[Session], None]


class Meetings:
    """Things that happen once, and sessions that wait for them, in threads or in tasks."""

    def __init__(self) -> None:
        self._threads: dict[str, threading.Event] = defaultdict(threading.Event)
        self._tasks: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def tell(self, name: str) -> None:
        """Say that something has happened."""
        bridge.do(self._threads[name].set, lambda: self._tell(name))

    async def _tell(self, name: str) -> None:
        self._tasks[name].set()

    def wait(self, name: str) -> None:
        """Wait until it has."""
        bridge.do(lambda: self._wait(name), lambda: self.wait_async(name))

    def _wait(self, name: str) -> None:
        if not self._threads[name].wait(SECONDS):
            raise TimeoutError(name)

    async def wait_async(self, name: str) -> None:
        """Like `wait`, in a coroutine."""
        async with asyncio.timeout(SECONDS):
            await self._tasks[name].wait()


class PausingDriver(FaultyDriver):
    """Local disk, whose next deletion of a key with a certain ending waits if it is told to."""

    def __init__(self, root: Path) -> None:
        super().__init__(LocalDriver(root, durable=False))
        self._pause: tuple[Meetings, str] | None = None

    def pause_deletion(self, meetings: Meetings, ending: str) -> None:
        """Stop the next deletion of such a key: "deleting" is told, and "delete" waited for."""
        self._pause = (meetings, ending)

    def _take_pause(self, keys: Sequence[str]) -> Meetings | None:
        if self._pause is None or not any(key.endswith(self._pause[1]) for key in keys):
            return None
        (meetings, _), self._pause = self._pause, None
        return meetings

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects."""
        if (pause := self._take_pause(keys)) is not None:
            pause.tell("deleting")
            pause.wait("delete")
        super().delete(keys)

    async def delete_async(self, keys: Sequence[str]) -> None:
        """Like `delete`."""
        if (pause := self._take_pause(keys)) is not None:
            await pause._tell("deleting")
            await pause.wait_async("delete")
        await super().delete_async(keys)


class Duel:
    """A database and a storage for two sessions.

    Args:
        url: The database; with an async driver the sessions are tasks.
        folder: The storage.
        options: Of the engine.
        versioned: Whether rows have a version, so that the later of two changes fails.
        outbox: Whether there is an outbox.
    """

    def __init__(
        self, url: str, folder: Path, *, is_async: bool, versioned: bool, outbox: bool, **options: Any
    ) -> None:
        self._url, self._options, self._is_async = url, options, is_async
        self.meetings = Meetings()
        self.driver = PausingDriver(folder)
        self.document, self.metadata = make_document(versioned=versioned)
        self.outbox: Any = Outbox(self.metadata) if outbox else None

    @contextmanager
    def opened(self) -> Iterator["Duel"]:
        """Make the tables and register the storage."""
        storages.register_backend(StorageBackend(STORAGE, self.driver))
        try:
            self.fight(self._create)
            yield self
        finally:
            storages._backends.pop(STORAGE, None)

    def _create(self, session: Session) -> None:
        self.metadata.drop_all(session.connection())
        self.metadata.create_all(session.connection())
        session.commit()

    def fight(self, *stories: Story) -> list[BaseException | None]:
        """Tell each story to a session of its own, at the same time; return what each raised of `LOST`."""
        if self._is_async:
            return asyncio.run(self._fight_async(stories))
        with ThreadPoolExecutor(len(stories)) as pool:
            return list(pool.map(self._tell, stories))

    def _tell(self, story: Story) -> BaseException | None:
        engine = with_savepoints(create_engine(self._url, **self._options))
        try:
            with Session(engine) as session:
                return _told(session, story)
        finally:
            engine.dispose()

    async def _fight_async(self, stories: Sequence[Story]) -> list[BaseException | None]:
        return await asyncio.gather(*map(self._tell_async, stories))

    def async_engine(self) -> AsyncEngine:
        """Return an engine of its own."""
        engine = create_async_engine(self._url, **self._options)
        with_savepoints(engine.sync_engine)
        return engine

    async def _tell_async(self, story: Story) -> BaseException | None:
        engine = self.async_engine()
        try:
            async with AsyncSession(engine) as session:
                return await session.run_sync(_told, story)
        finally:
            await engine.dispose()

    def tell_before(self, session: Session, name: str, words: str) -> None:
        """Tell of the session's next statement that holds some words, just before it is sent."""
        engine = session.get_bind()

        def before(_: Any, __: Any, statement: str, *___: Any) -> None:
            if words in statement:
                self.meetings.tell(name)

        event.listen(engine, "before_cursor_execute", before)

    def rows(self) -> dict[int, tuple[bytes | None, list[bytes]]]:
        """Return the bytes of all files by row; nothing else may lie in the storage."""
        found: dict[int, tuple[bytes | None, list[bytes]]] = {}

        def read(session: Session) -> None:
            for document in session.scalars(select(self.document)):
                files = [file for file in (document.file, *(document.pages or [])) if file is not None]
                content = [bridge.do(file.get_content, file.get_content_async) for file in files]
                found[document.id] = (content.pop(0) if document.file is not None else None, content)

        assert self.fight(read) == [None]
        assert {info.key for info in self.driver.list("", None)} == self.held()
        return found

    def held(self) -> set[str]:
        """Return the keys that rows hold."""
        keys: set[str] = set()

        def read(session: Session) -> None:
            for document in session.scalars(select(self.document)):
                keys.update(file.path for file in (document.file, *(document.pages or [])) if file is not None)

        assert self.fight(read) == [None]
        return keys

    def pause_deletion(self, ending: str = "") -> None:
        """Stop the next deletion of a key with this ending."""
        self.driver.pause_deletion(self.meetings, ending)

    def drop(self, count: int) -> None:
        """Leave objects and their entries as a crash after COMMIT does."""
        refs = [Ref(STORAGE, f"dropped/{number}") for number in range(count)]
        storage = storages.get(STORAGE)

        def write(session: Session) -> None:
            for ref in refs:
                bridge.do(
                    lambda ref=ref: storage.put(ref.path, b"x"), lambda ref=ref: storage.put_async(ref.path, b"x")
                )
            self.outbox.write(session.connection(), [("drop", ref, "duel_document", '["1"]') for ref in refs])
            session.commit()

        assert self.fight(write) == [None]

    def drain(self) -> None:
        """Work off the outbox."""
        assert self.fight(self.outbox.drain) == [None]

    def entries(self) -> list[Any]:
        """Return what is left in the outbox."""
        found: list[Any] = []
        query = select(self.outbox.table)
        assert self.fight(lambda session: found.extend(session.execute(query))) == [None]
        return found


def _told(session: Session, story: Story) -> BaseException | None:
    try:
        story(session)
    except LOST as error:
        session.rollback()
        return error
    return None


def make_document(*, versioned: bool) -> tuple[Any, Any]:
    """Return a class of rows with a file and a list of files, and its tables."""

    class Base(DeclarativeBase):
        pass

    class Document(Base):
        __tablename__ = "duel_document"
        id = mapped_column(Integer, primary_key=True, autoincrement=False)
        title = mapped_column(String(50))
        version = mapped_column(Integer, nullable=False, default=1)
        file = mapped_column(StoredObject(backend=STORAGE))
        pages = mapped_column(StoredObject(backend=STORAGE, multiple=True))
        if versioned:
            __mapper_args__ = {"version_id_col": version}

    return Document, Base.metadata
