"""A file that becomes shorter while it is read, through any file system of fsspec."""

import os

import pytest
from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper
from fsspec.implementations.local import LocalFileSystem

from holdfast.drivers.fsspec.generic import FSSpecDriver

MIB = 1024 * 1024


@pytest.mark.parametrize("fs", [LocalFileSystem(), AsyncFileSystemWrapper(LocalFileSystem())], ids=["sync", "async"])
def test_a_file_that_becomes_shorter_is_an_error(fs, tmp_path):
    """A stream that somebody cuts short does not end as if that were all."""
    path = tmp_path / "x"
    path.write_bytes(bytes(3 * MIB))
    stream = FSSpecDriver(fs, str(tmp_path)).read("x", 0, None, MIB)
    assert len(next(stream)) == MIB
    os.truncate(path, MIB + 5)
    with pytest.raises(ConnectionError, match="shorter"):
        list(stream)
