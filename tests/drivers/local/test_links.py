"""Local disk follows no link and reads no device."""

import ctypes
import os
import stat
import threading
from contextlib import suppress

import pytest

from holdfast.backends.base import StorageBackend
from holdfast.drivers.local import LocalDriver
from holdfast.drivers.local.folders import TEMPORARY
from holdfast.errors import AccessDeniedError, InvalidKeyError, NotFoundError, StorageError

AT_FDCWD, RENAME_EXCHANGE = -100, 2  # renameat2(2)


def test_a_link_to_a_file_is_not_followed(storage, root, outside):
    """A symbolic link under a key is neither read nor described, and a put replaces the link, not its target."""
    storage.put("x", b"bytes")
    (root / "link").symlink_to(outside / "secret")
    for operation in [storage.read, storage.stat, storage.open, lambda key: storage.copy(key, "copy")]:
        with pytest.raises(AccessDeniedError):
            operation("link")
    storage.put("link", b"new")
    assert storage.read("link") == b"new"
    assert not (root / "link").is_symlink()
    assert (outside / "secret").read_bytes() == b"secret"


def test_a_link_to_a_folder_is_not_followed(storage, root, outside):
    """A symbolic link in the middle of a path stops every operation, and nothing outside is touched."""
    storage.put("x", b"bytes")
    (root / "link").symlink_to(outside, target_is_directory=True)
    refused = (AccessDeniedError, NotFoundError)
    for operation in [storage.read, storage.stat, lambda key: storage.copy(key, "copy")]:
        with pytest.raises(refused):
            operation("link/secret")
    with pytest.raises(refused):
        storage.put("link/new", b"bytes")
    with pytest.raises(refused):
        storage.put("link/deeper/new", b"bytes")
    with pytest.raises(refused):
        storage.copy("x", "link/copy")
    with suppress(StorageError):  # it may refuse or find nothing; either way the target stays
        storage.delete("link/secret")
    assert [info.key for info in storage.list()] == ["x"]
    assert list(storage.list("link")) == []
    assert [path.name for path in outside.iterdir()] == ["secret"]


def test_a_folder_swapped_for_a_link_is_not_followed(root, outside):
    """A folder that turns into a link while objects are written and read leads nowhere."""
    storage = StorageBackend("docs", LocalDriver(root, durable=False))
    storage.put("folder/secret", b"ours")
    (root / "link").symlink_to(outside, target_is_directory=True)
    one, other = os.fsencode(root / "folder"), os.fsencode(root / "link")
    renameat2 = ctypes.CDLL(None).renameat2
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            assert renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) == 0

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        for number in range(300):
            with suppress(StorageError):
                assert storage.read("folder/secret") == b"ours"
            with suppress(StorageError):
                storage.put(f"folder/{number}", b"bytes")
                storage.delete(f"folder/{number}")
    finally:
        stop.set()
        swapping.join()
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_bytes() == b"secret"


def test_the_root_may_be_a_link(tmp_path, root):
    """The root is the operator's choice: named by a link, it works."""
    root.mkdir(parents=True)
    (tmp_path / "alias").symlink_to(root, target_is_directory=True)
    storage = StorageBackend("docs", LocalDriver(tmp_path / "alias"))
    storage.put("a/x", b"bytes")
    assert storage.read("a/x") == b"bytes"
    assert [info.key for info in storage.list()] == ["a/x"]
    assert (root / "a" / "x").read_bytes() == b"bytes"


def test_only_regular_files_are_objects(storage, root):
    """A pipe, a folder and a device are not there, and reading them does not hang."""
    storage.put("x", b"bytes")
    os.mkfifo(root / "pipe")
    (root / "folder").mkdir()
    names = ["pipe", "folder"]
    if os.geteuid() == 0:
        try:
            os.mknod(root / "device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
            names.append("device")
        except PermissionError:  # a container without the right
            pass
    for name in names:
        assert not storage.exists(name)
        with pytest.raises(NotFoundError):
            storage.read(name)
    assert [info.key for info in storage.list()] == ["x"]


def test_the_temporary_folder_is_reserved(storage):
    """No key lies in the folder of files that are being written."""
    for operation in [lambda key: storage.put(key, b"bytes"), storage.read, storage.stat, storage.delete]:
        for key in [f"{TEMPORARY}/x", TEMPORARY]:
            with pytest.raises(InvalidKeyError):
                operation(key)
    storage.put(f"folder/{TEMPORARY}/x", b"only at the root")
    assert [info.key for info in storage.list()] == [f"folder/{TEMPORARY}/x"]


def test_a_folder_swapped_for_a_link_while_it_is_listed(storage, root, outside):
    """Its name was read before, and leads out of the storage now."""
    storage.put("a", b"first")
    storage.put("folder/b", b"second")
    listing = storage.list()
    assert next(listing).key == "a"
    (root / "folder").rename(root / "moved")
    (root / "folder").symlink_to(outside, target_is_directory=True)
    assert list(listing) == []
