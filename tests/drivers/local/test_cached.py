"""Opening what the kernel has in memory: quick, below the root only, and never stale for long."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from holdfast import StorageBackend
from holdfast.drivers.local import LocalDriver, cached
from holdfast.drivers.optional import PlainFiles
from holdfast.drivers.wrappers.prefix import PrefixDriver
from holdfast.drivers.wrappers.read_only import ReadOnlyDriver


@pytest.fixture
def driver(root):
    """Return a driver whose folder is open already."""
    driver = LocalDriver(root, durable=False)
    StorageBackend("docs", driver).put("folder/x", b"bytes")
    return prepared(driver)


def prepared(driver):
    """Let a driver open its folder: the first look only prepares for the next ones."""
    driver.open_cached("folder/x")
    os.close(driver.open_file("folder/x").descriptor)
    return driver


def content(opened):
    """Return what was opened, and close it."""
    try:
        return os.pread(opened.descriptor, opened.size, 0)
    finally:
        os.close(opened.descriptor)


def descriptors(driver):
    """Return what this process has open below a driver's root; other threads may open and close files elsewhere."""
    opened = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # that of the listing itself
            opened.append(str(link.readlink()))
    return sorted(path for path in opened if path.startswith(str(driver.native)))


def read_in_future(link):
    """Let the kernel think that a link was read after it was made: only such a one can be followed without waiting."""
    now = time.time_ns()
    os.utime(link, ns=(now + 10**12, now), follow_symlinks=False)
    assert link.exists()  # walks there once, so that the way is in memory


def test_a_cached_file_is_opened(driver):
    """With its size, and the bytes that it should have."""
    assert content(driver.open_cached("folder/x")) == b"bytes"


def test_a_cached_file_is_read(driver):
    """In one go, whole or in part, if it has the size that it should have; and it is closed."""
    before = descriptors(driver)
    assert driver.read_cached("folder/x", 0, 5, 5) == b"bytes"
    assert driver.read_cached("folder/x", 1, 3, 5) == b"yt"
    assert driver.read_cached("folder/x", 0, 5, 6) is None
    assert driver.read_cached("folder/x", 0, 4, 4) is None
    assert descriptors(driver) == before


def test_what_fails_is_left_to_the_usual_way(driver, root, outside):
    """A missing file, a link, a folder, a FIFO, and what is being written."""
    (root / "link").symlink_to(outside / "secret")
    (root / "links").symlink_to(outside, target_is_directory=True)
    (root / "inner").symlink_to("folder", target_is_directory=True)
    for link in [root / "link", root / "links", root / "inner"]:
        read_in_future(link)
    (root / ".holdfast-tmp" / "x").write_bytes(b"half")
    os.mkfifo(root / "fifo")
    for key in ["missing", "link", "links/secret", "inner/x", "folder", "fifo", ".holdfast-tmp/x", "folder/x/y"]:
        before = descriptors(driver)
        assert driver.open_cached(key) is None
        assert [driver.read_cached(key, 0, end, 4) for end in (0, 4)] == [None, None]
        assert descriptors(driver) == before


def test_another_folder_in_place_of_the_root_is_seen(driver, root, monkeypatch):
    """For a second the old one may be read, then the new one is."""
    root.rename(root.with_name("old"))
    StorageBackend("docs", LocalDriver(root, durable=False)).put("folder/x", b"other")
    later = cached.monotonic() + 1.5
    monkeypatch.setattr(cached, "monotonic", lambda: later)
    assert driver.open_cached("folder/x") is driver.read_cached("folder/x", 0, 5, 5) is None
    assert content(driver.open_file("folder/x")) == b"other"
    assert content(driver.open_cached("folder/x")) == b"other"


@pytest.mark.parametrize("call", [None, lambda *_: -1], ids=["another system", "an older kernel"])
def test_without_the_call_everything_goes_the_usual_way(driver, root, monkeypatch, call):
    """On systems and kernels that do not have it."""
    monkeypatch.setattr(cached, "_syscall", call)
    driver = prepared(LocalDriver(root))
    assert driver.open_cached("folder/x") is driver.read_cached("folder/x", 0, 5, 5) is None
    assert content(driver.open_file("folder/x")) == b"bytes"


def test_descriptors_are_given_back(driver, root):
    """A driver that is dropped closes the folders that it kept open."""
    before = descriptors(driver)
    dropped = prepared(LocalDriver(root))
    assert len(descriptors(driver)) > len(before)
    del dropped
    assert descriptors(driver) == before


FORKING = """
import os, sys
from pathlib import Path
from holdfast.drivers.local import LocalDriver
driver = LocalDriver(Path(sys.argv[1]))
def read():
    found = driver.open_cached("folder/x") or driver.open_file("folder/x")
    return os.pread(found.descriptor, 9, 0) == b"bytes"
assert read() and read() and driver._cached._folder
child = os.fork()
if not child:
    os._exit(0 if read() and read() else 1)
assert os.waitpid(child, 0)[1] == 0 and read()
"""


def test_a_fork_reads_on(driver, root):
    """Both processes, with the folder that was open before."""
    subprocess.run([sys.executable, "-c", FORKING, str(root)], check=True)


def test_wrappers_that_change_nothing_let_it_through(driver, root):
    """A prefix and a storage that cannot be written to are as quick; they say where the file lies below the root."""
    wrapped = ReadOnlyDriver(PrefixDriver(driver, "folder"))
    assert isinstance(wrapped, PlainFiles)
    assert content(wrapped.open_file("x")) == content(wrapped.open_cached("x")) == b"bytes"
    assert wrapped.read_cached("x", 0, 5, 5) == b"bytes"
    assert wrapped.relative_path("x") == "folder/x"
