"""How local disk lists, and what it keeps open."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from holdfast.backends.batch import PutRequest
from holdfast.drivers.local import listing as local_listing
from holdfast.errors import NotFoundError, StorageError


def open_descriptors(root):
    """Count those of the folder and of what is in it; connections of other tests may end at any time."""
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found += link.readlink().is_relative_to(root)
    return found


def test_a_big_folder_is_listed_in_batches(storage, root, monkeypatch):
    """However many names a folder has, a few are held at a time, and all come in order, also when resumed."""
    monkeypatch.setattr(local_listing, "_LIST_BATCH", 7)
    storage.put("x", b"bytes")
    names = [f"n{number:03}" for number in range(50)]
    for name in names:
        (root / name).touch()
    for name in ["n003-", "n003.d", "n004.d", "é"]:
        (root / name).mkdir()
        (root / name / "inner").touch()
    expected = sorted([*names, "n003-/inner", "n003.d/inner", "n004.d/inner", "é/inner", "x"], key=str.encode)
    assert [info.key for info in storage.list()] == expected
    for after in ["n003", "n003-", "n003-/inner", "n003.", "n020", "x"]:
        assert [info.key for info in storage.list(after=after)] == [key for key in expected if key > after]


def test_a_listing_survives_changes(storage, root, monkeypatch):
    """Files and folders that vanish while they are listed are left out."""
    monkeypatch.setattr(local_listing, "_LIST_BATCH", 2)
    for key in ["a/x", "b", "c/x", "d", "e"]:
        storage.put(key, b"bytes")
    listing = storage.list()
    assert next(listing).key == "a/x"
    (root / "b").unlink()
    shutil.rmtree(root / "c")
    assert [info.key for info in listing] == ["d", "e"]


def test_names_that_are_no_text_are_skipped(storage, root):
    """A file whose name is not UTF-8 is none of ours."""
    storage.put("x", b"bytes")
    Path(os.fsdecode(os.fsencode(root) + b"/\xff")).touch()
    assert [info.key for info in storage.list()] == ["x"]


def test_a_missing_root_is_empty(storage, root):
    """Before the first write there is nothing, and looking makes no folder."""
    assert list(storage.list()) == []
    assert not storage.exists("x")
    storage.delete("x")
    with pytest.raises(NotFoundError):
        storage.read("x")
    assert not root.exists()


def test_no_descriptor_is_left_open(storage, root):
    """Operations that end, fail or are left early close what they opened."""
    storage.put("a/x", b"x" * 3_000_000)
    before = open_descriptors(root)
    for _ in range(20):
        stream = storage.stream("a/x", chunk_size=1000)
        next(stream)
        stream.close()
        listing = storage.list()
        next(listing)
        listing.close()
        assert not storage.exists("a")
        with pytest.raises(StorageError):
            storage.put("a", b"bytes")
        storage.put_many([PutRequest("b/y", b"bytes"), PutRequest("a/x/z", b"bytes")])
    assert open_descriptors(root) == before


def test_the_etag_is_time_and_size(storage, root):
    """The entity tag is the modification time in nanoseconds and the size."""
    info = storage.put("x", b"bytes")
    assert info.etag == f"{(root / 'x').stat().st_mtime_ns}-5"
    assert info.last_modified == pytest.approx((root / "x").stat().st_mtime)
