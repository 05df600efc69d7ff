"""Attempts: what is repeated, what is not, and that nothing half or empty comes of it."""

import asyncio
import io

import pytest

from holdfast.backends.base import StorageBackend
from holdfast.backends.batch import PutRequest
from holdfast.backends.observing import Observer, observers
from holdfast.drivers.local import LocalDriver
from holdfast.drivers.wrappers.limits import LimitedDriver, Policy
from holdfast.errors import AlreadyExistsError, StorageError, StorageTimeoutError, UnavailableError
from holdfast.objects import ObjectInfo
from holdfast.testing.contents import BIG, MIB, async_pieces, checksum, pieces
from holdfast.testing.faults import Fault, FaultyDriver
from tests.drivers.wrappers.drivers import Cutting, timed_out

DATA = bytes(range(256)) * 4000
LONG = bytes(range(256)) * 36 * 1024  # 9 MiB: more than one step of a read in one piece
KINDS = {
    "bytes": lambda path: DATA,
    "file": lambda path: io.BytesIO(DATA),
    "path": lambda path: path,
    "list": lambda path: list(pieces(DATA)),
}


class Pauses:
    """A clock that only notes how long it was to wait."""

    def __init__(self):
        self.seconds = []

    def sleep(self, seconds):
        self.seconds.append(seconds)

    async def sleep_async(self, seconds):
        self.seconds.append(seconds)


@pytest.fixture
def pauses():
    """What was waited for."""
    return Pauses()


@pytest.fixture
def limited(pauses, tmp_path):
    """Make a storage with limits over a driver."""

    def make(driver, **policy):
        clock = {"share": lambda: 1.0, "sleep": pauses.sleep, "sleep_async": pauses.sleep_async}
        return StorageBackend("nas", LimitedDriver(driver, Policy(**policy), **clock))

    return make


@pytest.fixture
def faulty(tmp_path):
    """A disk that fails on cue."""
    return FaultyDriver(LocalDriver(tmp_path / "root", durable=False))


def fail(driver, operation, times, when="before"):
    """Let the next calls fail."""
    for number in range(times):
        driver.fail(Fault(operation, when, timed_out(), skip=number))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("operation", ["stat", "delete", "copy", "put", "read", "list"])
def test_what_passes_is_not_noticed(limited, faulty, in_half, pauses, *, operation, when):
    """Three failures in a row are made up for, whether or not the failed attempts took effect."""
    half = in_half(limited(faulty))
    half.put("x", b"bytes")
    fail(faulty, operation, 3, when)
    if operation == "put":
        assert half.put("x", b"other").checksum == checksum(b"other")
        assert half.read("x") == b"other"
    elif operation == "delete":
        half.delete("x")
        assert half.names() == []
    elif operation == "copy":
        assert half.copy("x", "y").size == 5
    elif operation == "stat":
        assert half.stat("x").size == 5
    elif operation == "read":
        assert half.read("x") == b"bytes"
    else:
        assert half.names() == ["x"]
    assert pauses.seconds == [0.2, 0.4, 0.8]


def test_what_does_not_pass_is_raised(limited, faulty, in_half, pauses):
    """After the last attempt the failure comes out; a failure of another kind at once."""
    half = in_half(limited(faulty, retries=2))
    half.put("x", b"bytes")
    fail(faulty, "stat", 3)
    with pytest.raises(StorageTimeoutError):
        half.stat("x")
    assert len(pauses.seconds) == 2
    faulty.fail(Fault("stat", error=PermissionError(13, "no")))
    with pytest.raises(StorageError, match="no"):
        half.stat("x")
    assert len(pauses.seconds) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_b63_a_source_that_rewinds_is_stored_whole(limited, faulty, in_half, tmp_path, kind):
    """Each attempt begins with the first byte, and the checksum is that of the last one."""
    path = tmp_path / "content"
    path.write_bytes(DATA)
    half = in_half(limited(faulty))
    fail(faulty, "put", 2, "after")
    info = half.put("x", KINDS[kind](path))
    assert (info.size, info.checksum) == (len(DATA), checksum(DATA))
    assert half.read("x") == DATA


