"""What is kept, what is served, and what goes."""

import asyncio
import fcntl
import os
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from holdfast.backends.base import StorageBackend
from holdfast.backends.wrappers import CachedBackend, LimitedBackend
from holdfast.drivers.local import LocalDriver
from holdfast.errors import ChecksumMismatchError, ConfigurationError, NotFoundError
from holdfast.testing.contents import BIG, MIB, checksum
from holdfast.testing.faults import FaultyDriver
from tests.drivers.wrappers.drivers import Cutting


class Cached:
    """A cache before a disk that counts what it is asked."""

    def __init__(self, folder, max_bytes=50 * MIB, **options):
        self.driver = FaultyDriver(LocalDriver(folder / "root", durable=False))
        self.inner = StorageBackend("inner", self.driver)
        self.folder = folder / "cache"
        self.storage = self.another(max_bytes, **options)

    def another(self, max_bytes=50 * MIB, name="cdn", **options):
        """Return one more cache in the same folder."""
        storage = CachedBackend(name, self.inner, folder=self.folder, max_bytes=max_bytes, **options)
        storage._driver._clock = lambda: time.time() + 3600  # nothing is too young
        return storage

    @property
    def reads(self):
        """How many reads went to the storage."""
        return self.driver.calls.count("read")

    def files(self):
        """What lies in the folder."""
        return [path for path in self.folder.glob("*/*") if path.is_file()]

    def taken(self):
        """How many bytes lie in the folder."""
        total = 0
        with (self.folder / "size").open("rb") as count:
            fcntl.flock(count, fcntl.LOCK_EX)  # else what goes and what comes while we look would both count
            for path in self.files():
                total += path.stat().st_size
        return total


@pytest.fixture
def cached(tmp_path):
    """A cache before a disk."""
    return Cached(tmp_path)


def test_the_second_read_is_served(cached, in_half):
    """Whole, in part or streamed: the storage is not read again."""
    half = in_half(cached.storage)
    half.put("x", BIG)
    assert half.read("x") == BIG
    assert cached.reads == 1
    assert half.read("x") == BIG
    assert half.read("x", start=5, end=-5) == BIG[5:-5]
    assert b"".join(half.stream("x", chunk_size=1000 * 1000)) == BIG
    assert half.read("x", start=len(BIG)) == b""
    assert cached.reads == 1
    assert [(path.stat().st_size, stat.S_IMODE(path.stat().st_mode)) for path in cached.files()] == [(len(BIG), 0o600)]
    assert stat.S_IMODE(cached.folder.stat().st_mode) == 0o700


def test_a_part_of_a_small_object(cached, in_half):
    """All of it is fetched, so that the next part is there; of a large one only what was asked for."""
    half = in_half(cached.storage)
    half.put("small", BIG[: 2 * MIB])
    half.put("large", BIG)
    for name, reads in [("small", 1), ("large", 3)]:
        assert half.read(name, start=10, end=20) == BIG[10:20]
        assert b"".join(half.stream(name, start=MIB, end=MIB + 9, chunk_size=4)) == BIG[MIB : MIB + 9]
        assert cached.reads == reads


def test_an_overwrite_by_another(cached, in_half):
    """Whoever writes, and however: the new bytes are read, also if they are as long."""
    half = in_half(cached.storage)
    half.put("x", b"first")
    assert half.read("x") == b"first"
    cached.inner.put(half.key("x"), b"other")
    assert half.read("x") == b"other"


def test_a_delete_by_another(cached, in_half):
    """What is gone is not served."""
    half = in_half(cached.storage)
    half.put("x", b"first")
    half.read("x")
    cached.inner.delete(half.key("x"))
    with pytest.raises(NotFoundError):
        half.read("x")


@pytest.mark.parametrize("operation", ["delete", "put", "copy"])
def test_what_is_changed_here_goes(cached, in_half, operation):
    """A copy of what is deleted or replaced does not stay on the disk."""
    half = in_half(cached.storage)
    for name in "xy":
        half.put(name, b"bytes")
        half.read(name)
    assert len(cached.files()) == 2
    if operation == "delete":
        half.delete("x", "y")
    elif operation == "put":
        half.put("x", b"other"), half.put("y", b"other")
    else:
        half.delete("y")
        half.copy("x", "y")
    assert len(cached.files()) == (1 if operation == "copy" else 0)


def test_a_change_while_it_is_read(tmp_path):
    """What was read is not kept as the new state, nor as the old one."""
    driver = Cutting(tmp_path / "root")
    inner = StorageBackend("inner", driver)
    storage = CachedBackend("cdn", inner, folder=tmp_path / "cache", max_bytes=50 * MIB)
    storage._driver._clock = lambda: time.time() + 3600
    inner.put("x", BIG)
    stream = storage.stream("x", chunk_size=MIB)
    next(stream)
    inner.put("x", BIG[::-1])
    list(stream)
    assert storage.read("x") == BIG[::-1]


