"""Saves, reads and deletions without end: does memory stay as it is?"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session

from benchmarks.measuring.child import resident
from benchmarks.measuring.race import KIB, SPEED, AsyncPlayer, Player
from benchmarks.players.rows_holdfast import Base, Document
from benchmarks.players.stores import Place, options_of
from holdfast import FileObject, storages
from holdfast.backends.obstore import ObstoreBackend

if TYPE_CHECKING:
    from benchmarks.measuring.race import Setting

SIZE = 4 * KIB
BATCH = 10
SAMPLES = 20
SETTLED = SAMPLES // 5  # until then pools, caches and the allocator may grow


class Soak:
    """What both kinds of players share: the tables, the store, and the samples of memory."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.url = f"{setting.folder}/rows.sqlite"
        self.place = Place(setting)
        self.dropped: int = setting.options["dropped"]  # of each ten files

    def prepare(self) -> None:
        """Empty table, empty store."""
        engine = create_engine(f"sqlite:///{self.url}")
        Base.metadata.drop_all(engine)
        Base.metadata.create_all(engine)
        engine.dispose()
        prefix = self.place.renew()
        storages.clear()
        server = self.place.server
        if server is None:
            storages.register_backend(ObstoreBackend("bench", self.place.path.as_uri(), durable=False))
        else:
            storages.register_backend(
                ObstoreBackend("bench", f"s3://{server['bucket']}/{prefix}", **options_of(server))
            )
        self.samples: list[int] = []

    def steps(self) -> range:
        """One commit each."""
        return range(self.setting.amount // BATCH)

    def rows(self, contents: list[bytes]) -> list[Document]:
        """Return new rows."""
        return [Document(file=FileObject(backend="bench", filename="a.bin", content=each)) for each in contents]

    def contents(self) -> list[bytes]:
        """Return the contents of one commit."""
        return [os.urandom(SIZE) for _ in range(BATCH)]

    def look(self, step: int) -> None:
        """Take a sample, twenty times in a round."""
        if (step + 1) % (len(self.steps()) // SAMPLES) == 0:
            self.samples.append(resident("VmRSS"))

    def figures(self, seconds: float) -> dict[str, float]:
        """Return the speed, and by how much memory has grown since a fifth of the round, in MB."""
        return {SPEED: self.setting.amount / seconds, "drift": (self.samples[-1] - self.samples[SETTLED - 1]) / 1e6}

    def check(self) -> None:
        """What was not deleted is there."""
        self.place.expect(len(self.steps()) * (BATCH - self.dropped))


def compare(found: list[bytes], expected: list[bytes]) -> None:
    """Raise if other bytes came back."""
    if found != expected:
        raise RuntimeError("other bytes came back")


class Sync(Player):
    """Sessions of a script."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.soak = Soak(setting)
        self.engine = create_engine(f"sqlite:///{self.soak.url}")

    def prepare(self) -> None:
        """Start anew."""
        self.soak.prepare()

    def run(self) -> None:
        """Save ten files, read them back, and delete some of them."""
        for step in self.soak.steps():
            contents = self.soak.contents()
            with Session(self.engine) as session:
                rows = self.soak.rows(contents)
                session.add_all(rows)
                session.commit()
                compare([row.file.get_content() for row in rows], contents)
                for row in rows[: self.soak.dropped]:
                    session.delete(row)
                session.commit()
            self.soak.look(step)

    def measure(self) -> dict[str, float]:
        """Return speed and drift."""
        start = time.perf_counter()
        self.run()
        return self.soak.figures(time.perf_counter() - start)

    def check(self) -> None:
        """Count."""
        self.soak.check()


class Async(AsyncPlayer):
    """Sessions of a server."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.soak = Soak(setting)
        self.sessions = async_sessionmaker(create_async_engine(f"sqlite+aiosqlite:///{self.soak.url}"))

    def prepare(self) -> None:
        """Start anew."""
        self.soak.prepare()

    async def play(self) -> None:
        """Save ten files, read them back, and delete some of them."""
        for step in self.soak.steps():
            contents = self.soak.contents()
            async with self.sessions(expire_on_commit=False) as session:
                rows = self.soak.rows(contents)
                session.add_all(rows)
                await session.commit()
                compare([await row.file.get_content_async() for row in rows], contents)
                for row in rows[: self.soak.dropped]:
                    await session.delete(row)
                await session.commit()
            self.soak.look(step)

    def measure(self) -> dict[str, float]:
        """Return speed and drift."""
        start = time.perf_counter()
        self.run()
        return self.soak.figures(time.perf_counter() - start)

    def check(self) -> None:
        """Count."""
        self.soak.check()
