"""A row's JSON is untrusted: it loads whatever it is, and raises one typed error when it is used."""

import pytest

from holdfast import FileObject, StorageBackend
from holdfast.errors import InvalidValueError, UnknownStorageError
from tests.files.conftest import Twin, keys

GOOD = {"backend": "docs", "filename": "a.txt"}


def nested(depth: int) -> object:
    """Return dicts inside each other."""
    value: object = 1
    for _ in range(depth):
        value = {"a": value}
    return value


BAD = {
    "a list": [],
    "a text": "a.txt",
    "a number": 7,
    "true": True,
    "no backend": {"filename": "a"},
    "a backend that is a number": {"backend": 1, "filename": "a"},
    "no filename": {"backend": "docs"},
    "an empty filename": {"backend": "docs", "filename": ""},
    "a filename that is a list": GOOD | {"filename": ["a"]},
    "a path that climbs": GOOD | {"to_filename": "../../etc/passwd"},
    "an absolute path": GOOD | {"to_filename": "/etc/passwd"},
    "a filename that climbs": GOOD | {"filename": "../x"},
    "a path with NUL": GOOD | {"to_filename": "a\0b"},
    "a path of 10 MB": GOOD | {"to_filename": "a" * 10_000_000},
    "a type of 10 MB": GOOD | {"content_type": "a" * 10_000_000},
    "an etag that is an object": GOOD | {"etag": {}},
    "a checksum that is a number": GOOD | {"checksum": 1},
    "a negative size": GOOD | {"size": -1},
    "a size of 2^63": GOOD | {"size": 2**63},
    "a size that is a text": GOOD | {"size": "7"},
    "a size with a fraction": GOOD | {"size": 1.5},
    "a size that is true": GOOD | {"size": True},
    "a time that is NaN": GOOD | {"last_modified": float("nan")},
    "an infinite time": GOOD | {"last_modified": float("inf")},
    "metadata that are a list": GOOD | {"metadata": []},
    "metadata with NaN": GOOD | {"metadata": {"a": float("nan")}},
    "metadata of depth 1000": GOOD | {"metadata": nested(1000)},
    "metadata of 10 MB": GOOD | {"metadata": {"a": "b" * 10_000_000}},
    "metadata of a million parts": GOOD | {"metadata": {"a": [0] * 1_000_000}},
}
CALLS = ["get_content", "delete", "exists", "refresh", "verify", "sign", "save"]


@pytest.mark.parametrize("name", BAD)
async def test_s6_a_malformed_value(storage: StorageBackend, twin: Twin, name: str) -> None:
    """It loads, shows itself as malformed, and raises the same error whatever is done with it."""
    storage.put("a", b"x")
    file = FileObject.from_row(BAD[name])
    assert "malformed" in repr(file)
    assert len(repr(file)) < 200
    assert (file.path, file.size, file.is_stored, file.has_pending_data) == (None, None, False, False)
    for method in CALLS:
        with pytest.raises(InvalidValueError, match=r"^(not the value of a stored file|.* cannot be a key)") as caught:
            await twin(getattr(file, method))
        assert len(str(caught.value)) < 500
    for use in (file.open, lambda: file.backend, lambda: file.save(b"x")):
        with pytest.raises(InvalidValueError):
            use()
    assert keys(storage) == ["a"]


async def test_s6_an_unknown_backend(memory: StorageBackend, twin: Twin) -> None:
    """A name that nobody registered is a value like any other, and an error once it is used."""
    file = FileObject.from_row(GOOD | {"backend": "evil"})
    assert file.is_stored
    with pytest.raises(UnknownStorageError, match="'docs'"):
        await twin(file.get_content)


def test_unknown_keys_are_left_out() -> None:
    """What another program wrote beside the ten keys is no reason to refuse a row."""
    file = FileObject.from_row(GOOD | {"later": 1, "_path": "x", "content": "x", "source_path": "/etc/passwd"})
    assert file.is_stored
    assert not file.has_pending_data
    assert "later" not in file.to_dict()


def test_s23_a_row_cannot_make_a_file_read_from_disk() -> None:
    """source_path and content of a row's JSON are nothing but unknown keys."""
    assert FileObject.from_row(GOOD | {"source_path": "/etc/passwd"})._source is None


def test_a_row_of_advanced_alchemy() -> None:
    """It has no to_filename: its path is the filename, and new content gets a key of its own."""
    file = FileObject.from_row(GOOD | {"filename": "in/a folder/é.txt", "size": None, "metadata": {}})
    assert (file.path, file.filename, file.to_filename) == ("in/a folder/é.txt", "in/a folder/é.txt", None)


def test_null_fields_are_unset() -> None:
    """JSON null is the same as a field that is missing."""
    file = FileObject.from_row(dict.fromkeys(("size", "etag", "metadata", "to_filename", "content_type")) | GOOD)
    assert (file.size, file.etag, file.metadata, file.path) == (None, None, {}, "a.txt")


def test_a_value_round_trips() -> None:
    """What to_dict gives is what from_row takes, to the last field."""
    value = GOOD | {
        "to_filename": "k/a.txt",
        "content_type": "text/x",
        "size": 2**63 - 1,
        "last_modified": 1763690000.5,
        "checksum": "sha256:00",
        "etag": "e",
        "version_id": "v",
        "metadata": {"holdfast": {"later": 1}},
    }
    assert FileObject.from_row(value).to_dict() == value
