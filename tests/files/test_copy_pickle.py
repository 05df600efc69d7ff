"""Copies and pickles: a stored file as its ten fields, a pending one only with content that can travel."""

import copy
import io
import pickle
import subprocess
import sys

import pytest

from holdfast import FileObject, StorageBackend
from holdfast.errors import FileStateError, HoldfastError, InvalidValueError, NotFoundError, UnknownStorageError
from holdfast.orm.filelist import FileList
from holdfast.tracked import TrackedDict
from tests.files.conftest import keys

WAYS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "pickle 2": lambda value: pickle.loads(pickle.dumps(value, 2)),
}


@pytest.fixture(params=WAYS)
def duplicate(request: pytest.FixtureRequest):
    """Each way to copy a Python object."""
    return WAYS[request.param]


def test_a_stored_file(memory: StorageBackend, duplicate) -> None:
    """The copy refers to the same object, and has metadata of its own."""
    file = FileObject(backend="docs", filename="a.txt", content=b"x", metadata={"a": {"b": 1}}).save()
    other = duplicate(file)
    assert other == file
    assert hash(other) == hash(file)
    assert other.to_dict() == file.to_dict()
    assert other.get_content() == b"x"
    other.metadata["a"]["b"] = 2
    assert file.metadata == {"a": {"b": 1}}


def test_a_file_from_a_row(memory: StorageBackend, duplicate) -> None:
    """What a row owned is still owned: given to another row, it is copied."""
    file = FileObject.from_row({"backend": "docs", "filename": "é.txt", "to_filename": "k/a"})
    other = duplicate(file)
    assert (other, other._owned, other.path, other.to_filename) == (file, True, "k/a", None)


@pytest.mark.parametrize("content", [b"x", bytearray(b"x"), memoryview(b"x")])
def test_a_pending_file_with_bytes(memory: StorageBackend, duplicate, content: object) -> None:
    """Each copy is a file of its own: two saves give two objects."""
    file = FileObject(backend="docs", filename="a.txt", content=content, metadata={"n": 1})
    hash(file)
    other = duplicate(file)
    assert other != file
    assert (other.filename, other.metadata, other.has_pending_data) == ("a.txt", {"n": 1}, True)
    assert file.save().path != other.save().path
    assert len(keys(memory)) == 2


def test_a_pending_file_with_a_path(memory: StorageBackend, duplicate, tmp_path) -> None:
    """A source_path travels as the path, and to_filename and backend with it."""
    (tmp_path / "a.txt").write_bytes(b"x")
    file = FileObject(backend="docs", filename="b.txt", to_filename="b/b.txt", source_path=tmp_path / "a.txt")
    other = duplicate(file).save()
    assert (other.path, other.get_content()) == ("b/b.txt", b"x")


@pytest.mark.parametrize("content", [io.BytesIO(b"x"), iter([b"x"]), [b"x"]], ids=["file", "iterator", "list"])
def test_a_pending_file_that_cannot_travel(memory: StorageBackend, duplicate, content: object) -> None:
    """Other content belongs to one file; the error says what can be copied."""
    with pytest.raises(FileStateError, match="only with bytes or a path"):
        duplicate(FileObject(backend="docs", filename="a", content=content))


def test_a_malformed_value(memory: StorageBackend, duplicate) -> None:
    """It stays malformed."""
    with pytest.raises(InvalidValueError, match="a list"):
        duplicate(FileObject.from_row([])).get_content()


def test_a_description(memory: StorageBackend, duplicate) -> None:
    """It does not turn into a reference."""
    file = duplicate(FileObject.describing({"filename": "a.txt"}))
    assert file.path is None
    assert not file.is_stored


def test_the_hash_holds_in_another_process(memory: StorageBackend) -> None:
    """Python salts the hashes of texts for each process; a pickled file must not bring its hash along."""
    file = FileObject(backend="docs", filename="a.txt", content=b"x").save()
    hash(file)
    code = (
        "import pickle, sys\nfrom holdfast import FileObject\nfile, row = pickle.load(sys.stdin.buffer)\n"
        "assert file in {FileObject.from_row(row)}"
    )
    subprocess.run([sys.executable, "-c", code], input=pickle.dumps((file, file.to_dict())), check=True)


def test_s22_a_pickle_holds_no_secret() -> None:
    """A file refers to its storage by name, so nothing of the storage travels."""
    from holdfast.backends.obstore import ObstoreBackend

    backend = ObstoreBackend("s3", "s3://b/", aws_access_key_id="A", aws_secret_access_key="cAnArY")
    file = FileObject(backend=backend, filename="a.txt", content=b"x")
    assert b"cAnArY" not in pickle.dumps(file)
    assert b"cAnArY" not in pickle.dumps(FileObject(backend=backend, filename="a.txt"))
    with pytest.raises(TypeError):  # it holds a connection
        pickle.dumps(backend)


def test_lists_and_metadata(memory: StorageBackend, duplicate) -> None:
    """The tracked containers travel without their row."""
    files = FileList([FileObject.from_row({"backend": "docs", "filename": "a"})])
    assert duplicate(files) == files
    assert type(duplicate(TrackedDict({"a": [1]}))) is TrackedDict


@pytest.mark.parametrize(
    "error",
    [
        HoldfastError("text"),
        UnknownStorageError("text"),
        NotFoundError("text", operation="read", storage="docs", path="a"),
    ],
    ids=type,
)
def test_errors(error: HoldfastError, duplicate) -> None:
    """Errors cross process boundaries whole, as executors need it."""
    other = duplicate(error)
    assert (type(other), str(other), vars(other)) == (type(error), "text", vars(error))
