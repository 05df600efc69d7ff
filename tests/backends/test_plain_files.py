"""Objects that are plain files on this machine: opened, observed, closed."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from holdfast import StorageBackend
from holdfast.backends.observing import Observer, observers
from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers.local import LocalDriver
from holdfast.drivers.optional import PlainFiles
from holdfast.drivers.resident import BLOCK_SIZE, resident
from holdfast.drivers.wrappers.cache.driver import CachedDriver
from holdfast.drivers.wrappers.cache.folder import CacheFolder
from holdfast.drivers.wrappers.limits.driver import LimitedDriver
from holdfast.drivers.wrappers.prefix import PrefixDriver
from holdfast.errors import InvalidKeyError, NotFoundError
from holdfast.serving.asgi.plain import read_block


@pytest.fixture
def storage(tmp_path):
    """Return a storage with one file."""
    storage = StorageBackend("docs", LocalDriver(tmp_path / "root", durable=False))
    storage.put("folder/x", b"bytes")
    return storage


class Heard(Observer):
    """What was observed."""

    def __init__(self):
        self.found = []

    def end(self, observation, begun):
        self.found.append((observation.operation, observation.key, observation.bytes_read, observation.outcome))


@pytest.fixture
def heard():
    """Listen."""
    observer = observers.add(Heard())
    yield observer.found
    observers.remove(observer)


async def test_it_is_one_observed_read(storage, heard):
    """With the bytes that whoever read counted."""
    for opened in [storage.open_plain("folder/x"), await storage.open_plain_async("folder/x")]:
        with opened as file:
            assert (os.pread(file.descriptor, 9, 0), file.size) == (b"bytes", 5)
            file.bytes_read += 5
    assert heard == [("read", "folder/x", 5, "ok")] * 2


async def test_failures_are_wrapped_and_observed(storage, heard):
    """A missing file, and what fails while it is read."""
    with pytest.raises(NotFoundError, match="folder/missing"):
        storage.open_plain("folder/missing")
    with pytest.raises(NotFoundError, match="folder/missing"):
        await storage.open_plain_async("folder/missing")
    with pytest.raises(NotFoundError), storage.open_plain("folder/x"):
        raise FileNotFoundError(2, "the disk is gone")
    assert [outcome for *_, outcome in heard] == ["failed"] * 3


async def test_failures_are_logged_when_nobody_listens(storage, caplog):
    """The log has them like those of any other read."""
    caplog.set_level("INFO", "holdfast.storage")
    with pytest.raises(NotFoundError):
        await storage.open_plain_async("folder/missing")
    assert "folder/missing" in caplog.text


async def test_a_read_in_one_go(storage, unwatched, caplog):
    """Only where nobody is told of it: an observer and a log of everything get the usual one."""
    (await storage.open_plain_async("folder/x")).__exit__(None, None, None)  # from now on the folder is open
    assert storage.read_cached("folder/x", 0, 5, 5) == b"bytes"
    observer = observers.add(Heard())
    assert storage.read_cached("folder/x", 0, 5, 5) is None
    observers.remove(observer)
    with caplog.at_level("DEBUG", "holdfast.storage"):
        assert storage.read_cached("folder/x", 0, 5, 5) is None
    with pytest.raises(InvalidKeyError):
        storage.read_cached("../x", 0, 5, 5)


async def test_storages_without_plain_files():
    """There is nothing to open, which is no error."""
    storage = ObstoreBackend("docs", "memory://")
    storage.put("x", b"bytes")
    assert storage.open_plain("x") is None
    assert await storage.open_plain_async("x") is None
    assert storage.read_cached("x", 0, 5, 5) is None
    assert storage.plain_path("x") is None


def test_wrappers_that_count_or_limit_do_not_let_it_through(storage, tmp_path):
    """Who sends a plain file sends it past the driver: only where that has nothing to say."""
    driver = storage._plain
    assert isinstance(PrefixDriver(driver, "folder"), PlainFiles)
    assert not isinstance(LimitedDriver(driver), PlainFiles)
    assert not isinstance(CachedDriver(driver, CacheFolder(tmp_path / "cache", 1000, "docs"), 1000), PlainFiles)
    assert StorageBackend("docs", PrefixDriver(driver, "folder")).plain_path("x") == "folder/x"


class Waiting:
    """Opens a file when it is told to."""

    def __init__(self, driver):
        self.open = threading.Event()
        self.driver = driver

    def __getattr__(self, name):
        return getattr(self.driver, name)

    def open_file(self, key):
        self.open.wait(20)
        return self.driver.open_file(key)

    def open_cached(self, key):
        return None

    def read_cached(self, key, start, end, size):
        return None

    def relative_path(self, key):
        return key


async def test_a_cancelled_open_leaves_no_file_open(storage):
    """The thread opens it all the same, and it is closed then."""
    driver = Waiting(storage._plain)
    opening = asyncio.create_task(StorageBackend("docs", driver).open_plain_async("folder/x"))
    await asyncio.sleep(0)
    before = len(list(Path("/proc/self/fd").iterdir()))
    opening.cancel()
    asyncio.get_running_loop().call_soon(driver.open.set)
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert len(list(Path("/proc/self/fd").iterdir())) == before


async def test_blocks_that_are_not_in_memory(storage):
    """They are read by a thread, whole, and are the same bytes."""
    content = os.urandom(3 * BLOCK_SIZE)
    storage.put("large", content)
    with storage.open_plain("large") as file:
        os.fsync(file.descriptor)
        os.posix_fadvise(file.descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        assert resident(file.descriptor, BLOCK_SIZE, 2 * BLOCK_SIZE) in {None, content[BLOCK_SIZE : 2 * BLOCK_SIZE]}
        assert await read_block(file, BLOCK_SIZE, 2 * BLOCK_SIZE) == content[BLOCK_SIZE : 2 * BLOCK_SIZE]
        assert resident(file.descriptor, BLOCK_SIZE + 1, BLOCK_SIZE + 9) == content[BLOCK_SIZE + 1 : BLOCK_SIZE + 9]
        assert resident(file.descriptor, 3 * BLOCK_SIZE - 5, 3 * BLOCK_SIZE + 5) is None
        assert resident(file.descriptor, 0, BLOCK_SIZE + 1) is None
