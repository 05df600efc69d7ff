"""Settings that put something around a storage, or one storage over others."""

import pytest

from holdfast.backends.wrappers import (
    CachedBackend,
    GradualBackend,
    LimitedBackend,
    MirrorBackend,
    PrefixBackend,
    ReadOnlyBackend,
)
from holdfast.config import check, configure, load
from holdfast.errors import ConfigurationError, UnsupportedError


def loaded(**storages):
    """Return the storages of a configuration by name."""
    return {storage.key: storage for storage in load({"storages": storages})}


def test_a_prefix(tmp_path, s3_bucket):
    """The same word for a folder on disk, below a bucket, and in memory."""
    server = s3_bucket.server
    options = {"endpoint": server.endpoint, "allow_http": True, "access_key_id": server.access_key}
    options["secret_access_key"] = server.secret_key
    found = loaded(
        disk={"uri": f"file://{tmp_path}/", "prefix": "a/b"},
        bucket={"uri": f"s3://{s3_bucket.name}/", "prefix": "/a/b/", "options": options},
        memory={"uri": "memory://", "prefix": "a/b"},
    )
    for storage in found.values():
        storage.put("c.txt", b"bytes")
        assert [info.key for info in storage.list()] == ["c.txt"]
    assert (tmp_path / "a/b/c.txt").read_bytes() == b"bytes"
    assert s3_bucket.keys() == ["a/b/c.txt"]
    assert isinstance(found["memory"], PrefixBackend)


def test_read_only():
    """Nothing can be written, and what a put would have been given does not matter."""
    table = {"uri": "s3://bucket/", "read_only": "true", "object_settings": {"storage_class": "STANDARD_IA"}}
    storage = loaded(docs=table)["docs"]
    assert isinstance(storage, ReadOnlyBackend)
    with pytest.raises(UnsupportedError, match="read-only"):
        storage.put("a.txt", b"bytes")


def test_another_view_of_a_storage():
    """``of`` names another storage; a folder of it, or all of it read-only, has a name of its own."""
    found = loaded(
        avatars={"of": "docs", "prefix": "public/avatars", "max_concurrency": 2},
        docs={"uri": "memory://", "checksum": "none"},
        archive={"of": "docs", "read_only": True},
    )
    found["avatars"].put("ada.png", b"bytes")
    assert [info.key for info in found["docs"].list()] == ["public/avatars/ada.png"]
    assert found["archive"].read("public/avatars/ada.png") == b"bytes"
    assert found["archive"].key == "archive"
    assert found["avatars"].put("b.png", b"bytes").checksum is None  # as the storage that it is a part of


def test_limits():
    """Obstore retries by itself; anything else gets it from Holdfast."""
    limits = {"retries": "2", "timeout": 20}
    found = loaded(bucket={"uri": "s3://bucket/", "limits": limits}, memory={"uri": "memory://", "limits": limits})
    assert found["bucket"].native.retry_config["max_retries"] == 2
    assert str(found["bucket"].native.client_options["read_timeout"]).startswith("20")
    assert isinstance(found["memory"], LimitedBackend)


def test_a_cache(tmp_path):
    """What is read is kept in the folder; the settings of the storage stay."""
    found = loaded(
        docs={"type": "local", "path": str(tmp_path / "files"), "max_concurrency": 3, "checksum": "none"}
        | {"cache": {"folder": str(tmp_path / "cache"), "max_bytes": 1_000_000}}
    )
    storage = found["docs"]
    assert isinstance(storage, CachedBackend)
    assert storage.put("a.txt", b"bytes").checksum is None
    assert storage.read("a.txt") == b"bytes"


def test_a_mirror(tmp_path, registry):
    """It writes to both; its parts are used through it alone, and are not registered."""
    configure(
        {
            "storages": {
                "docs": {"mirror": ["main", "backup"], "require": 2},
                "main": {"type": "local", "path": str(tmp_path / "main")},
                "backup": {"type": "local", "path": str(tmp_path / "backup")},
            }
        },
        registry=registry,
    )
    assert registry.all().keys() == {"docs"}
    assert isinstance(registry.get("docs"), MirrorBackend)
    registry.get("docs").put("a.txt", b"bytes")
    assert (tmp_path / "main/a.txt").read_bytes() == (tmp_path / "backup/a.txt").read_bytes() == b"bytes"


