"""What local disk writes is private, whole and durable."""

import errno
import os
import signal
import stat
import subprocess
import sys

import pytest

from holdfast.backends.base import StorageBackend
from holdfast.backends.batch import PutRequest
from holdfast.drivers.local import LocalDriver
from holdfast.drivers.local.folders import TEMPORARY
from holdfast.errors import StorageError
from holdfast.objects import ObjectInfo


def temporary(root):
    """Return the files that are being written, or were left so."""
    folder = root / TEMPORARY
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def mode(path):
    """Return permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_files_are_private(storage, root):
    """Files can be read by their owner only, and folders entered by nobody else."""
    storage.put("folder/x", b"bytes")
    storage.copy("folder/x", "folder/copy")
    assert mode(root / "folder" / "x") == mode(root / "folder" / "copy") == 0o600
    assert mode(root / "folder") & 0o077 == 0
    assert mode(root / TEMPORARY) & 0o077 == 0
    assert mode(root) & 0o077 == 0


def test_a_mode_can_be_given(root):
    """With `mode` a group may read, and then also enter the folders."""
    umask = os.umask(0)
    try:
        storage = StorageBackend("docs", LocalDriver(root, mode=0o640))
        storage.put("folder/x", b"bytes")
    finally:
        os.umask(umask)
    assert mode(root / "folder" / "x") == 0o640
    assert mode(root / "folder") == 0o750


KILLED = """
import os, sys
from pathlib import Path
from holdfast.backends.base import StorageBackend
from holdfast.drivers.local import LocalDriver

def content():
    for _ in range(3):
        yield b"x" * 1_500_000
    print("writing", flush=True)
    sys.stdin.read()

StorageBackend("docs", LocalDriver(Path(sys.argv[1]))).put("folder/x", content())
"""


@pytest.mark.parametrize("old", [None, b"old"])
def test_a_killed_process_leaves_no_half_file(storage, root, old):
    """After a kill in the middle of a write the name holds what it held before."""
    if old is not None:
        storage.put("folder/x", old)
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"writing\n"
        process.send_signal(signal.SIGKILL)
    assert len(temporary(root)) == 1
    assert [info.key for info in storage.list()] == ([] if old is None else ["folder/x"])
    assert old is None or storage.read("folder/x") == old


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no right to mount a small disk: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_keeps_what_was_there(small_disk):
    """A write that does not fit fails as a storage error and leaves nothing; the rest of its batch is written."""
    storage = StorageBackend("docs", LocalDriver(small_disk))
    storage.put("old", b"old")
    with pytest.raises(StorageError) as caught:
        storage.put("old", b"x" * 5_000_000)
    assert caught.value.__cause__.errno == errno.ENOSPC
    outcomes = storage.put_many([PutRequest("small", b"small"), PutRequest("big", b"x" * 5_000_000)])
    assert [type(outcome) for outcome in outcomes] == [ObjectInfo, StorageError]
    assert storage.read("old") == b"old"
    assert [info.key for info in storage.list()] == ["old", "small"]
    assert temporary(small_disk) == []


def test_failures_leave_no_temporary_file(storage, root):
    """Content that raises, a taken key and a key below a file leave nothing behind."""
    storage.put("file", b"bytes")

    def content():
        yield b"bytes"
        raise OSError(errno.EIO, "no tape")

    with pytest.raises(OSError, match="no tape"):
        storage.put("x", content())
    with pytest.raises(FileExistsError):
        storage.put("file", b"other", if_absent=True)
    for key in ["file/below", "file/deep/below"]:
        with pytest.raises(StorageError):
            storage.put(key, b"bytes")
    (root / "folder").mkdir()
    with pytest.raises(StorageError):
        storage.put("folder", b"bytes")
    assert temporary(root) == []
    assert [info.key for info in storage.list()] == ["file"]


@pytest.fixture
def synced(monkeypatch):
    """The inodes of what is synced to the disk, in order."""
    real, seen = os.fsync, []

    def fsync(descriptor):
        seen.append(os.fstat(descriptor).st_ino)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return seen


def test_a_write_is_durable(storage, root, synced):
    """File, its folder and every folder made on the way are synced before a put returns."""
    storage.put("a/b/x", b"bytes")
    for path in [root / "a/b/x", root / "a/b", root / "a", root]:
        assert path.stat().st_ino in synced
    assert synced.index((root / "a/b/x").stat().st_ino) < synced.index((root / "a/b").stat().st_ino)


def test_the_syncs_of_a_batch_are_grouped(storage, root, synced):
    """A batch syncs each file, then its folder once, not once for each file."""
    storage.put("folder/first", b"bytes")
    synced.clear()
    storage.put_many([PutRequest(f"folder/{number}", b"bytes") for number in range(20)])
    assert len(synced) == 21
    assert synced[-1] == (root / "folder").stat().st_ino
    assert set(synced[:-1]) == {(root / "folder" / str(number)).stat().st_ino for number in range(20)}


def test_durability_can_be_left_out(root, synced):
    """With `durable=False` nothing is synced."""
    storage = StorageBackend("docs", LocalDriver(root, durable=False))
    storage.put("folder/x", b"bytes")
    storage.copy("folder/x", "folder/y")
    assert synced == []
