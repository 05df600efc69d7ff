"""Files of the local disk are served from below the root, and from nowhere else."""

import asyncio
import ctypes
import os
import threading
from contextlib import suppress

import pytest

from holdfast import FileObject
from holdfast.errors import AccessDeniedError, InvalidKeyError, NotFoundError, StorageError
from holdfast.serving import asgi, wsgi
from tests.serving.test_asgi import SCOPE, Sent, never
from tests.serving.test_wsgi import ENVIRON, Started

AT_FDCWD, RENAME_EXCHANGE = -100, 2  # renameat2(2)


@pytest.fixture
def outside(tmp_path):
    """Make a folder beside the root, with something to steal."""
    folder = tmp_path / "served_outside"
    folder.mkdir()
    (folder / "file").write_bytes(b"theirs")
    return folder


def named(key):
    """Return a file that a row could name."""
    return FileObject(backend="served", filename="x", to_filename=key, size=6)


async def body(file):
    """Return what is sent."""
    sent = Sent()
    await asgi.FileResponse(file)(SCOPE, never, sent)
    return b"".join(message["body"] for message in sent[1:])


@pytest.mark.parametrize("key", ["link", "folder/file", ".holdfast-tmp/file", "fifo", "nested"])
async def test_s3_only_files_below_the_root(local, root, outside, key):
    """Links, devices, folders and what is still being written are refused, at the first look and at later ones."""
    local.put("ours", b"ours!!")
    (root / "link").symlink_to(outside / "file")
    (root / "folder").symlink_to(outside, target_is_directory=True)
    (root / ".holdfast-tmp" / "file").write_bytes(b"theirs")
    (root / "nested").mkdir()
    os.mkfifo(root / "fifo")
    for _ in range(3):  # the second one goes the quick way
        assert await body(named("ours")) == b"ours!!"
        with pytest.raises((AccessDeniedError, InvalidKeyError, NotFoundError)):
            await body(named(key))
        with pytest.raises((AccessDeniedError, InvalidKeyError, NotFoundError)):
            wsgi.FileResponse(named(key))(ENVIRON, Started())


async def test_s3_a_folder_swapped_for_a_link_is_not_followed(local, root, outside):
    """A folder that turns into a link and back while it is served leads nowhere else."""
    local.put("folder/file", b"ours!!")
    (root / "link").symlink_to(outside, target_is_directory=True)
    one, other = os.fsencode(root / "folder"), os.fsencode(root / "link")
    renameat2 = ctypes.CDLL(None).renameat2
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE)

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        seen = []
        for _ in range(1500):
            with suppress(StorageError):
                seen.append(await body(named("folder/file")))
            await asyncio.sleep(0)
    finally:
        stop.set()
        swapping.join()
    assert set(seen) == {b"ours!!"}
