"""Calls that make no progress are given up; slow ones are not."""

import asyncio
import threading

import pytest

from holdfast.backends.base import StorageBackend
from holdfast.backends.batch import PutRequest
from holdfast.backends.wrappers import LimitedBackend, PrefixBackend
from holdfast.drivers.local import LocalDriver
from holdfast.drivers.threaded import ThreadedDriver
from holdfast.errors import ConfigurationError, StorageTimeoutError
from holdfast.testing.contents import MIB
from tests.drivers.wrappers.drivers import Hanging

SOON = 0.4


class Awaiting(ThreadedDriver):
    """An async half that can be cancelled while it hangs."""

    async def stat_async(self, key):
        self.driver.calls += 1
        if "stat" in self.driver.hangs:
            await asyncio.Event().wait()
        return self.driver.stat(key)


@pytest.fixture
def hanging(tmp_path):
    """A disk that hangs on cue, and is let go in the end."""
    driver = Hanging(tmp_path)
    yield driver
    driver.go_on.set()


def storage_on(driver, **options):
    """Return a storage that gives up soon."""
    return LimitedBackend("nas", StorageBackend("inner", driver), **{"timeout": SOON, "retries": 0, **options})


@pytest.mark.parametrize("operation", ["stat", "read", "put"])
def test_what_hangs_is_given_up(hanging, in_half, operation):
    """The error says so; other calls work, whatever still hangs."""
    half = in_half(storage_on(hanging))
    half.storage.inner.put(half.key("x"), b"bytes")
    hanging.hangs = {operation}
    with pytest.raises(StorageTimeoutError, match=r"no progress for 0.4 seconds"):
        half.call(operation, half.key("x"), *([b"other"] if operation == "put" else []))
    hanging.hangs = set()
    assert half.storage.inner.stat(half.key("x")).size == 5


def test_what_hangs_in_the_event_loop_is_cancelled(hanging):
    """A driver with an async half leaves nothing behind."""
    storage = storage_on(Awaiting(hanging))
    hanging.hangs = {"stat"}

    async def run():
        with pytest.raises(StorageTimeoutError):
            await storage.stat_async("x")
        return len(asyncio.all_tasks())

    assert asyncio.run(run()) == 1


def test_what_hangs_may_be_tried_again(hanging, in_half):
    """A read that hung is repeated."""
    half = in_half(storage_on(hanging, retries=1))
    half.storage.inner.put(half.key("x"), b"bytes")
    before = hanging.calls
    hanging.hangs = {"stat"}
    with pytest.raises(StorageTimeoutError):
        half.stat("x")
    assert hanging.calls == before + 2


def test_a_put_that_hangs_is_not_repeated(hanging):
    """Its thread may still read the content, and may still write: there is one attempt."""
    storage = storage_on(hanging, retries=3)
    hanging.hangs = {"put"}
    with pytest.raises(StorageTimeoutError):
        storage.put("x", b"bytes" * 3 * MIB)
    assert hanging.calls == 1
    threads = [thread for thread in threading.enumerate() if thread.name == "holdfast-watched"]
    hanging.go_on.set()
    for thread in threads:
        thread.join(10)
    assert not storage.exists("x")  # it was told to stop, and did when it looked at its content


def test_slow_content_is_no_hang(hanging, in_half):
    """A client that takes its time does not make a put time out."""
    half = in_half(storage_on(hanging))
    pause = threading.Event()

    def slow():
        for _ in range(2):
            pause.wait(SOON * 1.2)
            yield b"bytes"

    assert half.put("x", slow()).size == 10


def test_a_reader_that_takes_its_time_is_no_hang(hanging):
    """Between two chunks the clock stands still."""
    storage = storage_on(hanging)
    storage.inner.put("x", b"0123456789")
    pause = threading.Event()
    got = []
    for chunk in storage.stream("x", chunk_size=5):
        pause.wait(SOON * 1.2)
        got.append(chunk)
    assert got == [b"01234", b"56789"]


def test_a_batch_that_hangs_is_given_up(hanging, in_half):
    """Each object of it has its own clock."""
    half = in_half(storage_on(hanging))
    hanging.hangs = {"put"}
    outcomes = half.put_many([PutRequest(half.key(name), b"bytes") for name in "abc"])
    assert [type(outcome) for outcome in outcomes] == [StorageTimeoutError] * 3


def test_what_hangs_behind_a_folder_holds_up_nobody(hanging, tmp_path):
    """A wrapper has an async half over any driver; where that waits in threads of the pool, it must not hang there."""
    storage = LimitedBackend(
        "nas", PrefixBackend("folder", StorageBackend("inner", hanging), "x"), timeout=SOON, retries=0
    )
    other = StorageBackend("other", LocalDriver(tmp_path / "other", durable=False))
    other.put("y", b"bytes")
    hanging.hangs = {"stat"}

    async def run():
        outcomes = await asyncio.gather(*(storage.stat_async("y") for _ in range(40)), return_exceptions=True)
        async with asyncio.timeout(20):
            return {type(outcome) for outcome in outcomes}, await other.read_async("y")

    assert asyncio.run(run()) == ({StorageTimeoutError}, b"bytes")


def test_a_put_that_stops_late_is_repeated(tmp_path):
    """A thread that heard that it is to stop does not stop the next attempt as well."""

    class Late(LocalDriver):
        attempts = 0

        def put(self, key, body, options):
            self.attempts += 1
            if self.attempts == 1:
                while not body._cancelled:
                    threading.Event().wait(0.01)
            return super().put(key, body, options)

    driver = Late(tmp_path, durable=False)
    storage = storage_on(Awaiting(driver), retries=1)
    assert asyncio.run(storage.put_async("x", b"bytes")).size == 5
    assert driver.attempts == 2


def test_a_stream_has_one_thread(tmp_path):
    """A new one for each chunk would cost more than the chunk."""

    class Noting(LocalDriver):
        threads: list = []  # noqa: RUF012  # held, so that no two are the same

        def read(self, key, start, end, chunk_size):
            for chunk in super().read(key, start, end, chunk_size):
                self.threads.append(threading.current_thread())
                yield chunk

    storage = storage_on(Noting(tmp_path, durable=False))
    storage.put("x", b"0123456789")
    assert b"".join(storage.stream("x", chunk_size=1)) == b"0123456789"
    assert len(Noting.threads) == 10
    assert len(set(Noting.threads)) == 1
    assert Noting.threads[0] is not threading.current_thread()
    Noting.threads[0].join(10)
    assert not Noting.threads[0].is_alive()


@pytest.mark.parametrize(
    "options",
    [
        {"retries": -1},
        {"retries": 1.5},
        {"timeout": 0},
        {"timeout": float("nan")},
        {"timeout": "5"},
        {"timeout": True},
        {"timeout": 1e12},
        {"max_concurrency": 0},
        {"max_concurrency": "8"},
    ],
    ids=str,
)
def test_limits_out_of_range(tmp_path, options):
    """They are refused when the storage is made."""
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        LimitedBackend("nas", StorageBackend("inner", Hanging(tmp_path)), **options)
