"""The library's file object: its arguments, its errors, its forms."""

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
from advanced_alchemy.exceptions import ImproperConfigurationError
from advanced_alchemy.types import FileObject
from advanced_alchemy.types.file_object.backends.fsspec import FSSpecBackend
from advanced_alchemy.types.file_object.backends.obstore import ObstoreBackend
from obstore.store import LocalStore, MemoryStore

import holdfast
from holdfast.errors import ConfigurationError, FileStateError, SourceTypeError, UnknownStorageError, UnsupportedError


def test_arguments_by_position(docs: Any) -> None:
    """In the library's order."""
    file = FileObject("docs", "a.txt", "here.bin", "x/y", 1, 2.0, "sha256:x", "etag", "v1", {"n": 1})
    assert (file.backend, file.filename, file.path) == ("docs", "a.txt", "here.bin")
    assert (file.content_type, file.size, file.last_modified) == ("x/y", 1, 2.0)
    assert (file.checksum, file.etag, file.version_id, file.metadata) == ("sha256:x", "etag", "v1", {"n": 1})
    assert file.backend is docs
    assert file.protocol == "memory"


def test_path_of_what_is_pending(docs: Any) -> None:
    """A key that was named is known at once, a fresh one once it is made."""
    named = FileObject("docs", "a.txt", to_filename="folder/a.txt", content=b"a")
    fresh = FileObject("docs", "a.txt", content=b"a")
    assert (named.path, fresh.path) == ("folder/a.txt", None)
    assert named.has_pending_data
    assert named.save().path == "folder/a.txt"
    assert fresh.save().path != "a.txt"
    assert {info.key for info in docs.list()} == {named.path, fresh.path}


def test_two_contents() -> None:
    """The library's words, as its error and as Holdfast's."""
    with pytest.raises(ValueError, match="Cannot provide both 'source_content' and 'source_path'") as caught:
        FileObject("docs", "a.txt", content=b"a", source_path=Path("a.txt"))
    assert isinstance(caught.value, SourceTypeError)


async def test_nothing_to_save(docs: Any) -> None:
    """The same."""
    message = "No data provided and no pending content/path found to save"
    with pytest.raises(TypeError, match=message) as caught:
        FileObject("docs", "a.txt").save()
    assert isinstance(caught.value, FileStateError)
    with pytest.raises(TypeError, match=message):
        await FileObject("docs", "a.txt").save_async()


def test_unknown_storage() -> None:
    """Caught as the library's error and as Holdfast's, with the words of both."""
    file = FileObject("nowhere", "a.txt")
    with pytest.raises(ImproperConfigurationError, match='No storage backend registered with key "nowhere"') as caught:
        file.get_content()
    assert isinstance(caught.value, UnknownStorageError)
    assert caught.value.detail == str(caught.value)
    assert "Call storages.register_backend" in str(caught.value)
    assert repr(file)
    assert file.to_dict()["backend"] == "nowhere"


def test_a_storage_that_is_not_registered() -> None:
    """A file keeps the storage it was given."""
    storage = ObstoreBackend(key="loose", fs=MemoryStore())
    file = FileObject(storage, "a.txt", content=b"a").save()
    assert file.backend is storage
    assert file.get_content() == b"a"


def test_dict_and_repr(docs: Any) -> None:
    """The library's nine fields; the key is the tenth where the name is not the key."""
    plain = FileObject("docs", "a.txt", size=1)
    assert "to_filename" not in plain.to_dict()
    assert FileObject(**plain.to_dict()).to_dict() == plain.to_dict()
    saved = FileObject("docs", "a.txt", content=b"a").save()
    assert saved.to_dict() == holdfast.FileObject.from_row(saved.to_dict()).to_dict()
    assert (FileObject(**saved.to_dict()).path, saved.to_dict()["filename"]) == (saved.path, "a.txt")
    assert repr(saved).startswith(f"FileObject(filename={saved.path}, backend=docs, size=1, content_type=text/plain")


