"""Each operation of a storage is told once, with what it moved and how it ended."""

import asyncio
from contextlib import aclosing, closing

import pytest

from holdfast import StorageBackend
from holdfast.backends.batch import PutRequest
from holdfast.backends.observing import Observer, observers
from holdfast.drivers.attempts import repeated
from holdfast.drivers.local import LocalDriver
from holdfast.errors import AlreadyExistsError, NotFoundError, StorageError
from holdfast.testing.faults import Fault
from tests.files.conftest import Twin
from tests.observing.conftest import Recorder


async def test_every_operation(storage: StorageBackend, twin: Twin, recorder: Recorder) -> None:
    """One observation each, with its key, its bytes and its time."""
    await twin(storage.put, "a", b"12345")
    await twin(storage.read, "a", start=1)
    await twin.collect(storage.stream, "a")
    await twin(storage.stat, "a")
    await twin(storage.copy, "a", "b")
    await twin.collect(storage.list)
    await twin(storage.delete, ["a", "b"])
    assert recorder.told == [
        ("put", "a", "ok"),
        ("read", "a", "ok"),
        ("read", "a", "ok"),
        ("stat", "a", "ok"),
        ("stat", "b", "ok"),  # whether the target is free
        ("copy", "a", "ok"),
        ("stat", "b", "ok"),
        ("list", None, "ok"),
        ("delete", None, "ok"),
    ]
    moved = [(each.bytes_written, each.bytes_read, each.objects) for each in recorder.seen]
    assert moved[:3] == [(5, 0, 1), (0, 4, 0), (0, 5, 0)]
    assert [each.objects for each in recorder.seen[-2:]] == [2, 2]
    assert all(0 < each.seconds < 60 and each.storage == "docs" for each in recorder.seen)
    assert recorder.begun == [each.operation for each in recorder.seen]


async def test_failures(faulty: StorageBackend, twin: Twin, recorder: Recorder) -> None:
    """What the caller gets is what is told."""
    faulty._plain.fail(Fault("put"))
    with pytest.raises(StorageError) as caught:
        await twin(faulty.put, "a", b"1")
    (seen,) = recorder.seen
    assert (seen.outcome, seen.error) == ("failed", caught.value)


async def test_answers(storage: StorageBackend, twin: Twin, recorder: Recorder) -> None:
    """To ask whether something exists is no failure, to need it is."""
    assert not await twin(storage.exists, "a")
    with pytest.raises(NotFoundError):
        await twin(storage.stat, "a")
    assert [each.outcome for each in recorder.seen] == ["ok", "failed"]


async def test_a_reader_that_stops(storage: StorageBackend, twin: Twin, recorder: Recorder) -> None:
    """A read that the caller ends early is over, and went well; what came until then is counted."""
    await twin(storage.put, "a", b"x" * 3_000_000)
    if twin.is_async:
        async with aclosing(storage.stream_async("a", chunk_size=1_000_000)) as chunks:
            first = await anext(chunks)
            assert len(recorder.seen) == 1
    else:
        with closing(storage.stream("a", chunk_size=1_000_000)) as chunks:
            first = next(chunks)
            assert len(recorder.seen) == 1
    seen = recorder.seen[-1]
    assert (seen.operation, seen.outcome, seen.bytes_read) == ("read", "ok", len(first))


async def test_many_objects_are_one_operation_where_they_are_written_as_one(
    local: StorageBackend, twin: Twin, recorder: Recorder
) -> None:
    """A batch tells how many objects it had, and which of them failed."""
    await twin(local.put, "taken", b"1")
    requests = [PutRequest(name, b"12", if_absent=True) for name in ("a", "b", "taken")]
    outcomes = await twin(local.put_many, requests)
    seen = recorder.seen[-1]
    assert (seen.operation, seen.key, seen.objects, seen.bytes_written) == ("put_many", None, 3, 6)
    assert seen.failures == [("taken", outcomes[2])]
    assert isinstance(outcomes[2], AlreadyExistsError)
    assert (seen.outcome, seen.error) == ("failed", outcomes[2])


async def test_many_objects_one_by_one(memory: StorageBackend, twin: Twin, recorder: Recorder) -> None:
    """Where there are no batches, each object is an operation."""
    await twin(memory.put_many, [PutRequest("a", b"1"), PutRequest("b", b"2")])
    assert sorted(recorder.told) == [("put", "a", "ok"), ("put", "b", "ok")]


class Waiting(LocalDriver):
    """Local disk that never answers."""

    def __init__(self, root, **options) -> None:
        super().__init__(root, **options)
        self.asked = asyncio.Event()

    async def stat_async(self, key):
        self.asked.set()
        await asyncio.Event().wait()

    put_async = read_async = delete_async = copy_async = list_async = stat_async


async def test_a_cancelled_operation(tmp_path, recorder: Recorder) -> None:
    """Cancellation is an outcome of its own."""
    driver = Waiting(tmp_path)
    task = asyncio.create_task(StorageBackend("docs", driver).stat_async("a"))
    await driver.asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (seen,) = recorder.seen
    assert (seen.outcome, type(seen.error)) == ("cancelled", asyncio.CancelledError)


async def test_cancelled_while_it_waits_for_its_turn(tmp_path, recorder: Recorder) -> None:
    """Only what reached the storage is told: waiting for one's turn is no operation."""
    driver = Waiting(tmp_path)
    storage = StorageBackend("docs", driver, max_concurrency=1)
    driver.put_async = lambda *_: driver.stat_async("a")
    first, second = (asyncio.create_task(storage.put_async(name, b"")) for name in "ab")
    await driver.asked.wait()
    for task in (second, first):
        task.cancel()
    await asyncio.wait([first, second])
    assert recorder.told == [("put", "a", "cancelled")]


class Repeating(LocalDriver):
    """Local disk that needs three attempts."""

    def stat(self, key):
        repeated()
        repeated()
        return super().stat(key)


async def test_retries_are_counted(tmp_path, twin: Twin, recorder: Recorder) -> None:
    """A driver tells them where it is, in whichever thread; each operation has a count of its own."""
    storage = StorageBackend("docs", Repeating(tmp_path, durable=False))
    await twin(storage.put, "a", b"")
    await twin(storage.stat, "a")
    await twin(storage.stat, "a")
    assert [each.retries for each in recorder.seen][1:] == [2, 2]
    repeated()  # outside of an operation nobody counts


async def test_an_observer_that_raises(memory: StorageBackend, twin: Twin, recorder: Recorder, caplog) -> None:
    """Whoever watches is never in the way, and the next one is told all the same."""

    class Broken(Observer):
        def begin(self, observation):
            raise ZeroDivisionError

    class BrokenAtTheEnd(Observer):
        def end(self, observation, begun):
            raise ZeroDivisionError

    broken = [observers.add(Broken()), observers.add(BrokenAtTheEnd())]
    try:
        await twin(memory.put, "a", b"1")
        with pytest.raises(NotFoundError):
            await twin(memory.read, "b")
    finally:
        for each in broken:
            observers.remove(each)
    assert recorder.told == [("put", "a", "ok"), ("read", "b", "failed")]
    logged = [record for record in caplog.records if "raised" in record.message]
    assert len(logged) == 4
    assert all(record.name == "holdfast.storage" and record.exc_info for record in logged)
    await twin(memory.put, "a", b"1")
    assert len([record for record in caplog.records if "raised" in record.message]) == 4
