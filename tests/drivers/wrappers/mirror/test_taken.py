"""Puts of keys that must be free: nothing that any storage holds is replaced, and a lost answer loses no copy."""

import logging

import pytest

from holdfast.backends.base import StorageBackend
from holdfast.backends.batch import PutRequest
from holdfast.backends.wrappers import LimitedBackend, MirrorBackend
from holdfast.drivers.local import LocalDriver
from holdfast.errors import AlreadyExistsError, StorageTimeoutError
from holdfast.testing.contents import BIG, MIB, checksum, pieces
from holdfast.testing.faults import Fault, FaultyDriver
from tests.drivers.wrappers.drivers import timed_out


class Repeating(LocalDriver):
    """Sends a request again whose answer was lost, as libraries do: then the key is taken."""

    loses = False

    def put_many(self, puts):
        outcomes = super().put_many(puts)
        if self.loses:
            self.loses = False
            return [FileExistsError(17, "taken")]
        return outcomes


class Three:
    """A mirror of three disks."""

    def __init__(self, folder, **options):
        self.repeating = Repeating(folder / "0", durable=False)
        disks = [self.repeating, *(LocalDriver(folder / str(number), durable=False) for number in (1, 2))]
        self.drivers = [FaultyDriver(driver) for driver in disks]
        self.parts = [StorageBackend(f"part-{number}", driver) for number, driver in enumerate(self.drivers)]
        self.storage = MirrorBackend("safe", self.parts, **options)

    def holding(self, key):
        """Who has it, and what."""
        return [part.read(key) if part.exists(key) else None for part in self.parts]


@pytest.fixture
def three(tmp_path):
    """Three disks, all of which must have a copy."""
    return Three(tmp_path, require=3)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_last_copy_is_not_replaced(three, in_half, number):
    """A key is taken if any of them holds it."""
    half = in_half(three.storage)
    three.parts[number].put(half.key("x"), b"the last one")
    for content in (b"other bytes", BIG, pieces(BIG)):
        with pytest.raises(AlreadyExistsError):
            half.put("x", content, if_absent=True)
    expected = [b"the last one" if each == number else None for each in range(3)]
    assert three.holding(half.key("x")) == expected
    half.put("x", b"other bytes")
    assert three.holding(half.key("x")) == [b"other bytes"] * 3


@pytest.mark.parametrize("require", [2, 3])
def test_a_storage_that_cannot_say(tmp_path, in_half, caplog, require):
    """It may hold the last copy: nothing is written there, and that is logged."""
    three = Three(tmp_path, require=require)
    half = in_half(three.storage)
    three.parts[2].put(half.key("x"), b"the last one")
    three.drivers[2].fail(Fault("stat", error=timed_out()))
    if require == 2:
        half.put("x", b"bytes", if_absent=True)
    else:
        with pytest.raises(StorageTimeoutError, match="in 'part-2'"):
            half.put("x", b"bytes", if_absent=True)
    assert "was not written to storage 'part-2' (StorageTimeoutError)" in caplog.text
    assert three.holding(half.key("x"))[:2] == [b"bytes" if require == 2 else None] * 2
    if require == 2:
        assert three.parts[2].read(half.key("x")) == b"the last one"


CONTENTS = {"bytes": lambda: b"bytes", "big": lambda: BIG, "once": lambda: pieces(BIG)}


@pytest.mark.parametrize("content", CONTENTS)
def test_an_answer_that_was_lost(three, in_half, content):
    """The first has written the object and says that the key is taken: the copies are completed."""
    half = in_half(three.storage)
    three.repeating.loses = True
    expected = b"".join(pieces(BIG)) if content != "bytes" else b"bytes"
    request = PutRequest(half.key("x"), CONTENTS[content](), if_absent=True, fresh=True)
    (info,) = half.put_many([request])
    assert (info.size, info.checksum) == (len(expected), checksum(expected))
    assert three.holding(half.key("x")) == [expected] * 3


def test_a_copy_that_is_missing_then(three, in_half):
    """If too few can be completed, the put fails as any other."""
    half = in_half(three.storage)
    three.repeating.loses = True
    three.drivers[1].fail(Fault("put", error=timed_out()))
    with pytest.raises(StorageTimeoutError, match="in 'part-1'"):
        half.put("x", b"bytes", if_absent=True)


@pytest.mark.parametrize("content", ["bytes", "big"])
def test_an_attempt_that_is_repeated(three, in_half, content, caplog):
    """What limits repeat after a lost answer has all of its copies, too."""
    storage = LimitedBackend("limited", three.storage, retries=1)
    storage._driver.limits.sleep = lambda _: None
    half = in_half(storage)
    three.drivers[0].fail(Fault("put", "after", timed_out()))
    half.put("x", CONTENTS[content](), if_absent=True)
    assert three.holding(half.key("x")) == [CONTENTS[content]()] * 3
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_what_is_no_lost_answer(three, in_half):
    """The same bytes are still refused, and other bytes of the same size do not come near the copies."""
    half = in_half(three.storage)
    half.put("x", b"b" * 3 * MIB)
    for content in (b"b" * 3 * MIB, b"b" * (3 * MIB - 1) + b"x"):
        for part in three.parts[1:]:
            part.delete(half.key("x"))
        with pytest.raises(AlreadyExistsError):
            half.put("x", content, if_absent=True)
        copied = content if content.endswith(b"b") else None
        assert three.holding(half.key("x")) == [b"b" * 3 * MIB, copied, copied]
