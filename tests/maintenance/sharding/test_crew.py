"""Shards are handed out a few at a time; failures are tried again, named, and end nothing else."""

import os
import signal
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import pytest
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from holdfast.errors import ConfigurationError
from holdfast.maintenance import sweep, verify, verify_async
from holdfast.maintenance.reports import Report
from holdfast.maintenance.sharding.crew import Crew, Sharding
from tests.maintenance.sharding import shop
from tests.maintenance.sharding.conftest import NOW

tries: dict[str, int] = {}


def nothing():
    """Open an application without anything in it."""
    return create_engine("sqlite://"), None


@dataclass(frozen=True)
class Double:
    """A job that fails the first times."""

    number: int
    failures: int = 0

    def __str__(self) -> str:
        return f"number {self.number}"

    def __call__(self, session, metadata):
        tries[str(self)] = tries.get(str(self), 0) + 1
        if tries[str(self)] <= self.failures:
            raise OSError(f"try {tries[str(self)]}")
        return 2 * self.number


@dataclass(frozen=True)
class Deadly:
    """A job that kills the process that does it."""

    number: int

    def __call__(self, session, metadata):
        os.kill(os.getpid(), signal.SIGKILL)


class Idle(Executor):
    """Takes tasks, and does them when it is told to."""

    def __init__(self, at_once: int) -> None:
        self._max_workers = at_once
        self.taken: list[tuple[Future, tuple]] = []
        self.most = 0

    def submit(self, call, /, *args):
        future = Future()
        self.taken.append((future, (call, *args)))
        self.most = max(self.most, len(self.taken))
        if len(self.taken) == 2 * self._max_workers:
            self.work()
        return future

    def work(self) -> None:
        for future, (call, *args) in self.taken:
            future.set_result(call(*args))
        self.taken.clear()


def crew(executor: Executor, report: Report | None = None, told: list | None = None) -> Crew:
    """Return a crew over an executor."""
    tries.clear()
    tell = (lambda done, total: None) if told is None else (lambda *step: told.append(step))
    return Crew(Sharding(executor, nothing, 1), report or Report(), tell)


def test_few_shards_wait_at_a_time() -> None:
    """However many there are, they are made when they are needed."""
    made, results = [], []

    def jobs():
        for number in range(40):
            made.append(number)
            yield Double(number)

    executor = Idle(at_once=5)
    crew(executor).run(jobs(), results.append)
    assert executor.most == 10
    assert sorted(results) == [2 * number for number in range(40)]


def test_a_failure_is_tried_again(threads) -> None:
    """Three times in all; the report notes it, and how far it is counts each shard once."""
    report, results, told = Report(), [], []
    assert crew(threads, report, told).run([Double(1), Double(2, failures=2)], results.append, 2)
    assert sorted(results) == [2, 4]
    assert tries == {"number 1": 1, "number 2": 3}
    assert report.ok
    assert report.notes == ["2 tries of shards failed and were repeated: OSError: try 1"]
    assert told[-1] == (2, 2)


def test_a_shard_that_cannot_be_done_is_named(threads) -> None:
    """The others are done."""
    report, results = Report(), []
    assert not crew(threads, report).run([Double(n, failures=9 * (n == 3)) for n in range(30)], results.append)
    assert len(results) == 29
    assert report.errors == {"number 3": "OSError: try 3"}


def test_nothing_but_failures_ends_the_run(threads) -> None:
    """A million shards are not each tried three times if the first ones say that nothing works."""
    report = Report()
    assert not crew(threads, report).run((Double(n, failures=9) for n in range(10**6)), print)
    assert "OSError: try 3" in report.errors["workers"]
    assert len(tries) < 100


def test_workers_that_died_end_the_run() -> None:
    """A process pool takes nothing more after that: what is done is kept, the report says what to do."""
    report, results = Report(), []
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        jobs = [Double(1), Double(2), Deadly(3), *(Double(n) for n in range(4, 50))]
        assert not crew(executor, report).run(jobs, results.append)
    assert results[:2] == [2, 4]
    assert len(results) < 49
    assert "start again" in report.errors["workers"]


