"""Several storages as one: what is written where, what is read from where, and what a failure means."""

import asyncio
import logging
import os
import threading

import pytest

from holdfast.backends.base import StorageBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.wrappers import CachedBackend, LimitedBackend, MirrorBackend, PrefixBackend, ReadOnlyBackend
from holdfast.drivers.local import LocalDriver
from holdfast.errors import (
    ConfigurationError,
    NotFoundError,
    StorageError,
    StorageTimeoutError,
)
from holdfast.testing.contents import BIG, MIB, Failed, async_pieces, checksum, failing, pieces
from holdfast.testing.faults import Fault, FaultyDriver
from tests.drivers.wrappers.drivers import Cutting, timed_out


class Pair:
    """A mirror of two disks that fail on cue."""

    def __init__(self, folder, **options):
        self.drivers = [FaultyDriver(LocalDriver(folder / name, durable=False)) for name in ("one", "two")]
        self.first, self.second = (
            StorageBackend(name, driver) for name, driver in zip(("first", "second"), self.drivers, strict=True)
        )
        self.storage = MirrorBackend("safe", [self.first, self.second], **options)

    def fail(self, number, operation, when="before", error=None, times=1):
        """Let one of them fail at its next calls."""
        driver = self.drivers[number]
        for extra in range(times):
            driver.fail(Fault(operation, when, error or timed_out(), skip=extra))


@pytest.fixture
def pair(tmp_path):
    """Two disks."""
    return Pair(tmp_path)


CONTENTS = {
    "bytes": lambda: BIG,
    "generator": lambda: pieces(BIG),
    "small": lambda: b"bytes",
    "empty": lambda: b"",
}


@pytest.mark.parametrize("content", CONTENTS)
def test_both_have_it(pair, in_half, content):
    """One reading of the content makes two objects of the same bytes."""
    half = in_half(pair.storage)
    info = half.put("x", CONTENTS[content](), content_type="text/plain")
    assert info.checksum == checksum(b"".join(map(bytes, [CONTENTS[content]()] if content != "generator" else [BIG])))
    for storage in (pair.storage, pair.first, pair.second):
        storage.verify(half.key("x"), info.checksum)


def test_async_content(pair):
    """An async iterator is read once, too."""
    asyncio.run(pair.storage.put_async("x", async_pieces(BIG)))
    assert pair.first.read("x") == pair.second.read("x") == BIG


def test_memory_is_bounded(tmp_path):
    """A copy that is slow holds the reading up: what was read and is not written yet stays small."""
    ahead, lock = [0], threading.Lock()
    most = []

    class Slow(LocalDriver):
        def put_many(self, puts):
            body = puts[0].body
            blocks = body.blocks

            def counted(size):
                for block in blocks(size):
                    threading.Event().wait(0.001)
                    with lock:
                        ahead[0] -= block.nbytes
                    yield block

            body.blocks = counted
            return super().put_many(puts)

    def content():
        for _ in range(64):
            with lock:
                ahead[0] += MIB
                most.append(ahead[0])
            yield os.urandom(MIB)

    second = StorageBackend("second", Slow(tmp_path / "two", durable=False))
    storage = MirrorBackend("safe", [StorageBackend("first", LocalDriver(tmp_path / "one", durable=False)), second])
    info = storage.put("x", content())
    second.verify("x", info.checksum)
    assert max(most) < 16 * MIB


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_copy_that_fails(pair, in_half, caplog, when):
    """The put succeeds, the log names the storage and the key, and the bytes are read from the first."""
    half = in_half(pair.storage)
    pair.fail(1, "put", when)
    with caplog.at_level(logging.ERROR, "holdfast"):
        half.put("x", BIG)
    assert f"{half.key('x')!r} was not written to storage 'second' (StorageTimeoutError)" in caplog.text
    assert "holdfast mirror" in caplog.text
    half.verify("x", checksum(BIG))


def test_the_first_fails(pair, in_half):
    """The put fails, and no other has it either."""
    half = in_half(pair.storage)
    for content in (BIG, b"bytes"):
        pair.fail(0, "put")
        with pytest.raises(StorageTimeoutError, match="in 'first'"):
            half.put("x", content)
        assert not pair.first.exists(half.key("x"))
        assert not pair.second.exists(half.key("x"))


def test_a_failing_content(pair, in_half):
    """What the content raises comes out as it is, and nobody has anything."""
    half = in_half(pair.storage)
    for length in (10, 20 * MIB):
        with pytest.raises(Failed):
            half.put("x", failing(b"x" * length))
        assert not pair.first.exists(half.key("x"))
        assert not pair.second.exists(half.key("x"))