@pytest.mark.parametrize("content", [lambda: pieces(DATA), lambda: async_pieces(DATA)], ids=["sync", "async"])
@pytest.mark.parametrize("threaded", [False, True])
def test_b63_a_source_that_is_spent_is_not_stored(limited, tmp_path, pauses, content, threaded):
    """What failed is raised; neither half of the content nor nothing is stored by another attempt."""

    class Failing(LocalDriver):
        failures = 1

        def put_many(self, puts):
            if self.failures:
                self.failures -= 1
                next(puts[0].body.blocks(1000))
                raise timed_out()
            return super().put_many(puts)

    driver = Failing(tmp_path / "root", durable=False)
    storage = limited(driver if threaded else FaultyDriver(driver))
    with pytest.raises(StorageTimeoutError):
        asyncio.run(storage.put_async("x", content()))
    assert not storage.exists("x")
    assert pauses.seconds == []


def test_b63_limits_over_limits(limited, tmp_path, in_half):
    """The outer ones see that the content is spent, and raise what failed instead of another attempt's complaint."""

    class Failing(LocalDriver):
        def put(self, key, body, options):
            next(body.blocks(4))
            raise timed_out()

    half = in_half(limited(LimitedDriver(Failing(tmp_path / "root", durable=False), Policy())))
    with pytest.raises(StorageTimeoutError):
        half.put("x", iter([b"12345678"]))


def test_a_source_that_was_not_read_is_used(limited, faulty, in_half):
    """An attempt that failed before it read anything costs nothing, even of a content that comes once."""
    half = in_half(limited(faulty))
    fail(faulty, "put", 2)
    half.put("x", pieces(DATA))
    assert half.read("x") == DATA


def test_a_failing_content_is_not_tried_again(limited, faulty, in_half, pauses):
    """Its error is its own, even if it looks like a timeout of the storage."""

    def content():
        yield b"bytes"
        raise timed_out()

    half = in_half(limited(faulty))
    with pytest.raises(OSError, match="timed out") as caught:
        half.put("x", content())
    assert not isinstance(caught.value, StorageError)
    assert pauses.seconds == []


@pytest.mark.parametrize("data", [b"bytes", BIG], ids=["small", "big"])
def test_a_lost_answer_to_a_create(limited, faulty, in_half, data):
    """With `if_absent` the second attempt finds the first one's object, and knows it by its bytes."""
    half = in_half(limited(faulty))
    fail(faulty, "put", 1, "after")
    info = half.put("x", data, if_absent=True)
    assert (info.size, info.checksum) == (len(data), checksum(data))


@pytest.mark.parametrize("theirs", [b"their bytes", b"bytez", b"bytes!", b""])
def test_another_ones_object_is_not_taken_for_ours(limited, faulty, in_half, theirs):
    """What somebody else created is refused, also after an attempt that failed."""
    half = in_half(limited(faulty))
    half.put("x", theirs)
    fail(faulty, "put", 1)
    with pytest.raises(AlreadyExistsError):
        half.put("x", b"bytes", if_absent=True)
    assert half.read("x") == theirs


def test_one_of_a_batch(limited, tmp_path, in_half, pauses):
    """Only what failed is written again, and counts from its beginning."""

    class Failing(LocalDriver):
        failures = 1

        def put_many(self, puts):
            outcomes = super().put_many(puts)
            for number, put in enumerate(puts):
                if self.failures and put.key.endswith("b"):
                    self.failures -= 1
                    outcomes[number] = timed_out()
            return outcomes

    half = in_half(limited(Failing(tmp_path / "root", durable=False)))
    requests = [PutRequest(half.key(name), name.encode() * 1000, if_absent=True) for name in "abc"]
    outcomes = half.put_many(requests)
    assert [type(outcome) for outcome in outcomes] == [ObjectInfo] * 3
    assert outcomes[1].checksum == checksum(b"b" * 1000)
    assert pauses.seconds == [0.2]


