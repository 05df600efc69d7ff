"""A save that fails: the file is as it was, nothing is left over, and a retry never stores half of it."""

import errno
import io
import os
from collections.abc import Iterator

import pytest

from holdfast import FileObject, StorageBackend, storages
from holdfast.drivers.local import LocalDriver
from holdfast.errors import FileStateError, SpentSourceError, StorageError
from tests.files.conftest import Twin, keys


class Failing(LocalDriver):
    """Local disk that is full for a while, which shows when the body was read."""

    failures = 1

    def put_many(self, puts):
        if self.failures:
            self.failures -= 1
            for put in puts:
                list(put.body.blocks(4))
            return [OSError(errno.ENOSPC, "no space left on device")] * len(puts)
        return super().put_many(puts)


@pytest.fixture
def failing(tmp_path) -> Iterator[StorageBackend]:
    """A registered storage whose first write fails."""
    return storages.register_backend(StorageBackend("docs", Failing(tmp_path, durable=False)))


@pytest.mark.parametrize("content", [b"0123456789", io.BytesIO(b"0123456789"), [b"01234", b"56789"]], ids=type)
async def test_b63_a_source_that_rewinds(failing: StorageBackend, twin: Twin, content) -> None:
    """After a failed upload the file is pending as before, and a retry stores all of it."""
    file = FileObject(backend="docs", filename="a.txt", content=content)
    with pytest.raises(StorageError, match="no space left"):
        await twin(file.save)
    assert (file.has_pending_data, file.path, file.size, keys(failing)) == (True, None, None, [])
    await twin(file.save)
    assert await twin(file.get_content) == b"0123456789"


async def test_a_storage_that_fails_halfway(twin: Twin, monkeypatch, tmp_path) -> None:
    """The error of a storage that stops reading the body is the storage's, whatever becomes of the body."""
    write = os.write

    def full(descriptor: int, block: memoryview) -> int:
        if block[0] == ord("2"):
            raise OSError(errno.ENOSPC, "no space left on device")
        return write(descriptor, block)

    storages.register_backend(f"file://{tmp_path}/", key="docs", durable=False)
    monkeypatch.setattr("os.write", full)
    with pytest.raises(StorageError, match="no space left"):
        await twin(FileObject(backend="docs", filename="a", content=[b"1" * 2**20, b"2" * 2**20, b"3"]).save)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


async def test_b63_a_source_that_is_spent(failing: StorageBackend, twin: Twin) -> None:
    """What cannot be rewound raises on the second try; it never stores zero bytes."""
    file = FileObject(backend="docs", filename="a.txt", content=iter([b"01234", b"56789"]))
    with pytest.raises(StorageError):
        await twin(file.save)
    with pytest.raises(SpentSourceError):
        await twin(file.save)
    assert keys(failing) == []
    await twin(file.save, b"fresh")
    assert await twin(file.get_content) == b"fresh"


async def test_a_failed_replacement(failing: StorageBackend, twin: Twin) -> None:
    """New content that cannot be stored leaves the file with its old one."""
    failing._driver.driver.failures = 0
    file = await twin(FileObject(backend="docs", filename="a.txt", content=b"old").save)
    failing._driver.driver.failures = 1
    before = file.to_dict()
    with pytest.raises(StorageError):
        await twin(file.save, b"new")
    assert file.to_dict() == before
    assert await twin(file.get_content) == b"old"


async def test_a_source_that_fails(storage: StorageBackend, twin: Twin) -> None:
    """An error of the source is the one that is raised, and nothing is left of the upload."""

    def content():
        yield b"half"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await twin(FileObject(backend="docs", filename="a", content=content()).save)
    assert keys(storage) == []


async def test_a_closed_file(storage: StorageBackend, twin: Twin) -> None:
    """A file closed before it was read raises instead of storing nothing."""
    content = io.BytesIO(b"x")
    file = FileObject(backend="docs", filename="a", content=content)
    content.close()
    with pytest.raises(SpentSourceError, match="closed"):
        await twin(file.save)
    assert keys(storage) == []


async def test_a_missing_source_path(storage: StorageBackend, twin: Twin, tmp_path) -> None:
    """A path without a file is reported as such."""
    with pytest.raises(FileNotFoundError):
        await twin(FileObject(backend="docs", filename="a", source_path=tmp_path / "nope").save)
    assert keys(storage) == []


async def test_a_reused_buffer(storage: StorageBackend, twin: Twin) -> None:
    """A source may fill one buffer again and again; each chunk is stored as it was when it came."""
    size = 3 * 2**20

    def content():
        buffer = bytearray(size)
        for number in range(5):
            buffer[:] = bytes([number]) * size
            yield memoryview(buffer)

    file = await twin(FileObject(backend="docs", filename="a", content=content()).save)
    assert await twin(file.get_content) == b"".join(bytes([number]) * size for number in range(5))
    await twin(file.verify)


async def test_nothing_to_save(memory: StorageBackend, twin: Twin) -> None:
    """A file that only refers to an object has no content to save."""
    with pytest.raises(FileStateError, match="no content"):
        await twin(FileObject(backend="docs", filename="a").save)
