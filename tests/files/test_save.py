"""Saving: kinds of content, keys, what the file knows afterwards, and what a failure leaves."""

import asyncio
import hashlib
import io
from pathlib import Path

import pytest

from holdfast import FileObject, StorageBackend, storages
from holdfast.errors import (
    ConfigurationError,
    FileStateError,
    InvalidKeyError,
    SourceTypeError,
    UnknownStorageError,
)
from tests.files.conftest import Twin, keys

HELLO = b"hello, holdfast"


def iterator():
    """Yield each kind of bytes."""
    yield HELLO[:5]
    yield bytearray(HELLO[5:8])
    yield memoryview(HELLO)[8:]


async def async_iterator():
    """Yield the same, awaited."""
    for chunk in iterator():
        yield chunk


class Unseekable(io.RawIOBase):
    """A pipe, as far as a reader can tell."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        return self._data.readinto(buffer)


CONTENTS = {
    "bytes": lambda folder: HELLO,
    "bytearray": lambda folder: bytearray(HELLO),
    "memoryview": lambda folder: memoryview(b"--" + HELLO)[2:],
    "path": lambda folder: folder / "hello.txt",
    "file": lambda folder: (folder / "hello.txt").open("rb"),
    "bytesio": lambda folder: io.BytesIO(HELLO),
    "pipe": lambda folder: Unseekable(HELLO),
    "generator": lambda folder: iterator(),
    "list": lambda folder: list(iterator()),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that holds hello.txt."""
    (tmp_path / "hello.txt").write_bytes(HELLO)
    return tmp_path


@pytest.mark.parametrize("kind", CONTENTS)
async def test_b35_b11_every_kind_of_content(storage: StorageBackend, twin: Twin, folder: Path, kind: str) -> None:
    """Whatever has bytes is stored byte for byte, and save returns the file itself."""
    content = CONTENTS[kind](folder)
    file = FileObject(backend="docs", filename="hello.txt", content=content)
    assert await twin(file.save) is file
    assert await twin(file.get_content) == HELLO
    if hasattr(content, "close"):
        content.close()


async def test_b11_async_iterator(storage: StorageBackend) -> None:
    """An async iterator is streamed by save_async; save says which call to use, and does not use it up."""
    file = FileObject(backend="docs", filename="hello.txt", content=async_iterator())
    with pytest.raises(TypeError, match="_async"):
        file.save()
    assert keys(storage) == []
    await file.save_async()
    assert await file.get_content_async() == HELLO


async def test_source_path(memory: StorageBackend, twin: Twin, folder: Path) -> None:
    """source_path is a file on disk; together with content it is refused."""
    file = FileObject(backend="docs", filename="a.txt", source_path=str(folder / "hello.txt"))
    await twin(file.save)
    assert await twin(file.get_content) == HELLO
    with pytest.raises(SourceTypeError, match="two contents"):
        FileObject(backend="docs", filename="a", source_path=folder / "hello.txt", content=b"x")


async def test_b50_b44_fields_after_save(storage: StorageBackend, twin: Twin) -> None:
    """Size, checksum, etag and time are what the storage holds."""
    file = FileObject(backend="docs", filename="hello.txt", content=HELLO)
    assert (file.path, file.size, file.checksum, file.etag, file.is_stored) == (None, None, None, None, False)
    assert file.has_pending_data
    await twin(file.save)
    found = storage.stat(file.path)
    assert (file.size, file.etag) == (len(HELLO), found.etag)
    assert file.checksum == "sha256:" + hashlib.sha256(HELLO).hexdigest()
    assert file.last_modified == pytest.approx(found.last_modified, abs=2)
    assert file.is_stored
    assert not file.has_pending_data


def test_etag_on_local_disk(tmp_path: Path) -> None:
    """On local disk the etag is the time in nanoseconds and the size."""
    storages.register_backend(f"file://{tmp_path}/", key="docs", durable=False)
    file = FileObject(backend="docs", filename="a.txt", content=HELLO).save()
    assert file.etag == f"{(tmp_path / file.path).stat().st_mtime_ns}-{len(HELLO)}"


async def test_b39_empty_content(storage: StorageBackend, twin: Twin) -> None:
    """An empty file is a file like any other."""
    file = FileObject(backend="docs", filename="empty", content=b"")
    assert file.has_pending_data
    await twin(file.save)
    assert (file.size, await twin(file.get_content), await twin(file.exists)) == (0, b"", True)


@pytest.mark.parametrize("content", ["hello.txt", io.StringIO("text"), 7, {"a": b"b"}, object(), iterator, io.BytesIO])
def test_b40_what_has_no_bytes_is_refused(memory: StorageBackend, content: object) -> None:
    """A str is a path to some and text to others; it is refused like all that has no bytes."""
    with pytest.raises(SourceTypeError):
        FileObject(backend="docs", filename="a", content=content)
    with pytest.raises(TypeError):
        FileObject(backend="docs", filename="a").save(content)
    assert keys(memory) == []


