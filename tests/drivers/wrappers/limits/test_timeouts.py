"""Calls that make no progress are given up; slow ones are not."""

import asyncio
import threading

import pytest

from holdfast.backends.base import StorageBackend
from holdfast.backends.wrappers import LimitedBackend
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


@pytest.mark.parametrize(
    "options", [{"retries": -1}, {"retries": 1.5}, {"timeout": 0}, {"timeout": float("nan")}, {"max_concurrency": 0}]
)
def test_limits_out_of_range(tmp_path, options):
    """They are refused when the storage is made."""
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        LimitedBackend("nas", StorageBackend("inner", Hanging(tmp_path)), **options)