def test_what_is_young_is_not_kept(tmp_path):
    """It may be written again within one tick of the clock."""
    inner = StorageBackend("inner", LocalDriver(tmp_path / "root", durable=False))
    storage = CachedBackend("cdn", inner, folder=tmp_path / "cache", max_bytes=MIB)
    inner.put("x", b"bytes")
    storage.read("x")
    assert not list((tmp_path / "cache").rglob("??/*"))
    os.utime(tmp_path / "root/x", (0, time.time() - 3))
    storage.read("x")
    assert [path for path in (tmp_path / "cache").rglob("??/*") if path.is_file()]


@pytest.mark.parametrize(("start", "end"), [(1, None), (1, 9), (0, 9)])
def test_a_change_before_a_part_is_read(tmp_path, in_half, start, end):
    """All of the part is of the new object; its end is not where the old one ended."""

    class Racing(LocalDriver):
        hook = staticmethod(lambda: None)

        def read(self, *span):
            self.hook()
            return super().read(*span)

    driver = Racing(tmp_path / "root", durable=False)
    storage = CachedBackend("cdn", StorageBackend("inner", driver), folder=tmp_path / "cache", max_bytes=MIB)
    storage._driver._clock = lambda: time.time() + 3600
    half = in_half(storage)
    half.put("x", b"short")
    new = b"much longer than it was"
    driver.hook = lambda: storage.inner.put(half.key("x"), new)
    assert half.read("x", start=start, end=end) == new[start:end]
    assert half.read("x") == new


def test_verify_asks_the_storage(cached, in_half):
    """What has gone bad there is found, whatever good copy lies here; through any wrapper."""
    half = in_half(LimitedBackend("nas", cached.storage))
    half.put("x", b"good bytes")
    assert half.read("x") == b"good bytes"
    path = cached.inner.native / half.key("x")
    when = path.stat().st_mtime_ns
    path.write_bytes(b"BAD! bytes")
    os.utime(path, ns=(when, when))
    assert half.read("x") == b"good bytes"
    with pytest.raises(ChecksumMismatchError):
        half.verify("x", checksum(b"good bytes"))
    assert half.read("x") == b"good bytes"


def test_an_unfinished_read_is_not_kept(cached, in_half):
    """Neither what was left in the middle nor what was cut is served, and it takes no room."""
    half = in_half(cached.storage)
    half.put("x", BIG)
    stream = cached.storage.stream(half.key("x"), chunk_size=MIB)
    next(stream)
    assert cached.taken() == len(BIG)  # the room is held
    stream.close()
    assert cached.files() == []
    assert int((cached.folder / "size").read_text()) == 0
    assert half.read("x") == BIG


def test_what_was_used_longest_ago_goes(cached, in_half):
    """The number of bytes is kept, and what was used lately stays."""
    cached.storage = cached.another(max_bytes=10 * MIB, max_object_bytes=3 * MIB)
    half = in_half(cached.storage)
    for number in range(9):
        half.put(f"{number}", b"x" * 2 * MIB)
    for number in range(8):
        half.read(f"{number}")
        half.read("0")
        assert cached.taken() <= 10 * MIB
    reads = cached.reads
    half.read("0"), half.read("7")
    assert cached.reads == reads
    half.read("1")
    assert cached.reads == reads + 1


def test_large_objects_pass(cached, in_half):
    """They are read from the storage and push nothing out."""
    cached.storage = cached.another(max_bytes=8 * MIB)
    half = in_half(cached.storage)
    half.put("x", b"x" * 3 * MIB)
    assert half.read("x") == b"x" * 3 * MIB
    assert half.read("x", start=4, end=9) == b"x" * 5
    assert cached.files() == []


def test_it_outlives_the_process(cached):
    """A cache that is made anew serves what is there, and counts it."""
    cached.storage.put("x", b"x" * MIB)
    cached.storage.read("x")
    again = cached.another()
    assert again.read("x") == b"x" * MIB
    assert cached.reads == 1


def test_other_names_do_not_meet(cached):
    """Two storages with equal keys may lie in one folder."""
    cached.storage.put("x", b"bytes")
    cached.storage.read("x")
    cached.another(name="other").read("x")
    assert cached.reads == 2


def test_a_damaged_file(cached, in_half):
    """One that is shorter than it should be is not served."""
    half = in_half(cached.storage)
    half.put("x", b"0123456789")
    half.read("x")
    os.truncate(cached.files()[0], 4)
    assert half.read("x") == b"0123456789"
    assert half.read("x") == b"0123456789"
    assert cached.reads == 2