@pytest.mark.parametrize("content", [["text"], [1, 2], [b"first", None]])
async def test_chunks_that_are_not_bytes(storage: StorageBackend, twin: Twin, content: object) -> None:
    """Content that turns out to yield something else leaves nothing behind."""
    with pytest.raises(SourceTypeError):
        await twin(FileObject(backend="docs", filename="a", content=content).save)
    assert keys(storage) == []


async def test_b43_two_files_named_alike(storage: StorageBackend, twin: Twin) -> None:
    """Two files of one name get two keys, unguessable and in the order of time."""
    first = await twin(FileObject(backend="docs", filename="a.txt", content=b"1").save)
    second = await twin(FileObject(backend="docs", filename="a.txt", content=b"2").save)
    assert first.path != second.path
    assert [await twin(each.get_content) for each in (first, second)] == [b"1", b"2"]
    assert first.path.endswith("-a.txt")


async def test_save_twice(memory: StorageBackend, twin: Twin) -> None:
    """A second save without new content does nothing."""
    file = await twin(FileObject(backend="docs", filename="a.txt", content=b"1").save)
    path = file.path
    assert (await twin(file.save)).path == path
    assert keys(memory) == [path]


async def test_save_new_content(storage: StorageBackend, twin: Twin) -> None:
    """New content gets a fresh key, unless to_filename names one, which is then replaced."""
    file = await twin(FileObject(backend="docs", filename="a.txt", content=b"1").save)
    path = file.path
    await twin(file.save, b"22")
    assert file.path != path
    assert (file.size, await twin(file.get_content)) == (2, b"22")
    assert storage.read(path) == b"1"
    named = await twin(FileObject(backend="docs", filename="b.txt", to_filename="b/b.txt", content=b"1").save)
    await twin(named.save, b"333")
    assert (named.path, await twin(named.get_content)) == ("b/b.txt", b"333")


async def test_save_by_hand_replaces_a_named_key(storage: StorageBackend, twin: Twin) -> None:
    """An explicit to_filename is the caller's own: saving by hand replaces what lies there."""
    storage.put("own/name.txt", b"old")
    await twin(FileObject(backend="docs", filename="x", to_filename="own/name.txt", content=b"new").save)
    assert storage.read("own/name.txt") == b"new"


@pytest.mark.parametrize(
    "to_filename", ["../x", "a/../../x", "/etc/passwd", "", "a//b", "a\\b", "a\0", "x" * 2000, "."]
)
def test_b42_to_filename_that_climbs(memory: StorageBackend, to_filename: str) -> None:
    """A to_filename that climbs or cannot be a key is refused before anything happens."""
    with pytest.raises(InvalidKeyError):
        FileObject(backend="docs", filename="x", to_filename=to_filename, content=b"x")


@pytest.mark.parametrize(
    "filename", ["../../x.png", "/etc/passwd", "C:\\x.png", "a\r\nb: c.png", "\ud800.png", "é🎉.png"]
)
async def test_b42_filename_is_a_label(storage: StorageBackend, twin: Twin, filename: str) -> None:
    """What a client calls its file never decides where it lies; control characters and surrogates become _."""
    file = await twin(FileObject(backend="docs", filename=filename, content=b"x").save)
    assert ".." not in file.path
    assert file.path.isascii()
    assert keys(storage) == [file.path]
    assert file.filename.isprintable()
    assert len(file.filename) == len(filename)


async def test_b42_filename_that_climbs_as_a_key(storage: StorageBackend, twin: Twin) -> None:
    """Without content the name is the key of an existing object, and is held to the rules of keys."""
    file = FileObject(backend="docs", filename="../../x")
    for call in (file.get_content, file.exists, file.delete, file.refresh):
        with pytest.raises(InvalidKeyError):
            await twin(call)


def test_a_file_needs_a_name(memory: StorageBackend) -> None:
    """The name comes from the caller, else from the content."""
    with pytest.raises(FileStateError, match="needs a name"):
        FileObject(backend="docs", content=b"x")
    assert FileObject(backend="docs", content=Path("folder/plan.pdf")).filename == "plan.pdf"


async def test_b37_a_hundred_at_once(memory: StorageBackend) -> None:
    """A hundred saves gathered, as the documents do."""
    files = [FileObject(backend="docs", filename=f"file{i}.txt", content=b"data") for i in range(100)]
    await asyncio.gather(*[file.save_async() for file in files])
    assert len(keys(memory)) == 100


@pytest.mark.parametrize("use_multipart", [None, True, False])
async def test_b36_b37_multipart(memory: StorageBackend, twin: Twin, use_multipart: bool | None) -> None:
    """The documented tuning arguments change how a large file travels, not what arrives."""
    content = bytes(range(256)) * 4096 * 11
    file = FileObject(backend="docs", filename="large.bin", content=io.BytesIO(content))
    await twin(file.save, use_multipart=use_multipart, chunk_size=5 * 2**20, max_concurrency=20)
    assert await twin(file.get_content) == content
    await twin(file.verify)


def test_an_unknown_storage(memory: StorageBackend) -> None:
    """The error names the storages that there are; a file without any says so."""
    with pytest.raises(UnknownStorageError, match="'docs'"):
        FileObject(backend="nope", filename="a", content=b"x").save()
    with pytest.raises(ConfigurationError, match="names no storage"):
        FileObject(filename="a", content=b"x").save()