def test_copies_that_are_required(tmp_path, in_half):
    """With `require`, a put without enough copies fails, and what it created is taken back."""
    pair = Pair(tmp_path, require=2)
    half = in_half(pair.storage)
    pair.fail(1, "put")
    with pytest.raises(StorageTimeoutError, match="in 'second'"):
        half.put("x", b"bytes", if_absent=True)
    assert not pair.first.exists(half.key("x"))
    half.put("x", b"bytes")
    pair.fail(1, "put")
    with pytest.raises(StorageTimeoutError):
        half.put("x", b"other")
    assert pair.first.read(half.key("x")) == b"other"  # an old object is not lost on top of it


def test_a_first_that_tries_again(tmp_path, in_half):
    """If it begins anew in the middle, the copies get each byte once."""

    class Failing(LocalDriver):
        failures = 1

        def put_many(self, puts):
            if self.failures:
                self.failures -= 1
                blocks = puts[0].body.blocks(MIB)
                next(blocks), next(blocks)
                raise timed_out()
            return super().put_many(puts)

    first = LimitedBackend("first", StorageBackend("disk", Failing(tmp_path / "one", durable=False)))
    first._driver.limits.sleep = lambda _: None
    second = ObstoreBackend("second", "memory://")
    half = in_half(MirrorBackend("safe", [first, second]))
    half.put("x", list(pieces(BIG)))
    second.verify(half.key("x"), checksum(BIG))


@pytest.mark.parametrize("error", [timed_out, lambda: FileNotFoundError(2, "no"), lambda: PermissionError(13, "no")])
def test_the_next_is_read(pair, in_half, error):
    """What the first does not have, or cannot give, comes from the next, with its description."""
    half = in_half(pair.storage)
    half.put("x", b"bytes")
    for operation, call in [
        ("read", lambda: half.read("x") == b"bytes"),
        ("read", lambda: half.stream("x") == [b"bytes"]),
        ("stat", lambda: half.stat("x").size == 5),
        ("list", lambda: half.names() == ["x"]),
    ]:
        pair.fail(0, operation, error=error())
        assert call()


def test_all_fail(pair, in_half):
    """The first one's failure is raised: an object that could not be asked for is not called missing."""
    half = in_half(pair.storage)
    pair.fail(0, "stat")
    with pytest.raises(StorageTimeoutError, match="in 'first'"):
        half.stat("missing")
    pair.fail(1, "stat")
    with pytest.raises(NotFoundError):
        half.stat("missing")


@pytest.mark.parametrize("same", [True, False])
def test_a_read_that_is_cut(tmp_path, in_half, same):
    """It goes on with the next storage, if that has the same bytes before the cut."""
    drivers = [Cutting(tmp_path / name) for name in ("one", "two")]
    first, second = (StorageBackend(f"{number}", driver) for number, driver in enumerate(drivers))
    half = in_half(MirrorBackend("safe", [first, second]))
    half.put("x", BIG)
    if not same:
        second.put(half.key("x"), BIG[::-1])
    drivers[0].cuts, drivers[0].after = 1, 3
    if same:
        assert b"".join(half.stream("x", start=5, chunk_size=MIB)) == BIG[5:]
    else:
        with pytest.raises(StorageTimeoutError):
            half.stream("x", start=5, chunk_size=MIB)


def test_a_listing_that_is_cut(tmp_path, in_half):
    """It goes on with the next storage, after the last key."""
    drivers = [Cutting(tmp_path / name) for name in ("one", "two")]
    half = in_half(MirrorBackend("safe", [StorageBackend(f"{n}", driver) for n, driver in enumerate(drivers)]))
    for name in "abcd":
        half.put(name, b"")
    drivers[0].cuts, drivers[0].after = 1, 2
    assert half.names() == ["a", "b", "c", "d"]


@pytest.mark.parametrize("number", [0, 1])
def test_a_delete_that_fails_somewhere(pair, in_half, number):
    """It raises, having tried everywhere; done again it is complete."""
    half = in_half(pair.storage)
    half.put("x", b"bytes")
    pair.fail(number, "delete")
    with pytest.raises(StorageTimeoutError):
        half.delete("x")
    assert [pair.first.exists(half.key("x")), pair.second.exists(half.key("x"))] == [number == 0, number == 1]
    half.delete("x")
    assert not half.exists("x")


def test_a_copy_of_what_the_first_has_lost(pair, in_half):
    """It is made from the storage that has it, in all of them."""
    half = in_half(pair.storage)
    half.put("x", b"bytes")
    pair.first.delete(half.key("x"))
    half.copy("x", "y")
    assert pair.first.read(half.key("y")) == pair.second.read(half.key("y")) == b"bytes"


