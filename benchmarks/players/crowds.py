"""Many sessions at once, one commit for each row: how many a second, and how long one of them takes."""

from __future__ import annotations

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import quantiles
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from benchmarks.measuring.race import AsyncPlayer, Player
from benchmarks.players.stores import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.measuring.race import Setting


class Crowd(Player):
    """What both kinds of crowds do before and after a round: contents, a folder, a table."""

    files_of_a_row = 1

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.place = Place(setting)
        self.crowd: int = setting.options["crowd"]
        self.urls = setting.servers["postgres"]
        self.rows = create_engine(self.urls["sync"], poolclass=NullPool)
        self.has_table = False

    def create(self, connection: Any) -> None:
        """Make the table `document`."""

    def prepare(self) -> None:
        """Empty table, empty store, new contents."""
        with self.rows.begin() as connection:
            if not self.has_table:
                self.create(connection)
                self.has_table = True
            connection.execute(text("TRUNCATE document"))
        self.place.renew()
        self.contents = [os.urandom(self.setting.options["size"]) for _ in range(self.setting.amount)]

    def measure(self) -> dict[str, float]:
        """Return commits a second, and milliseconds of one."""
        self.times: list[float] = []
        figures = super().measure()
        percents = quantiles(self.times, n=100, method="inclusive")
        return figures | {"p50": percents[49] * 1000, "p99": percents[98] * 1000}

    def timed(self, numbers: Iterator[int]) -> Iterator[int]:
        """Yield what one session after the other has to do, and take the time of each."""
        for number in numbers:
            start = time.perf_counter()
            yield number
            self.times.append(time.perf_counter() - start)

    def check(self) -> None:
        """Raise unless all rows and files are there."""
        with self.rows.begin() as connection:
            rows = connection.scalar(text("SELECT count(*) FROM document"))
        if rows != self.setting.amount:
            message = f"{rows} rows instead of {self.setting.amount}"
            raise RuntimeError(message)
        self.place.expect(self.files_of_a_row * self.setting.amount)


class Threads(Crowd):
    """A session in each of many threads."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.pool = ThreadPoolExecutor(self.crowd)
        self.engine = create_engine(self.urls["sync"], pool_size=self.crowd, max_overflow=0)

    def prepare(self) -> None:
        """Connect before the time is taken: other players had the connections meanwhile."""
        super().prepare()
        for connection in [self.engine.connect() for _ in range(self.crowd)]:
            connection.close()

    def run(self) -> None:
        """Commit in all threads until all is done."""
        numbers = iter(range(self.setting.amount))

        def work() -> None:
            for number in self.timed(numbers):
                self.commit(self.contents[number])

        for future in [self.pool.submit(work) for _ in range(self.crowd)]:
            future.result()

    def commit(self, content: bytes) -> None:
        """Do what is measured."""

    def check(self) -> None:
        """Leave the connections to others."""
        self.engine.dispose()
        super().check()

    def close(self) -> None:
        """End the threads."""
        self.pool.shutdown()


class Tasks(Crowd, AsyncPlayer):
    """A session in each of many tasks."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.engine = create_async_engine(self.urls["async"], pool_size=self.crowd, max_overflow=0)

    def prepare(self) -> None:
        """Connect before the time is taken: other players had the connections meanwhile."""
        super().prepare()
        self.wait(self.connect())

    async def connect(self) -> None:
        """Open all connections."""
        for connection in [await self.engine.connect() for _ in range(self.crowd)]:
            await connection.close()

    async def play(self) -> None:
        """Commit in all tasks until all is done."""
        numbers = iter(range(self.setting.amount))

        async def work() -> None:
            for number in self.timed(numbers):
                await self.commit(self.contents[number])

        async with asyncio.TaskGroup() as group:
            for _ in range(self.crowd):
                group.create_task(work())

    async def commit(self, content: bytes) -> None:
        """Do what is measured."""

    def check(self) -> None:
        """Leave the connections to others."""
        self.wait(self.engine.dispose())
        super().check()
