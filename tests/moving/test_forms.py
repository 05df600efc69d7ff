"""What values of other libraries' columns stand for."""

import json
from typing import Any

import pytest

from holdfast.errors import InvalidKeyError, InvalidValueError
from holdfast.maintenance.adopting import from_path, from_sqlalchemy_file, from_url, thumbnail_from_sqlalchemy_file

SAVED: dict[str, Any] = {
    "content_path": None,
    "filename": "cat.jpg",
    "content_type": "image/jpeg",
    "size": 7,
    "files": ["images/5c1d"],
    "shelf": "B",
    "extra": {"acl": "private", "meta_data": {"filename": "cat.jpg", "content_type": "image/jpeg", "by": "Ada"}},
    "file_id": "5c1d",
    "upload_storage": "images",
    "uploaded_at": "2024-05-01T12:00:00+00:00",
    "path": "images/5c1d",
    "url": "https://images.example/5c1d",
    "saved": True,
    "thumbnail": {"file_id": "77aa", "upload_storage": "small", "width": 128, "height": 96, "path": "small/77aa"},
}


def test_sqlalchemy_file() -> None:
    """All that the value says of the file is kept; what it says of the library is not."""
    file = from_sqlalchemy_file(SAVED)
    assert file.to_dict() == {
        "backend": "images",
        "filename": "cat.jpg",
        "to_filename": "5c1d",
        "content_type": "image/jpeg",
        "size": 7,
        "last_modified": 1714564800.0,
        "checksum": None,
        "etag": None,
        "version_id": None,
        "metadata": {"by": "Ada", "shelf": "B"},
    }


@pytest.mark.parametrize("value", [SAVED, json.dumps(SAVED), json.dumps(SAVED).encode()])
def test_json_or_not(value: Any) -> None:
    """A driver may give the JSON as text."""
    assert from_sqlalchemy_file(value).path == "5c1d"
    assert thumbnail_from_sqlalchemy_file(value).path == "77aa"


@pytest.mark.parametrize("value", [None, "null", "", {}])
def test_nothing(value: Any) -> None:
    """No file is None."""
    assert from_sqlalchemy_file(value) is None
    assert thumbnail_from_sqlalchemy_file(value) is None
    assert from_path(None, storage="docs") is from_path("", storage="docs") is None
    assert from_url(None, storages={}) is from_url("", storages={}) is None


def test_lists() -> None:
    """A list stays one; of thumbnails it has those that there are."""
    bare = {name: value for name, value in SAVED.items() if name != "thumbnail"} | {"file_id": "2"}
    assert [file.path for file in from_sqlalchemy_file([SAVED, bare])] == ["5c1d", "2"]
    assert [file.path for file in thumbnail_from_sqlalchemy_file([SAVED, bare])] == ["77aa"]
    assert from_sqlalchemy_file([]) == thumbnail_from_sqlalchemy_file([]) == []
    assert thumbnail_from_sqlalchemy_file(bare) is None


def test_old_values() -> None:
    """Without the parts of the place there is the path, without a name the key; times without a zone are UTC."""
    file = from_sqlalchemy_file({"path": "images/5c1d", "uploaded_at": "2024-05-01T12:00:00"})
    assert (file.backend_key, file.path, file.filename, file.last_modified) == ("images", "5c1d", "5c1d", 1714564800.0)
    assert from_sqlalchemy_file({"path": "images/5c1d", "uploaded_at": "yesterday"}).last_modified is None


def test_renamed_storages() -> None:
    """The library's names of storages need not be kept."""
    names = {"images": "docs", "small": "thumbs"}
    assert from_sqlalchemy_file(SAVED, storages=names).backend_key == "docs"
    assert thumbnail_from_sqlalchemy_file(SAVED, storages=names).backend_key == "thumbs"


def test_thumbnails() -> None:
    """They have their size as metadata, and name and type of the format."""
    file = thumbnail_from_sqlalchemy_file(SAVED, form="JPEG")
    assert (file.filename, file.content_type) == ("cat.jpg.thumbnail128x96.jpg", "image/jpeg")
    assert file.metadata == {"width": 128, "height": 96}


@pytest.mark.parametrize("value", ["{", "7", '"x"', {"filename": "a"}, ["x"], {"upload_storage": "images"}, 7])
def test_other_values(value: Any) -> None:
    """What is no value of the library is an error that shows it."""
    with pytest.raises(InvalidValueError, match="not a value of sqlalchemy-file"):
        from_sqlalchemy_file(value)


@pytest.mark.parametrize(
    ("path", "root", "key"),
    [
        ("a.txt", (), "a.txt"),
        ("cv/a.txt", "", "cv/a.txt"),
        ("/srv/media/cv/a.txt", "/srv/media", "cv/a.txt"),
        ("/srv/media/cv/a.txt", "/srv/media/", "cv/a.txt"),
        ("/srv/media/cv/a.txt", ("/srv", "/srv/media"), "cv/a.txt"),
        ("http://host/bucket/a b.txt", ("/srv", "http://host/bucket"), "a b.txt"),
    ],
)
def test_paths(path: str, root: Any, key: str) -> None:
    """What comes before the path in the storage goes; the longest that fits."""
    file = from_path(path, storage="docs", root=root)
    assert (file.backend_key, file.path, file.filename) == ("docs", key, key.rpartition("/")[2])


@pytest.mark.parametrize("path", ["/etc/passwd", "../up", "a/../../up", "cv//a.txt", "folder/"])
def test_no_paths(path: str) -> None:
    """A path that is absolute or climbs is no key."""
    with pytest.raises(InvalidKeyError):
        from_path(path, storage="docs", root="/srv/media")


BUCKETS = {"s3://acme/": "docs", "s3://acme/public/": "web", "https://cdn.acme.com": "web"}


@pytest.mark.parametrize(
    ("url", "storage", "key"),
    [
        ("s3://acme/a%20b?c#d.txt", "docs", "a%20b?c#d.txt"),
        ("s3://acme/public/logo.png", "web", "logo.png"),
        ("https://cdn.acme.com/a%20b%2Bc.txt?X-Amz-Signature=1#top", "web", "a b+c.txt"),
    ],
)
def test_urls(url: str, storage: str, key: str) -> None:
    """The longest beginning decides; only web addresses are quoted and have queries."""
    file = from_url(url, storages=BUCKETS)
    assert (file.backend_key, file.path) == (storage, key)


@pytest.mark.parametrize("url", ["https://cdn.acme.com.evil.example/a", "s3://acme-old/a.txt", "a.txt"])
def test_other_urls(url: str) -> None:
    """An unknown beginning is an error that names the known ones."""
    with pytest.raises(InvalidValueError, match="begins with none of 's3://acme/'"):
        from_url(url, storages=BUCKETS)
