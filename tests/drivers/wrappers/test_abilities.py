"""A wrapper can do what the driver behind it can, and nothing else."""

import pytest

from holdfast.backends.base import StorageBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.wrappers import (
    CachedBackend,
    LimitedBackend,
    MirrorBackend,
    PrefixBackend,
    ReadOnlyBackend,
)
from holdfast.drivers.local import LocalDriver
from holdfast.drivers.optional import (
    AsyncPartialUploads,
    BatchPut,
    DirectUploads,
    PartialUploads,
    PartialUploadsBelow,
    Signer,
)
from holdfast.drivers.protocol import is_async_driver
from holdfast.drivers.wrappers.wrapper import Wrapper, never_blocks
from holdfast.errors import ConfigurationError

S3 = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "aws_region": "us-east-1"}
KINDS = [BatchPut, Signer, DirectUploads, PartialUploads, AsyncPartialUploads, PartialUploadsBelow]


def disk(folder):
    """A driver that writes batches and leaves temporary files."""
    return StorageBackend("inner", LocalDriver(folder))


def s3(folder):
    """A driver that signs and has unfinished uploads."""
    return ObstoreBackend("inner", "s3://bucket/folder/", **S3, object_settings={"storage_class": "STANDARD_IA"})


def memory(folder):
    """A driver without any."""
    return ObstoreBackend("inner", "memory://")


WRAPPERS = {
    "plain": lambda storage, folder: StorageBackend("outer", Wrapper(storage._plain)),
    "read-only": lambda storage, folder: ReadOnlyBackend("outer", storage),
    "limited": lambda storage, folder: LimitedBackend("outer", storage),
    "cached": lambda storage, folder: CachedBackend("outer", storage, folder=folder, max_bytes=1000),
}


@pytest.mark.parametrize("inner", [disk, s3, memory])
@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_abilities_survive(tmp_path, inner, wrapper):
    """Each method that some drivers have is there if, and only if, the driver behind has it."""
    storage = inner(tmp_path)
    outer = WRAPPERS[wrapper](storage, tmp_path / "cache")
    assert is_async_driver(outer._plain)
    expected = [isinstance(storage._plain, kind) for kind in KINDS]
    if wrapper == "limited":  # each object of a batch has a clock and attempts of its own
        expected[KINDS.index(BatchPut)] = False
    if wrapper == "read-only":
        expected[KINDS.index(DirectUploads)] = False
    assert [isinstance(outer._plain, kind) for kind in KINDS] == expected
    if wrapper != "read-only":
        assert outer.abilities == storage.abilities
    assert outer.native == storage.native


@pytest.mark.parametrize(("inner", "clears"), [(disk, False), (s3, True), (memory, False)])
def test_a_folder_has_the_unfinished_uploads_that_name_it(tmp_path, inner, clears):
    """Temporary files of a disk belong to the whole storage."""
    storage = inner(tmp_path)
    outer = PrefixBackend("outer", storage, "a/b")
    expected = [*(isinstance(storage._plain, kind) for kind in KINDS[:3]), clears]
    assert [isinstance(outer._plain, kind) for kind in KINDS[:4]] == expected


def test_what_waits_in_threads(tmp_path):
    """It shows through any wrappers, whose own async half is always there."""
    for inner, expected in [(disk(tmp_path), False), (memory(tmp_path), True)]:
        storage = ReadOnlyBackend("outer", PrefixBackend("folder", inner, "a"))
        assert never_blocks(storage._plain) == expected
    mirror = MirrorBackend("safe", [memory(tmp_path), StorageBackend("disk", LocalDriver(tmp_path))])
    assert not never_blocks(PrefixBackend("folder", mirror, "a")._plain)


def test_a_mirror_has_what_all_have(tmp_path):
    """What one of them does not keep cannot be relied on; URLs are those of the first, and no client writes to one."""
    mirror = MirrorBackend("safe", [s3(tmp_path), StorageBackend("disk", LocalDriver(tmp_path))])
    assert not mirror.abilities.content_type
    assert not mirror.abilities.flat
    assert mirror.abilities.settings == frozenset()
    assert isinstance(mirror._plain, Signer)
    assert isinstance(mirror._plain, PartialUploads)
    assert not isinstance(mirror._plain, DirectUploads)
    other = MirrorBackend("safe", [memory(tmp_path), StorageBackend("disk", LocalDriver(tmp_path))])
    assert not isinstance(other._plain, Signer)


@pytest.mark.parametrize(
    "make", [lambda inner: PrefixBackend("p", inner, "x"), lambda inner: LimitedBackend("l", inner)]
)
def test_settings_are_inherited(tmp_path, make):
    """What the storage inside writes its objects with holds outside, too."""
    assert make(s3(tmp_path))._object_settings.storage_class == "STANDARD_IA"
    assert ReadOnlyBackend("r", s3(tmp_path))._object_settings.given == frozenset()


def test_options_are_inherited(tmp_path):
    """So are the checksum and the key scheme, unless others are given."""
    inner = StorageBackend("inner", LocalDriver(tmp_path), checksum=None, key_scheme="{id}")
    outer = PrefixBackend("outer", inner, "x")
    assert (outer._algorithm, outer.key_scheme) == (None, "{id}")
    assert PrefixBackend("outer", inner, "x", checksum="sha256")._algorithm == "sha256"


def test_what_is_no_storage(tmp_path):
    """A driver, a name or a folder is refused."""
    for inner in (LocalDriver(tmp_path), "docs", tmp_path):
        with pytest.raises(ConfigurationError, match="needs a storage"):
            ReadOnlyBackend("archive", inner)


def test_they_go_around_each_other(tmp_path):
    """A limited, read-only folder of a mirror of a cached storage reads what is there."""
    cached = CachedBackend("c", disk(tmp_path / "one"), folder=tmp_path / "cache", max_bytes=1000)
    mirror = MirrorBackend("safe", [cached, ObstoreBackend("two", "memory://")])
    mirror.put("a/b/x", b"bytes")
    storage = LimitedBackend("l", ReadOnlyBackend("r", PrefixBackend("p", mirror, "a/b")), max_concurrency=2)
    assert storage.read("x") == b"bytes"
    assert [info.key for info in storage.list()] == ["x"]
