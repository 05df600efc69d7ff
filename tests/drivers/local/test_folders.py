"""Folders that were written to before are used again only while their paths lead to them."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from holdfast import StorageBackend
from holdfast.drivers.local import LocalDriver
from holdfast.drivers.local.folders import TEMPORARY
from holdfast.errors import AccessDeniedError, NotFoundError


@pytest.fixture
def storage(root):
    """Return a storage that has written into a folder."""
    storage = StorageBackend("docs", LocalDriver(root, durable=False))
    storage.put("2025/11/x", b"first")
    return storage


def folders_open(root):
    """Return how many folders this process has open below a root."""
    opened = 0
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # that of the listing itself
            opened += link.readlink().is_relative_to(root)
    return opened


def test_the_next_file_goes_there_without_a_walk(storage, root):
    """What was walked through is closed, what was written to is kept."""
    before = folders_open(root)
    storage.put("2025/11/y", b"second")
    assert folders_open(root) == before == 2  # the folder, and that of temporary files
    assert (root / "2025/11/y").read_bytes() == b"second"


@pytest.mark.parametrize(
    "which", ["2025/11", "2025", ".", TEMPORARY], ids=["itself", "one above it", "root", "temporary"]
)
@pytest.mark.parametrize("how", ["moved", "removed"])
def test_another_folder_in_its_place(storage, root, which, how):
    """The file lies where its key says, whatever became of the folder of the one before."""
    folder = (root / which).resolve()
    if how == "moved":
        folder.rename(root.parent / "elsewhere")
    else:
        shutil.rmtree(folder)
    storage.put("2025/11/y", b"second")
    assert (root / "2025/11/y").read_bytes() == b"second"
    assert storage.read("2025/11/y") == b"second"


def test_a_link_in_its_place_is_not_followed(storage, root, outside):
    """It leads out of the storage."""
    shutil.rmtree(root / "2025/11")
    (root / "2025/11").symlink_to(outside)
    with pytest.raises((AccessDeniedError, NotFoundError)):
        storage.put("2025/11/y", b"second")
    assert [path.name for path in outside.iterdir()] == ["secret"]


def test_few_are_kept(root):
    """However many folders there are, and however many threads write into them."""
    storage = StorageBackend("docs", LocalDriver(root, durable=False))
    keys = [f"{number % 40}/{number}" for number in range(400)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda key: storage.put(key, key.encode()), keys))
    assert folders_open(root) <= 8
    assert [storage.read(key) for key in keys] == [key.encode() for key in keys]
