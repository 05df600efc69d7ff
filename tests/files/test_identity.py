"""What makes two files equal, and what a file shows of itself."""

import pytest

from holdfast import FileObject, StorageBackend, storages
from holdfast.errors import UnknownStorageError
from tests.files.conftest import Twin


def stored(**fields: object) -> FileObject:
    """Return a file as a row gives it."""
    return FileObject.from_row({"backend": "gone", "filename": "a.txt", "to_filename": "k/a.txt", **fields})


def test_b45_an_unregistered_backend() -> None:
    """repr, ==, hash and to_dict need no registered storage; using it does."""
    file = stored()
    assert repr(file) == "<FileObject 'a.txt' stored backend='gone' path='k/a.txt'>"
    assert file == stored(size=7)
    assert hash(file) == hash(stored())
    assert file.to_dict()["backend"] == "gone"
    with pytest.raises(UnknownStorageError, match="'gone'"):
        file.get_content()


def test_stored_files_are_equal_by_where_they_lie() -> None:
    """Another storage or another key is another file, whatever the names."""
    assert stored() != stored(to_filename="k/b.txt")
    assert stored() != stored(backend="docs")
    assert stored() == stored(filename="b.txt")
    assert stored() != "k/a.txt"
    assert len({stored(), stored(), stored(to_filename="other")}) == 2


def test_pending_files_are_equal_by_identity() -> None:
    """Two contents are two files until they are stored."""
    one, other = (FileObject(backend="docs", filename="a", content=b"x") for _ in range(2))
    assert one != other
    assert one == one  # noqa: PLR0124
    assert len({one, other}) == 2


@pytest.mark.parametrize("to_filename", [None, "own/a.txt"])
async def test_b45_the_hash_survives_the_save(memory: StorageBackend, twin: Twin, to_filename: str | None) -> None:
    """A file found in a set before it was saved is found after, and so is its equal from a row."""
    file = FileObject(backend="docs", filename="a.txt", to_filename=to_filename, content=b"x")
    found = {file}
    before = hash(file)
    await twin(file.save)
    assert file in found
    assert hash(file) == before
    loaded = FileObject.from_row(file.to_dict())
    assert loaded == file
    assert loaded in found


async def test_equal_copies_have_equal_hashes(memory: StorageBackend, twin: Twin) -> None:
    """A copy in a storage, and the same one as its row gives it."""
    copy = await twin(FileObject(backend="docs", filename="a", content=b"x").save().copy_to, "docs")
    assert {copy} == {FileObject.from_row(copy.to_dict())}


def test_no_id_is_used_twice(memory: StorageBackend) -> None:
    """A key of a save that failed is never tried again: other bytes may lie there."""
    file = FileObject(backend="docs", filename="a.txt", content=b"x")
    path = file.save().path
    assert file.save(b"y").path.split("-")[0] != path.split("-")[0]


def test_a_backend_equals_its_key(memory: StorageBackend) -> None:
    """The documents compare file.backend with a name."""
    file = FileObject(backend=memory, filename="a")
    assert file.backend == "docs"
    assert file.backend != "other"
    assert file.backend is memory
    assert {memory: 1}["docs"] == 1


def test_a_backend_that_is_not_registered_works(memory: StorageBackend) -> None:
    """A storage that is handed over is used as it is; once its name is registered, the registry decides."""
    storages.clear()
    file = FileObject(backend=memory, filename="a", content=b"x").save()
    assert file.get_content() == b"x"
    other = storages.register_backend("memory://", key="docs")
    assert file.backend is other


def test_to_dict_has_the_ten_keys(memory: StorageBackend) -> None:
    """The keys are final: advanced-alchemy refuses any other."""
    file = FileObject(backend="docs", filename="a.txt", content=b"x", metadata={"a": {"b": [1]}}).save()
    assert file.to_dict() == {
        "backend": "docs",
        "filename": "a.txt",
        "to_filename": file.path,
        "content_type": "text/plain",
        "size": 1,
        "last_modified": file.last_modified,
        "checksum": file.checksum,
        "etag": file.etag,
        "version_id": None,
        "metadata": {"a": {"b": [1]}},
    }


def test_to_dict_is_a_copy(memory: StorageBackend) -> None:
    """Changing what to_dict returned changes no file."""
    file = FileObject(backend="docs", filename="a.txt", metadata={"a": {"b": [1]}})
    file.to_dict()["metadata"]["a"]["b"].append(2)
    assert file.metadata == {"a": {"b": [1]}}


def test_content_type(memory: StorageBackend) -> None:
    """The one that was given, else the one that the name suggests, else bytes."""
    assert FileObject(backend="docs", filename="a.txt").content_type == "text/plain"
    assert FileObject(backend="docs", filename="a.txt", content_type="x/y").content_type == "x/y"
    assert FileObject(backend="docs", filename="unknown").content_type == "application/octet-stream"


async def test_b32_a_content_type_is_kept(storage: StorageBackend, twin: Twin) -> None:
    """The file knows its type and metadata, also where local disk keeps neither."""
    file = FileObject(backend="docs", filename="a.txt", content=b"x", content_type="x/y", metadata={"é": [1]})
    await twin(file.save)
    await twin(file.refresh)
    again = FileObject.from_row(file.to_dict())
    assert (again.content_type, again.metadata) == ("x/y", {"é": [1]})


def test_metadata_of_a_file(memory: StorageBackend) -> None:
    """update_metadata merges; the attribute can be set and is never None."""
    file = FileObject(backend="docs", filename="a", metadata={"a": 1})
    file.update_metadata({"b": 2})
    assert file.metadata == {"a": 1, "b": 2}
    file.metadata = None
    assert file.metadata == {}


def test_the_callers_metadata_is_not_shared(memory: StorageBackend) -> None:
    """A dict that was handed over is copied."""
    metadata = {"a": {"b": 1}}
    FileObject(backend="docs", filename="a", metadata=metadata).metadata["a"]["b"] = 2
    assert metadata == {"a": {"b": 1}}
