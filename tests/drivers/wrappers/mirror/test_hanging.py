"""A storage of a mirror that hangs holds nobody up for long, and what it does later does no harm."""

import asyncio
import threading

import pytest

from holdfast.backends.base import StorageBackend
from holdfast.backends.wrappers import MirrorBackend
from holdfast.drivers.local import LocalDriver
from holdfast.drivers.wrappers.mirror import copies
from holdfast.errors import StorageTimeoutError
from holdfast.testing.contents import MIB, Failed, async_pieces, failing
from tests.drivers.wrappers.drivers import Hanging

LONG = b"0123456789abcdef" * 65536 * 20
"""More than waits in a channel."""

CONTENTS = {"small": b"bytes", "long": LONG}


class Slow(Hanging):
    """May also wait before each block."""

    pause = 0.0

    def put_many(self, puts):
        blocks = puts[0].body.blocks

        def paused(size):
            for block in blocks(size):
                threading.Event().wait(self.pause)
                yield block

        puts[0].body.blocks = paused
        return super().put_many(puts)


class Pair:
    """A mirror of a disk and of one that hangs."""

    def __init__(self, folder):
        self.folder, self.driver = folder, Slow(folder / "two")
        self.driver.hangs.add("put")
        self.first = StorageBackend("first", LocalDriver(folder / "one", durable=False))
        self.second = StorageBackend("second", self.driver)

    def mirror(self, **options):
        """Return the mirror."""
        return MirrorBackend("safe", [self.first, self.second], **options)

    def wake(self):
        """Let go on what hangs, and wait for the end of it."""
        self.driver.go_on.set()
        for thread in threading.enumerate():
            if thread.name == "holdfast-mirror":
                thread.join(10)
                assert not thread.is_alive()


@pytest.fixture
def pair(tmp_path, monkeypatch):
    """Two disks; in the end nothing hangs any more."""
    monkeypatch.setattr(copies, "_GRACE", 0.2)
    made = Pair(tmp_path)
    yield made
    made.wake()


@pytest.mark.parametrize("content", CONTENTS)
def test_the_put_succeeds(pair, in_half, caplog, content):
    """The copy is left to `holdfast mirror`; nothing is written when the storage wakes up."""
    half = in_half(pair.mirror(timeout=0.2))
    half.put("x", [CONTENTS[content][start : start + MIB] for start in range(0, len(CONTENTS[content]), MIB)])
    assert f"{half.key('x')!r} was not written to storage 'second' (StorageTimeoutError)" in caplog.text
    assert pair.first.read(half.key("x")) == CONTENTS[content]
    pair.wake()
    assert not pair.second.exists(half.key("x"))


def test_async_content_goes_on(pair):
    """The event loop is not held up either."""
    asyncio.run(pair.mirror(timeout=0.2).put_async("x", async_pieces(LONG)))
    assert pair.first.read("x") == LONG


def test_a_storage_that_is_slow(pair, in_half, caplog):
    """What takes longer in all, but makes progress, is not given up."""
    pair.driver.hangs.clear()
    pair.driver.pause = 0.1
    half = in_half(pair.mirror(timeout=0.5))
    half.put("x", iter([LONG[: 12 * MIB]]))
    assert pair.second.read(half.key("x")) == LONG[: 12 * MIB]
    assert not caplog.records


def test_copies_that_are_required(pair, in_half):
    """Then the put fails, and is taken back where that can be done."""
    half = in_half(pair.mirror(timeout=0.2, require=2))
    pair.driver.delete = lambda keys: pytest.fail("a storage that hangs would hang here, too")
    with pytest.raises(StorageTimeoutError, match="in 'second'"):
        half.put("x", b"bytes", if_absent=True)
    del pair.driver.delete
    assert not pair.first.exists(half.key("x"))


def test_a_key_that_must_be_free(pair, in_half, caplog):
    """A storage that does not say whether it is gets no copy."""
    pair.driver.hangs = {"stat"}
    half = in_half(pair.mirror(timeout=0.2))
    half.put("x", b"bytes", if_absent=True)
    assert pair.first.read(half.key("x")) == b"bytes"
    assert "was not written to storage 'second' (StorageTimeoutError)" in caplog.text
    pair.wake()
    assert not pair.second.exists(half.key("x"))


def test_content_that_fails(pair, in_half):
    """Whoever fails meanwhile does not wait for it."""
    half = in_half(pair.mirror(timeout=None))
    with pytest.raises(Failed):
        half.put("x", failing(b"x" * 10))
    pair.wake()
    assert not pair.second.exists(half.key("x"))


def test_a_put_that_is_cancelled(pair, caplog, monkeypatch):
    """It ends soon, whatever the limit; that the copy is missing is logged."""
    storage, complete = pair.mirror(timeout=None), copies.Copies.complete_async

    async def run():
        waiting = asyncio.Event()

        async def completing(self):
            waiting.set()
            return await complete(self)

        monkeypatch.setattr(copies.Copies, "complete_async", completing)
        task = asyncio.create_task(storage.put_async("x", b"bytes"))
        await waiting.wait()
        async with asyncio.timeout(10):
            task.cancel()
            await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(run())
    assert pair.first.read("x") == b"bytes"
    assert "'x' was not written to storage 'second' (StorageTimeoutError)" in caplog.text