def test_copies(docs: Any) -> None:
    """They are of the same class, also one that lies elsewhere."""
    file = FileObject("docs", "a.txt", content=b"a").save()
    for each in (copy.copy(file), pickle.loads(pickle.dumps(file)), file.copy_to("docs")):
        assert type(each) is FileObject
        assert each.get_content() == b"a"


async def test_part_of_the_content(docs: Any) -> None:
    """As Holdfast's, and by the options of the library."""
    file = FileObject("docs", "a.txt", content=b"hello").save()
    assert file.get_content(start=1, end=3) == file.get_content(options={"start": 1, "end": 3}) == b"el"
    assert await file.get_content_async(options={"start": 3, "chunk_size": 5}) == b"lo"
    assert await file.get_content_async(start=-1) == b"o"


@pytest.mark.parametrize("for_upload", [False, True])
async def test_urls_of_what_cannot_sign(tmp_path: Path, for_upload: bool) -> None:
    """The library's words for a local disk, through each of its storages."""
    local = ObstoreBackend(key="local", fs=LocalStore(prefix=str(tmp_path)))
    file = FileObject(local, "a.txt")
    with pytest.raises(NotImplementedError, match=r"Error signing path a\.txt") as caught:
        file.sign(expires_in=60, for_upload=for_upload)
    assert isinstance(caught.value, UnsupportedError)
    with pytest.raises(NotImplementedError, match=r"Error signing path a\.txt"):
        await file.sign_async(for_upload=for_upload)
    words = "Generating signed URLs for upload" if for_upload else "Signing URLs not supported by file backend"
    disk = FSSpecBackend(key="disk", fs="file", prefix=str(tmp_path))
    with pytest.raises(NotImplementedError, match=words):
        FileObject(disk, "a.txt").sign(for_upload=for_upload)
    with pytest.raises(NotImplementedError, match=words):
        await FileObject(disk, "a.txt").sign_async(for_upload=for_upload)


async def test_urls(s3_bucket: Any) -> None:
    """Signed for reading and writing, one or several, with the library's default of an hour."""
    storage = ObstoreBackend(key="s3", fs=s3_bucket.url, **s3_bucket.options)
    assert storage.protocol == "s3"
    assert "Expires=3600" in FileObject(storage, "a.txt").sign()
    assert "Expires=60" in await FileObject(storage, "a.txt").sign_async(expires_in=60)
    assert isinstance(storage.sign("a.txt", for_upload=True), str)
    assert len(storage.sign(["a.txt", Path("b.txt")])) == 2
    assert len(await storage.sign_async(["a.txt", "b.txt"], expires_in=5)) == 2


async def test_methods_of_storages(docs: Any) -> None:
    """The eight methods, on Holdfast's storages."""
    file = FileObject("docs", "a.txt", to_filename="here.txt")
    assert docs.save_object(file, b"a") is file
    assert docs.get_content("here.txt") == await docs.get_content_async(Path("here.txt")) == b"a"
    await docs.save_object_async(file, b"b")
    docs.delete_object(["here.txt", Path("gone.txt")])
    with pytest.raises(FileNotFoundError):
        docs.get_content("here.txt")
    await docs.delete_object_async("here.txt")
    with pytest.raises(ConfigurationError, match="is of storage 'docs', not of 'other'"):
        ObstoreBackend(key="other", fs="memory://").save_object(file, b"a")


def test_a_folder_without_prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the working folder of the moment, whatever that becomes later."""
    monkeypatch.chdir(tmp_path)
    storage = FSSpecBackend(key="disk", fs="file")
    monkeypatch.chdir("/")
    FileObject(storage, "a.txt", to_filename="a.txt", content=b"a").save()
    assert (tmp_path / "a.txt").read_bytes() == b"a"
    assert (storage.protocol, storage.driver) == ("file", "fsspec")