def test_a_move(tmp_path, registry):
    """It reads from the old one and writes to the new one, which are used through it alone, in a folder if need be."""
    configure(
        {
            "storages": {
                "docs": {"gradual": {"new": "cloud", "old": "disk"}, "checksum": "none"},
                "avatars": {"of": "docs", "prefix": "public"},
                "disk": {"type": "local", "path": str(tmp_path)},
                "cloud": {"uri": "memory://"},
            }
        },
        registry=registry,
    )
    assert registry.all().keys() == {"docs", "avatars"}
    docs = registry.get("docs")
    assert isinstance(docs, GradualBackend)
    docs.old.put("public/ada.png", b"bytes")
    assert registry.get("avatars").read("ada.png") == b"bytes"
    assert docs.put("public/b.png", b"bytes").checksum is None
    assert docs.new.exists("public/b.png")
    assert docs.remaining() == 1


def test_a_move_is_checked(tmp_path):
    """Objects can be written, listed and deleted, from a disk to memory as from memory to a disk."""
    report = check(
        {
            "storages": {
                "there": {"gradual": {"new": "memory", "old": "disk"}},
                "back": {"gradual": {"new": "other", "old": "memory"}},
                "disk": {"type": "local", "path": str(tmp_path / "disk")},
                "other": {"type": "local", "path": str(tmp_path / "other")},
                "memory": {"uri": "memory://"},
            }
        }
    )
    assert report.ok, report
    assert report.storages.keys() >= {"there", "back"}


@pytest.mark.parametrize(
    ("storages", "complaint"),
    [
        ({"a": {"of": "b", "prefix": "x"}, "b": {"of": "a", "prefix": "x"}}, "stands on 'a', which stands on it"),
        ({"a": {"of": "bb", "prefix": "x"}, "b": "memory://", "bbb": "memory://"}, "did you mean 'bbb'"),
        ({"a": {"of": "b", "prefix": "x"}, "b": "s4://x"}, "it stands on 'b', which cannot be opened"),
        ({"a": {"of": "b"}, "b": "memory://"}, "of needs a prefix"),
        ({"a": {"of": "b", "prefix": "x", "region": "x"}, "b": "memory://"}, "which has its own region"),
        ({"a": {"of": "b", "uri": "memory://"}, "b": "memory://"}, "which has its own uri"),
        ({"a": {"mirror": ["b"]}, "b": "memory://"}, "needs at least two storages"),
        ({"a": {"mirror": "b"}, "b": "memory://"}, "mirror must be a list of storages"),
        ({"a": {"uri": "memory://", "require": 2}}, "require goes with mirror"),
        ({"a": {"gradual": "b"}, "b": "memory://"}, "gradual must name two storages, such as gradual = "),
        ({"a": {"gradual": {"new": "b"}}, "b": "memory://"}, "gradual must name two storages"),
        ({"a": {"gradual": {"new": "b", "old": "b"}}, "b": "memory://"}, "both called 'b'"),
        ({"a": {"gradual": {"new": "b", "old": "c"}}, "b": "memory://"}, "stands on 'c', which is no storage"),
        ({"a": {"gradual": {"new": "b", "old": "a"}}, "b": "memory://"}, "stands on 'a', which stands on it"),
        ({"a": {"gradual": {"new": "b", "old": "b"}, "region": "x"}, "b": "memory://"}, "which has its own region"),
        ({"a": {"uri": "memory://", "cache": {"folder": "/x"}}}, "cache needs a folder and a size"),
        ({"a": {"uri": "memory://", "cache": {"folder": "x", "max_bytes": 1}}}, "must be absolute"),
        ({"a": {"uri": "s3://b/", "limits": {"retries": 1}, "retry_config": {}}}, "limits say the same thing"),
    ],
)
def test_what_cannot_be(storages, complaint):
    """Each names its storage."""
    with pytest.raises(ConfigurationError, match=rf"storage '[ab]' in the mapping: .*{complaint}"):
        load({"storages": storages})