def test_a_cluster_that_is_gone_ends_the_run(monkeypatch) -> None:
    """Its shards would never be done: after a while without news it is asked for."""
    monkeypatch.setattr("holdfast.maintenance.sharding.crew._PATIENCE", 0.01)
    asked = []

    class Gone(Idle):
        def is_reachable(self) -> bool:
            asked.append(1)
            return len(asked) < 3

    report, executor = Report(), Gone(at_once=5)
    assert not crew(executor, report).run([Double(1)], print)
    assert len(asked) == 3
    assert "nobody answers" in report.errors["workers"]
    assert executor.taken[0][0].cancelled()


def test_an_interrupt_cancels_what_waits() -> None:
    """Shards that were not begun never are."""
    release = threading.Event()

    def interrupt(result) -> None:
        raise KeyboardInterrupt

    def jobs():
        yield Double(0)
        yield from map(Waiting, range(1, 100))

    @dataclass(frozen=True)
    class Waiting(Double):
        def __call__(self, session, metadata):
            release.wait(30)
            return super().__call__(session, metadata)

    with ThreadPoolExecutor(1) as executor:
        try:
            with pytest.raises(KeyboardInterrupt):
                crew(executor).run(jobs(), interrupt)
        finally:
            release.set()
    assert len(tries) <= 2


def test_a_session_in_memory_cannot_be_shared(simple, threads) -> None:
    """Its one connection belongs to one thread."""
    engine = create_engine("sqlite://")
    shop.Base.metadata.create_all(engine)
    with Session(engine) as session, pytest.raises(ConfigurationError, match="one connection"):
        verify(session, shop.Base, executor=threads)


def test_other_processes_need_an_application(simple) -> None:
    """One that can be sent to them, which this is told before anything happens."""
    with ProcessPoolExecutor(1) as executor, Session(simple.engine) as session:
        with pytest.raises(ConfigurationError, match="application="):
            verify(session, shop.Base, executor=executor)
        with pytest.raises(ConfigurationError, match="picklable"):
            verify(session, shop.Base, executor=executor, application=lambda: (simple.engine, shop.Base))


def test_an_application_that_cannot_be_opened_is_an_error(simple, threads) -> None:
    """Of the report: it says why."""

    def broken():
        raise ConnectionRefusedError("no such host")

    with Session(simple.engine) as session:
        report = verify(session, shop.Base, executor=threads, application=broken)
    assert not report.ok
    assert "ConnectionRefusedError: no such host" in next(iter(report.errors.values()))


@pytest.mark.parametrize("options", [{"shard_size": 0}, {"state": "here.json"}], ids=str)
def test_arguments_that_cannot_work_are_refused(simple, threads, options) -> None:
    """Work in shards keeps no file of its progress."""
    for command in (verify, sweep):
        with Session(simple.engine) as session, pytest.raises(ConfigurationError, match=next(iter(options))):
            command(session, shop.Base, executor=threads, **options)


async def test_an_event_loop_goes_on_meanwhile(simple, threads, tmp_path) -> None:
    """The session's own loop is not held up while shards are worked on, and a cancelled run leaves it."""
    import asyncio

    with Session(simple.engine) as session:
        shop.fill(session, 30)
    engine = create_async_engine(f"sqlite+aiosqlite:///{simple.folder}/shop.db")
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0)

    async with AsyncSession(engine) as session:
        task = asyncio.create_task(beat())
        report = await verify_async(session, shop.Base, grace=NOW, executor=threads, shard_size=20)
        assert report.counts["objects"] > 60
        assert beats > 100
        task.cancel()
        begun = asyncio.Event()
        running = asyncio.create_task(
            verify_async(
                session, shop.Base, executor=threads, shard_size=1, progress=lambda step: begun.set(), grace=NOW
            )
        )
        await begun.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    await engine.dispose()