@pytest.mark.parametrize("kind", ["full", "broken"])
def test_a_disk_that_fails(cached, in_half, caplog, monkeypatch, kind):
    """Reads go to the storage, the log says so once, and what did not fit is gone."""
    half = in_half(cached.storage)
    half.put("x", BIG)
    if kind == "broken":
        cached.folder.write_text("no folder")
    else:
        monkeypatch.setattr("holdfast.drivers.wrappers.cache.folder.Incoming.write", _full)
    for _ in range(3):
        assert half.read("x") == BIG
    assert caplog.text.count("the cache in") >= 1
    assert kind == "broken" or cached.files() == []


def _full(self, chunk):
    raise OSError(28, "No space left on device")


def test_many_at_once(cached):
    """Threads and event loops that read the same objects all get them, within the limit."""
    storage = cached.another(max_bytes=4 * MIB, max_object_bytes=MIB)
    contents = {f"{number}": bytes([number]) * MIB for number in range(8)}
    for name, data in contents.items():
        cached.inner.put(name, data)

    async def read(name):
        return await storage.read_async(name)

    def work(number):
        name = f"{number % 8}"
        data = asyncio.run(read(name)) if number % 3 == 0 else storage.read(name)
        assert cached.taken() <= 4 * MIB
        return data == contents[name]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(80)))
    assert cached.taken() <= 4 * MIB
    assert int((cached.folder / "size").read_text()) >= cached.taken()


KILLED = """
import os, sys
from pathlib import Path
from holdfast.drivers.wrappers.cache import CacheFolder
from holdfast.objects import ObjectInfo
incoming = CacheFolder(Path(sys.argv[1]), 10_000_000, "cdn").begin(ObjectInfo("x", 9_000_000, etag="1"))
incoming.write(b"half")
os._exit(9)
"""


def test_what_a_crash_left_goes_first(cached):
    """A file that nobody writes any more makes room; one that is being written stays."""
    cached.storage = cached.another(max_bytes=10_000_000)
    done = subprocess.run([sys.executable, "-c", KILLED, str(cached.folder)], check=False, timeout=60)
    assert done.returncode == 9
    assert len(cached.files()) == 1
    cached.storage.put("y", b"y" * 2_000_000)
    cached.storage.read("y")
    assert [path.stat().st_size for path in cached.files()] == [2_000_000]
    stream = cached.storage.stream("y", chunk_size=100)
    next(stream)
    assert int((cached.folder / "size").read_text()) == 2_000_000


def test_a_folder_of_others_is_refused(cached, tmp_path):
    """One that holds something and is not marked as a cache may be anything."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home/letter.txt").write_text("dear all")
    with pytest.raises(ConfigurationError, match="holds files that are no cache"):
        CachedBackend("cdn", cached.inner, folder=tmp_path / "home", max_bytes=MIB)


def test_a_folder_that_others_filled(cached, in_half, caplog):
    """It is refused also if that happened later: reads go to the storage, and nothing is touched."""
    half = in_half(cached.storage)
    half.put("x", b"bytes")
    cached.folder.mkdir()
    (cached.folder / "letter.txt").write_text("dear all")
    assert half.read("x") == b"bytes"
    assert [path.name for path in cached.folder.iterdir()] == ["letter.txt"]
    assert "no CACHEDIR.TAG" in caplog.text


@pytest.mark.parametrize("place", ["letter.txt", "docs/letter.txt", "ab/letter.txt", "incoming/letter.txt"])
def test_files_of_others_stay(cached, place):
    """What has not a name of ours is never removed, however much room is wanted."""
    cached.storage = cached.another(max_bytes=3 * MIB, max_object_bytes=MIB)
    cached.storage.put("0", bytes(MIB))
    cached.storage.read("0")
    foreign = cached.folder / place
    foreign.parent.mkdir(exist_ok=True)
    foreign.write_bytes(b"x" * 2 * MIB)
    os.utime(foreign, (0, 0))
    for number in range(1, 6):
        cached.storage.put(f"{number}", bytes(MIB))
        cached.storage.read(f"{number}")
    assert foreign.stat().st_size == 2 * MIB
    assert len(cached.files()) <= 4


def test_it_is_marked_as_a_cache(cached):
    """So that backups leave it out, by the convention that tar, Borg and restic know."""
    cached.storage.put("x", b"bytes")
    cached.storage.read("x")
    assert (cached.folder / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")


@pytest.mark.parametrize(
    "options",
    [{"folder": "relative"}, {"folder": None}, {"folder": 5}, {"max_bytes": 0}, {"max_object_bytes": -1}],
    ids=str,
)
def test_what_cannot_work(cached, tmp_path, options):
    """It is refused when the storage is made."""
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        CachedBackend("cdn", cached.inner, **{"folder": tmp_path, "max_bytes": MIB, **options})
