"""Copies from one folder to another, which the kernel makes."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from holdfast.backends.base import StorageBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.wrappers import CachedBackend, LimitedBackend, MirrorBackend, PrefixBackend, ReadOnlyBackend
from holdfast.drivers.local import LocalDriver
from holdfast.errors import AlreadyExistsError, NotFoundError

MIB = 1024 * 1024


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def copy_from(request):
    """`StorageBackend.copy_from`, in either half."""
    if request.param:
        return lambda target, *rest: asyncio.run(target.copy_from_async(*rest))
    return lambda target, *rest: target.copy_from(*rest)


@pytest.fixture
def other(tmp_path):
    """Another storage on the same machine, whose files others may read."""
    return StorageBackend("other", LocalDriver(tmp_path / "other", mode=0o640))


def read_calls(monkeypatch):
    """Return a list that gets an entry for each block that is read here."""
    calls, read = [], os.read
    monkeypatch.setattr(os, "read", lambda *args: calls.append(args) or read(*args))
    return calls


def test_the_kernel_copies(storage, other, tmp_path, copy_from, monkeypatch):
    """No byte is read here; the copy has the permissions of the folder where it lies, and nobody has hashed it."""
    content = os.urandom(3 * MIB)
    storage.put("a/x", content)
    calls = read_calls(monkeypatch)
    info = copy_from(other, storage, "a/x", "b/c/y")
    assert (info.key, info.size, info.checksum) == ("b/c/y", 3 * MIB, None)
    assert calls == []
    assert other.read("b/c/y") == content
    assert (tmp_path / "other/b/c/y").stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in (tmp_path / "other").rglob("*") if path.is_file()) == ["y"]


def test_two_file_systems(storage, other, copy_from, monkeypatch):
    """Where the kernel cannot, the bytes go through this process, in order."""

    def refused(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "copy_file_range", refused, raising=False)
    content = os.urandom(3 * MIB + 1)
    storage.put("x", content)
    assert copy_from(other, storage, "x", "y").size == 3 * MIB + 1
    assert other.read("y") == content


@pytest.mark.parametrize("durable", [True, False])
def test_synced(storage, tmp_path, copy_from, monkeypatch, durable):
    """A copy is synced as a put is: the file and the folder that has its name."""
    target = StorageBackend("target", LocalDriver(tmp_path / "target", durable=durable))
    target.put("before", b"")
    storage.put("x", b"bytes")
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_mode & 0o170000))
    copy_from(target, storage, "x", "y")
    assert synced == ([0o100000, 0o040000] if durable else [])


def test_nothing_is_replaced(storage, other, copy_from):
    """Of many copies to one key, one gets there."""
    for number in range(8):
        storage.put(f"x{number}", b"%d" % number)
    other.put("y", b"other")
    with pytest.raises(AlreadyExistsError, match="'y' in storage 'other'"):
        copy_from(other, storage, "x0", "y")

    def outcome(number):
        try:
            return copy_from(other, storage, f"x{number}", "z").size
        except AlreadyExistsError:
            return None

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(outcome, range(8)))
    assert sorted(found, key=str) == [1, *[None] * 7]
    assert other.read("z") == b"%d" % found.index(1)
    assert other.read("y") == b"other"


def test_a_key_that_is_taken_at_the_last_moment(storage, other, copy_from, monkeypatch):
    """The name is given only if it is free then, whatever was seen before."""
    storage.put("x", b"bytes")
    other.put("y", b"other")
    answers = [False, True]
    monkeypatch.setattr(other, "exists", lambda _: answers.pop(0))

    async def exists_async(_):
        return answers.pop(0)

    monkeypatch.setattr(other, "exists_async", exists_async)
    with pytest.raises(AlreadyExistsError):
        copy_from(other, storage, "x", "y")
    assert other.read("y") == b"other"


def test_a_missing_original(storage, other, copy_from):
    """It is missing in the storage where it should be, and nothing is left in the other."""
    with pytest.raises(NotFoundError, match="'x' in storage 'docs'"):
        copy_from(other, storage, "x", "y")
    assert list(other.list()) == []


def test_a_link_is_not_followed(storage, other, root, outside, copy_from):
    """What a link in the folder leads to is no object of the storage."""
    storage.put("x", b"bytes")
    (root / "link").symlink_to(outside / "secret")
    with pytest.raises(Exception, match="link"):
        copy_from(other, storage, "link", "y")
    assert list(other.list()) == []


def test_through_wrappers(storage, other, copy_from):
    """Folders, limits and read-only storages change nothing about it."""
    storage.put("a/x", b"bytes")
    source = ReadOnlyBackend("safe", LimitedBackend("limited", PrefixBackend("a", storage, "a")))
    target = PrefixBackend("b", LimitedBackend("limits", other), "b")
    assert copy_from(target, source, "x", "y").key == "y"
    assert other.read("b/y") == b"bytes"


def test_not_through_others(storage, other, tmp_path, copy_from):
    """What has to see the bytes gets them: a mirror, a cache, another service; and nothing is written to read-only."""
    storage.put("x", b"bytes")
    cached = CachedBackend("cached", storage, folder=tmp_path / "cache", max_bytes=1000)
    mirror = MirrorBackend("mirror", [other, storage])
    for source, target in [
        (cached, other),
        (mirror, other),
        (storage, mirror),
        (storage, CachedBackend("c", other, folder=tmp_path / "cache", max_bytes=1000)),
        (storage, ObstoreBackend("memory", "memory://")),
        (ObstoreBackend("memory", "memory://"), storage),
        (storage, ReadOnlyBackend("safe", other)),
    ]:
        assert copy_from(target, source, "x", "y") is None
    assert list(other.list()) == []


def test_copy(storage, other, tmp_path):
    """`copy` goes that way, or the long one."""
    third = StorageBackend("third", LocalDriver(tmp_path / "third"))
    storage.put("x", b"bytes")
    assert storage.copy("x", "y", to=other).checksum is None
    assert asyncio.run(storage.copy_async("x", "z", to=other)).checksum is None
    mirror = MirrorBackend("mirror", [other, third])
    assert storage.copy("x", "m", to=mirror).checksum is not None
    assert asyncio.run(storage.copy_async("x", "n", to=mirror)).checksum is not None
    assert [other.read(key) for key in "yzmn"] == [b"bytes"] * 4