@pytest.mark.parametrize("silent", [False, True])
def test_a_cut_stream_goes_on(limited, tmp_path, in_half, silent):
    """It resumes with the byte after the last one, and also where the service just stops."""
    driver = Cutting(tmp_path / "root")
    half = in_half(limited(driver))
    half.put("x", DATA)
    driver.cuts, driver.silent = 3, silent
    chunks = half.stream("x", start=10, end=-10, chunk_size=100_000)
    assert b"".join(chunks) == DATA[10:-10]
    assert driver.reads[-4:] == [(10 + 100_000 * number, len(DATA) - 10) for number in range(4)]


@pytest.mark.parametrize("silent", [False, True])
def test_a_cut_read_goes_on(limited, tmp_path, in_half, silent):
    """What is wanted in one piece is whole, also where the service just stops."""
    driver = Cutting(tmp_path / "root")
    half = in_half(limited(driver))
    half.put("x", LONG)
    driver.cuts, driver.silent = 1, silent
    driver.reads.clear()
    assert half.read("x", start=10, end=-10) == LONG[10:-10]
    assert driver.reads == [(10, len(LONG) - 10), (10 + 8 * MIB, len(LONG) - 10)]


def test_a_read_of_what_was_replaced(limited, tmp_path, in_half):
    """Nobody has seen the first part of it yet: it is read anew."""
    driver = Cutting(tmp_path / "root")
    half = in_half(limited(driver))
    half.put("x", LONG)
    driver.cuts, driver.on_cut = 1, lambda: half.storage.put(half.key("x"), b"other")
    assert half.read("x") == b"other"


def test_a_read_of_what_is_replaced_all_the_time(limited, tmp_path, in_half):
    """It ends, though each attempt gets further than nothing."""
    driver = Cutting(tmp_path / "root")
    half = in_half(limited(driver))
    half.put("x", LONG)
    driver.cuts, driver.on_cut = 100, lambda: half.storage.put(half.key("x"), LONG)
    driver.reads.clear()
    with pytest.raises(StorageTimeoutError):
        half.read("x")
    assert len(driver.reads) == 4


def test_a_stream_of_what_was_replaced(limited, tmp_path, in_half):
    """The rest of another object is never joined to what was read of the first."""
    driver = Cutting(tmp_path / "root")
    half = in_half(limited(driver))
    half.put("x", DATA)
    driver.cuts, driver.on_cut = 1, lambda: half.storage.put(half.key("x"), DATA[::-1])
    with pytest.raises(StorageTimeoutError):
        half.stream("x", chunk_size=100_000)


def test_a_service_that_always_stops_short(limited, tmp_path, in_half):
    """It counts as out of order, and half a file is not taken for a whole one; no retries are needed to see that."""
    driver = Cutting(tmp_path / "root")
    for retries in (0, 1):
        half = in_half(limited(driver, retries=retries))
        half.put("x", DATA)
        driver.cuts, driver.silent, driver.after = 10**6, True, 0
        with pytest.raises(UnavailableError, match="ended after 0 of"):
            half.stream("x", chunk_size=100_000)
        with pytest.raises(UnavailableError, match="ended after 0 of"):
            half.read("x")


def test_a_cut_listing_goes_on(limited, tmp_path, in_half):
    """Each key comes once."""
    driver = Cutting(tmp_path / "root")
    half = in_half(limited(driver))
    for number in range(12):
        half.put(f"{number:02}", b"")
    driver.cuts, driver.after = 5, 2
    assert half.names() == [f"{number:02}" for number in range(12)]


def test_retries_are_counted(limited, faulty):
    """Whoever observes the storage hears of them."""

    class Watching(Observer):
        seen: list = []  # noqa: RUF012

        def end(self, observation, begun):
            self.seen.append((observation.operation, observation.retries))

    storage = limited(faulty)
    storage.put("x", b"bytes")
    fail(faulty, "stat", 2)
    watching = observers.add(Watching())
    try:
        storage.stat("x")
    finally:
        observers.remove(watching)
    assert watching.seen == [("stat", 2)]
