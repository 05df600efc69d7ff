"""Reading, and what else can be done with a stored file."""

import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from holdfast import FileObject, StorageBackend, storages
from holdfast.errors import (
    ChecksumMismatchError,
    FileStateError,
    NotFoundError,
    PendingFileError,
    UnsupportedError,
)
from tests.files.conftest import Twin, keys

DATA = b"0123456789"


@pytest.fixture
def file(storage: StorageBackend) -> FileObject:
    """A stored file of ten bytes."""
    return FileObject(backend="docs", filename="a.txt", content=DATA, metadata={"n": 1}).save()


@pytest.mark.parametrize("start", [0, 3, 9, 10, 11, -1, -3, -10, -99])
@pytest.mark.parametrize("end", [None, 0, 3, 10, 99, -1, -3, -99])
async def test_ranges_are_slices(file: FileObject, twin: Twin, start: int, end: int | None) -> None:
    """Start and end mean what they mean in a slice, in get_content as in iter_content."""
    assert await twin(file.get_content, start=start, end=end) == DATA[start:end]
    assert b"".join(await twin.collect(file.iter_content, start=start, end=end)) == DATA[start:end]


async def test_chunks(file: FileObject, twin: Twin) -> None:
    """iter_content yields chunks of about the size that was asked for."""
    chunks = await twin.collect(file.iter_content, chunk_size=4)
    assert b"".join(chunks) == DATA
    assert max(map(len, chunks)) <= len(DATA)


def test_open_gives_a_file(storage: StorageBackend) -> None:
    """What libraries want of a file works: here a zip archive is read in place."""
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as writing:
        writing.writestr("inside/a.txt", "hello")
    file = FileObject(backend="docs", filename="a.zip", content=archive.getvalue()).save()
    with file.open() as opened, zipfile.ZipFile(opened) as reading:
        assert reading.read("inside/a.txt") == b"hello"


def test_open_seeks(file: FileObject) -> None:
    """Seek, tell and read as on disk; writing is refused."""
    with file.open() as opened:
        assert (opened.seek(-3, 2), opened.read(), opened.tell(), opened.read()) == (7, b"789", 10, b"")
        assert (opened.seek(1), opened.read(2)) == (1, b"12")
        assert not opened.writable()


async def test_exists_and_delete(file: FileObject, twin: Twin) -> None:
    """Deleting twice is no error; reading what is gone says which file of which storage."""
    assert await twin(file.exists)
    await twin(file.delete)
    await twin(file.delete)
    assert not await twin(file.exists)
    with pytest.raises(FileNotFoundError, match=rf"{file.path}.*docs"):
        await twin(file.get_content)


async def test_b41_deleting_what_never_was(storage: StorageBackend, twin: Twin) -> None:
    """Deleting what is not there is the same on every storage: no error."""
    await twin(FileObject(backend="docs", filename="never/was.txt").delete)


async def test_b38_refresh_after_a_direct_upload(storage: StorageBackend, twin: Twin) -> None:
    """What a client uploaded by itself is described by refresh."""
    file = FileObject(backend="docs", filename="uploads/direct.bin")
    with pytest.raises(NotFoundError):
        await twin(file.refresh)
    storage.put("uploads/direct.bin", b"direct")
    assert await twin(file.refresh) is file
    found = storage.stat("uploads/direct.bin")
    assert (file.size, file.etag, file.last_modified) == (6, found.etag, found.last_modified)
    assert file.checksum is None


async def test_refresh_drops_the_checksum_of_other_bytes(file: FileObject, twin: Twin) -> None:
    """A checksum is kept while the object is the one that was saved, and dropped when it is not."""
    await twin(file.refresh)
    assert file.checksum is not None
    file.backend.put(file.path, b"something else")
    await twin(file.refresh)
    assert (file.checksum, file.size) == (None, 14)


@pytest.mark.parametrize("by", ["key", "backend"])
async def test_copy_to(file: FileObject, twin: Twin, by: str) -> None:
    """A copy lies under a fresh key in the storage that was named and knows what the original knew."""
    archive = storages.register_backend("memory://", key="archive")
    copy = await twin(file.copy_to, archive if by == "backend" else "archive")
    assert (copy.backend, copy.filename, copy.metadata) == ("archive", "a.txt", {"n": 1})
    assert (copy.size, copy.checksum, await twin(copy.get_content)) == (10, file.checksum, DATA)
    assert copy.path != file.path
    assert await twin(file.exists)
    await twin(copy.verify)


async def test_copy_inside_a_storage(file: FileObject, twin: Twin) -> None:
    """A copy in the same storage is another object."""
    copy = await twin(file.copy_to, "docs")
    assert sorted(keys(file.backend)) == sorted([file.path, copy.path])
    assert copy != file


async def test_b44_verify(twin: Twin, tmp_path: Path) -> None:
    """A flipped bit on disk is found."""
    storages.register_backend(f"file://{tmp_path}/", key="docs", durable=False)
    file = await twin(FileObject(backend="docs", filename="a", content=DATA).save)
    await twin(file.verify)
    (tmp_path / file.path).write_bytes(b"0123456780")
    with pytest.raises(ChecksumMismatchError, match=r"sha256:.* expected sha256:"):
        await twin(file.verify)


async def test_verify_needs_a_checksum(storage: StorageBackend, twin: Twin) -> None:
    """Of an object that Holdfast did not write, no checksum is known."""
    storage.put("a", b"x")
    with pytest.raises(FileStateError, match="no checksum"):
        await twin(FileObject(backend="docs", filename="a").verify)


@pytest.mark.parametrize("for_upload", [False, True])
async def test_sign_where_there_are_no_signed_urls(file: FileObject, twin: Twin, for_upload: bool) -> None:
    """The error is typed, says which storage cannot, and which can."""
    with pytest.raises(UnsupportedError, match="'docs' cannot sign URLs itself"):
        await twin(file.sign, for_upload=for_upload)
    with pytest.raises(NotImplementedError):
        await twin(file.sign)


@pytest.mark.parametrize("expires_in", [0, -1, 604_801, 1.5, "60", None, True])
async def test_b17_a_wrong_expiry(twin: Twin, expires_in: object) -> None:
    """An expiry that is not a number of seconds up to a week is an error, never another expiry."""
    storages.register_backend("s3://bucket/", key="s3", aws_access_key_id="a", aws_secret_access_key="b")
    with pytest.raises(ValueError, match="expires_in"):
        await twin(FileObject(backend="s3", filename="a").sign, expires_in=expires_in)


async def test_b38_sign_names_the_object(twin: Twin) -> None:
    """A URL for an upload is for just the name that was given."""
    storages.register_backend("s3://bucket/", key="s3", aws_access_key_id="a", aws_secret_access_key="b")
    file = FileObject(backend="s3", filename="reports/2025.pdf")
    for for_upload in (False, True):
        assert "bucket/reports/2025.pdf?" in await twin(file.sign, expires_in=60, for_upload=for_upload)


PENDING = ["get_content", "exists", "delete", "refresh", "verify", "sign", "iter_content"]


@pytest.mark.parametrize("method", PENDING)
async def test_a_pending_file_is_not_stored_yet(memory: StorageBackend, twin: Twin, method: str) -> None:
    """Each call on content that was not saved says so."""
    file = FileObject(backend="docs", filename="a", content=b"x")
    call = twin.collect if method == "iter_content" else twin
    with pytest.raises(PendingFileError, match="not saved yet"):
        await call(getattr(file, method))
    with pytest.raises(PendingFileError):
        file.open()
    with pytest.raises(PendingFileError):
        await twin(file.copy_to, "docs")