def test_a_cancelled_put(pair):
    """When it ends, nothing is being written anywhere, and nobody has anything."""

    async def run():
        waiting = asyncio.Event()

        async def content():
            yield b"x" * 10 * MIB
            waiting.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(pair.storage.put_async("x", content()))
        await waiting.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(run())
    for thread in [thread for thread in threading.enumerate() if thread.name == "holdfast-mirror"]:
        thread.join(10)  # its work is done, and it is about to end
        assert not thread.is_alive()
    assert not pair.first.exists("x")
    assert not pair.second.exists("x")


def test_no_secret_is_logged(pair, caplog):
    """The text of a library's error stays out of the log, and credentials in it out of the error."""
    leaking = OSError(110, "GET https://x/?X-Amz-Signature=SECRET timed out")
    with caplog.at_level(logging.DEBUG, "holdfast"):
        pair.fail(1, "put", error=leaking)
        pair.storage.put("x", b"bytes")
        pair.storage.put("y", b"bytes")
        pair.fail(0, "read", error=leaking)
        pair.storage.read("y")
        pair.fail(0, "put", error=leaking)
        with pytest.raises(StorageError) as caught:
            pair.storage.put("x", b"bytes")
    assert "SECRET" not in caplog.text + str(caught.value)


def test_what_is_no_mirror(tmp_path):
    """One storage, the same one twice, more copies than storages, and what is no list of storages."""
    one, two = ObstoreBackend("one", "memory://"), ObstoreBackend("two", "memory://")
    for storages, require in [([one], 1), ([one, one], 1), ([one, two], 3), ([one, two], 0), ([one, "two"], 1)]:
        with pytest.raises(ConfigurationError):
            MirrorBackend("safe", storages, require=require)
    for storages in (one, None, "one", {one, two}):
        with pytest.raises(ConfigurationError):
            MirrorBackend("safe", storages)
    for timeout in (0, -1, "5", float("inf"), 1e12):
        with pytest.raises(ConfigurationError, match="timeout"):
            MirrorBackend("safe", [one, two], timeout=timeout)


def test_parts_that_cannot_be_written(tmp_path):
    """They would never get a copy, and never lose what is deleted."""
    one, two = ObstoreBackend("one", "memory://"), ObstoreBackend("two", "memory://")
    for parts in ([one, ReadOnlyBackend("old", two)], [ReadOnlyBackend("old", two), one]):
        with pytest.raises(ConfigurationError, match="'old' cannot be written"):
            MirrorBackend("safe", parts)


def test_a_mirror_of_mirrors():
    """Only the storages of the outer one would be caught up with."""
    one, two, three = (ObstoreBackend(name, "memory://") for name in ("one", "two", "three"))
    inner = MirrorBackend("inner", [one, two])
    for part in (inner, PrefixBackend("inner", LimitedBackend("l", inner), "x")):
        with pytest.raises(ConfigurationError, match="'inner' stands on a mirror"):
            MirrorBackend("safe", [part, three])


def test_parts_in_the_same_place(tmp_path):
    """They would be one copy; and one inside the other would be copied into itself."""
    disk, again = (StorageBackend(name, LocalDriver(tmp_path / "disk")) for name in ("disk", "again"))
    inside = StorageBackend("inside", LocalDriver(tmp_path / "disk" / "a"))
    memory = ObstoreBackend("memory", "memory://")
    for parts in (
        [disk, again],
        [memory, disk, LimitedBackend("l", again)],
        [inside, disk],
        [disk, PrefixBackend("p", again, "b")],
        [PrefixBackend("p", disk, "a"), PrefixBackend("q", inside, "b")],
        [PrefixBackend("p", memory, "a"), memory],
    ):
        with pytest.raises(ConfigurationError, match="are the same place"):
            MirrorBackend("safe", parts)
    MirrorBackend("safe", [PrefixBackend("p", memory, "a"), PrefixBackend("q", memory, "ab")])
    MirrorBackend("safe", [inside, PrefixBackend("p", disk, "b")])


def test_a_cache_over_a_mirror(tmp_path):
    """State and bytes may come from two storages, so that it would keep the wrong ones: around the storages it may."""
    one, two = ObstoreBackend("one", "memory://"), ObstoreBackend("two", "memory://")
    mirror = MirrorBackend("safe", [one, two])
    options = {"folder": tmp_path / "cache", "max_bytes": 1000}
    for storage in (mirror, PrefixBackend("p", LimitedBackend("l", mirror), "x")):
        with pytest.raises(ConfigurationError, match="cannot stand on a mirror"):
            CachedBackend("cdn", storage, **options)
    mirror = MirrorBackend("safe", [CachedBackend("cdn", one, **options), two])
    mirror.put("x", b"bytes")
    assert mirror.read("x") == b"bytes"
