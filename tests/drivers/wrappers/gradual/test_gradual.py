"""A storage that moves: what is written where, what is read from where, and what happens in between."""

import asyncio

import pytest

from holdfast.backends.base import StorageBackend
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.wrappers import (
    CachedBackend,
    GradualBackend,
    LimitedBackend,
    MirrorBackend,
    PrefixBackend,
    ReadOnlyBackend,
    gradual_behind,
)
from holdfast.drivers.local import LocalDriver
from holdfast.drivers.optional import BatchPut, DirectUploads, PartialUploads, PlainFiles, Signer, UploadTerms
from holdfast.errors import (
    AccessDeniedError,
    AlreadyExistsError,
    BucketNotFoundError,
    ConfigurationError,
    NotFoundError,
    StorageTimeoutError,
    UnsupportedError,
)
from holdfast.registry import StorageRegistry
from holdfast.testing.contents import BIG, MIB, Failed, async_pieces, checksum, failing, pieces
from holdfast.testing.faults import Fault, FaultyDriver
from tests.drivers.wrappers.drivers import timed_out

S3 = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "aws_region": "us-east-1"}


class Moving(LocalDriver):
    """A disk from which objects move away when they are asked for, before the answer."""

    def __init__(self, root):
        super().__init__(root, durable=False)
        self.to = None
        self.times = 0
        self.cut = None  # called after the first chunk, when the object is gone

    def _move(self, key):
        if self.times and super().stat(key):
            self.times -= 1
            self.to.put(key, b"".join(super().read(key, 0, None, None)))
            super().delete([key])

    def stat(self, key):
        self._move(key)
        return super().stat(key)

    def read(self, key, start, end, chunk_size):
        self._move(key)
        for chunk in super().read(key, start, end, chunk_size):
            yield chunk
            if self.cut is not None:
                self.cut(key)
                raise FileNotFoundError(2, "gone")


class Two:
    """A storage over two disks that fail on cue."""

    def __init__(self, folder, **options):
        self.static, self.moving = Moving(folder / "new"), Moving(folder / "old")
        self.drivers = [FaultyDriver(self.static), FaultyDriver(self.moving)]
        self.new, self.old = (
            StorageBackend(name, driver) for name, driver in zip(("new", "old"), self.drivers, strict=True)
        )
        self.moving.to = self.new
        self.storage = GradualBackend("docs", new=self.new, old=self.old, **options)

    def fail(self, number, operation, when="before", error=None, skip=0):
        """Let one of them fail at a call."""
        self.drivers[number].fail(Fault(operation, when, error or timed_out(), skip=skip))

    def holders(self, key):
        """Which of the two have an object."""
        return [storage.exists(key) for storage in (self.new, self.old)]


@pytest.fixture
def two(tmp_path):
    """Two disks."""
    return Two(tmp_path)


CONTENTS = {"bytes": lambda: b"bytes", "large": lambda: BIG, "generator": lambda: pieces(BIG), "empty": lambda: b""}


@pytest.mark.parametrize("content", CONTENTS)
def test_what_is_new_lies_in_the_new_one(two, in_half, content):
    """A put goes there alone, whatever its content."""
    half = in_half(two.storage)
    info = half.put("x", CONTENTS[content](), if_absent=True)
    assert two.holders(half.key("x")) == [True, False]
    two.new.verify(half.key("x"), info.checksum)
    assert two.storage.reads_from_old == 0


def test_async_content(two):
    """An async iterator is read once."""
    asyncio.run(two.storage.put_async("x", async_pieces(BIG), if_absent=True))
    assert two.new.read("x") == BIG


def test_what_is_old_is_found(two, in_half):
    """Reads, descriptions and listings show it, and each time that the old one had to answer is counted."""
    half = in_half(two.storage)
    two.old.put(half.key("x"), BIG)
    half.put("y", b"bytes")
    assert half.read("x") == b"".join(half.stream("x", chunk_size=MIB)) == BIG
    assert half.read("x", start=-3) == BIG[-3:]
    assert half.stat("x").size == len(BIG)
    assert half.exists("x")
    assert half.names() == ["x", "y"]
    assert two.storage.reads_from_old == 6  # a read that counts from the end asks for the size as well
    with two.storage.open(half.key("x")) as file:
        file.seek(MIB)
        assert file.read(10) == BIG[MIB : MIB + 10]
    half.read("y")
    with pytest.raises(NotFoundError):
        half.read("z")
    assert two.storage.reads_from_old == 8
    assert two.storage.remaining() == 1


def test_the_new_one_counts(two, in_half):
    """An object that was replaced is the later one, wherever it is asked for; both go when it is deleted."""
    half = in_half(two.storage)
    two.old.put(half.key("x"), b"old")
    half.put("x", b"newer")
    assert half.read("x") == b"newer"
    assert [(info.key, info.size) for info in two.storage.list()] == [(half.key("x"), 5)]
    half.delete("x")
    assert two.holders(half.key("x")) == [False, False]


@pytest.mark.parametrize("operation", ["read", "stream", "stat", "exists", "copy"])
def test_an_object_that_moves_between_two_looks(two, in_half, operation):
    """It was not in the new one yet, and is not in the old one any more: the new one is asked again."""
    half = in_half(two.storage)
    two.old.put(half.key("x"), b"bytes")
    two.moving.times = 1
    expected = {
        "read": lambda: half.read("x") == b"bytes",
        "stream": lambda: half.stream("x") == [b"bytes"],
        "stat": lambda: half.stat("x").size == 5,
        "exists": lambda: half.exists("x"),
        "copy": lambda: half.copy("x", "y").size == 5,
    }
    assert expected[operation]()
    assert two.holders(half.key("x")) == [True, False]


@pytest.mark.parametrize("same", [True, False])
def test_an_object_that_moves_in_the_middle_of_a_read(two, in_half, same):
    """A service that has no more of it leaves the rest to the new one, if that has the same bytes before it."""
    half = in_half(two.storage)
    two.old.put(half.key("x"), BIG)
    two.moving.cut = lambda key: two.new.put(key, BIG if same else BIG[::-1])
    if same:
        assert b"".join(half.stream("x", start=5, chunk_size=MIB)) == BIG[5:]
    else:
        with pytest.raises(NotFoundError):
            half.stream("x", start=5, chunk_size=MIB)


def test_a_new_one_that_has_lost_an_object_in_the_middle(two, in_half):
    """The old one is not asked for the rest: it would be of another object, if of any."""
    half = in_half(two.storage)
    half.put("x", BIG)
    two.old.put(half.key("x"), BIG[::-1])
    two.static.cut = lambda key: None
    with pytest.raises(NotFoundError, match="in 'new'"):
        half.stream("x", chunk_size=MIB)


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("operation", ["read", "stat", "list"])
def test_one_that_cannot_be_reached(two, in_half, number, operation):
    """It raises: what it may have is not called missing, and the other is not taken for the whole."""
    half = in_half(two.storage)
    two.fail(number, operation)
    calls = {"read": lambda: half.read("x"), "stat": lambda: half.stat("x"), "list": half.names}
    with pytest.raises(StorageTimeoutError, match=f"in '{'old' if number else 'new'}'"):
        calls[operation]()


def test_the_old_one_is_not_needed_for_what_has_moved(two, in_half):
    """Reads and replacing puts of what is in the new one work without it."""
    half = in_half(two.storage)
    half.put("x", b"bytes")
    for operation in ("read", "stat", "put", "list"):
        two.fail(1, operation)
    assert (half.read("x"), half.stat("x").size, half.put("x", b"other").size) == (b"bytes", 5, 5)


def test_a_key_that_is_taken_in_the_old_one(two, in_half):
    """A put that must not replace is refused; and also where nobody can say."""
    half = in_half(two.storage)
    two.old.put(half.key("x"), b"bytes")
    with pytest.raises(AlreadyExistsError):
        half.put("x", b"other", if_absent=True)
    with pytest.raises(AlreadyExistsError):
        half.copy("x", "x")
    two.fail(1, "stat")
    with pytest.raises(StorageTimeoutError, match="in 'old'"):
        half.put("y", b"other", if_absent=True)
    assert two.holders(half.key("y")) == [False, False]


def test_a_put_that_fails(two, in_half):
    """What the new one raises, and what the content raises, comes out; nothing is anywhere."""
    half = in_half(two.storage)
    two.fail(0, "put")
    with pytest.raises(StorageTimeoutError, match="in 'new'"):
        half.put("x", b"bytes")
    with pytest.raises(Failed):
        half.put("x", failing(b"x"))
    assert two.holders(half.key("x")) == [False, False]


def test_a_delete_that_fails(two, in_half):
    """It raises, and what the new one had replaced does not come back; done again it is complete."""
    half = in_half(two.storage)
    two.old.put(half.key("x"), b"old")
    half.put("x", b"newer")
    two.fail(1, "delete")
    with pytest.raises(StorageTimeoutError, match="in 'old'"):
        half.delete("x")
    assert half.read("x") == b"newer"
    two.fail(0, "delete")
    with pytest.raises(StorageTimeoutError, match="in 'new'"):
        half.delete("x")
    assert half.read("x") == b"newer"
    half.delete("x")
    assert not half.exists("x")


def test_a_copy_of_what_is_old(tmp_path, in_half):
    """It is made in the new one, with what the original has."""
    old = FSSpecBackend("old", "memory")
    half = in_half(GradualBackend("docs", new=ObstoreBackend("new", "memory://"), old=old))
    old.put(half.key("x"), BIG, content_type="image/png", metadata={"a": 1})
    info = half.copy("x", "y")
    assert (info.content_type, info.metadata) == ("image/png", {"a": 1})
    half.verify("y", checksum(BIG))
    assert not old.exists(half.key("y"))


def test_a_copy_that_fails(two, in_half):
    """The new one's failure is called so, not the missing of an object."""
    half = in_half(two.storage)
    two.old.put(half.key("x"), b"bytes")
    two.fail(0, "put")
    with pytest.raises(StorageTimeoutError, match="in 'new'"):
        half.copy("x", "y")


def test_an_old_one_that_is_only_read(tmp_path, in_half):
    """What lies there stays when it is deleted, and a row that holds it is no trouble; all else goes on."""
    disk = StorageBackend("disk", LocalDriver(tmp_path / "old"))
    half = in_half(GradualBackend("docs", new=ObstoreBackend("new", "memory://"), old=ReadOnlyBackend("old", disk)))
    disk.put(half.key("x"), b"bytes")
    half.put("y", b"bytes")
    half.delete("x", "y")
    assert half.names() == ["x"]
    assert half.storage.clear_partial_uploads(1e12, delete=True) == []  # those of the old one are not ours to clear


def test_a_bucket_that_is_missing(two, in_half, ministack):
    """Of the new storage it is told for what the old one does not have; of the old one always."""
    bucket = ministack.make_bucket()
    options = {name: value for name, value in bucket.obstore.items() if name != "bucket"}
    missing = ObstoreBackend("s3", f"s3://{bucket.name}-missing/", **options)
    half = in_half(GradualBackend("docs", new=missing, old=two.old))
    two.old.put(half.key("x"), b"bytes")
    assert half.read("x") == b"bytes"
    with pytest.raises(BucketNotFoundError, match="NoSuchBucket"):
        half.exists("y")
    again = ObstoreBackend("s3", f"s3://{bucket.name}-missing/", **options)
    back = in_half(GradualBackend("docs", new=two.new, old=again))
    with pytest.raises(BucketNotFoundError, match="NoSuchBucket"):
        back.exists("y")


def test_many_keys_in_order(in_half):
    """Pages of the old one are merged with what the new one has, in the order of UTF-8, each key once."""
    new, old = ObstoreBackend("new", "memory://"), FSSpecBackend("old", "memory")
    names = [f"{number:04}" for number in range(3500)] + ["é", "\ufffd", "🎉"]
    half = in_half(GradualBackend("docs", new=new, old=old))
    for number, name in enumerate(names):
        for storage in [old, new, old, old, new][number % 5 :][: 1 + (number % 7 == 0)]:
            storage.put(half.key(name), b"")
    assert half.names() == names
    keys = [info.key for info in half.storage.list(half.folder, after=half.key("1999"))]
    assert keys == [half.key(name) for name in names[2000:]]


def test_a_listing_misses_nothing_that_moves(in_half):
    """Objects that go from one to the other while both are listed are in it, each once."""
    new, old = ObstoreBackend("new", "memory://"), FSSpecBackend("old", "memory")
    names = [f"{number:04}" for number in range(2500)]
    half = in_half(GradualBackend("docs", new=new, old=old))
    for name in names:
        old.put(half.key(name), b"")
    seen, ahead = [], iter(reversed(names))

    def see(info):
        for key in map(half.key, [names[len(seen)], next(ahead)]):
            if old.exists(key):
                new.put(key, b"")
                old.delete(key)
        seen.append(info.key)

    async def look():
        async for info in half.storage.list_async(half.folder):
            see(info)

    if half.is_async:
        asyncio.run(look())
    else:
        for info in half.storage.list(half.folder):
            see(info)
    assert seen == [half.key(name) for name in names]


def test_urls_lead_to_where_an_object_is():
    """One that has not moved is signed by the old one, and one that is nowhere by the new one: it may come."""
    new, old = ObstoreBackend("new", "memory://"), ObstoreBackend("old", "memory://")
    cloud = ObstoreBackend("cloud", "s3://cloud/", **S3)
    storage = GradualBackend("docs", new=cloud, old=ObstoreBackend("disk", "s3://disk/", **S3))
    for part, keys in [(storage.new, {"n"}), (storage.old, {"o"})]:
        part._plain.stat = lambda key, keys=keys: _stat(key, keys)
        part._plain.stat_async = lambda key, keys=keys: _stat_async(key, keys)
    for sign in (storage.sign, lambda *args, **options: asyncio.run(storage.sign_async(*args, **options))):
        assert "/cloud/n?" in sign("n")
        assert "/disk/o?" in sign("o")
        assert "/cloud/x?" in sign("x")
        assert "/cloud/o?" in sign("o", for_upload=True)
    assert storage.reads_from_old == 2
    assert not GradualBackend("docs", new=new, old=old).signs


def _stat(key, keys):
    if key not in keys:
        raise FileNotFoundError(key)


async def _stat_async(key, keys):
    _stat(key, keys)


def test_what_the_old_one_does_not_sign(tmp_path):
    """It gets one of Holdfast's own URLs, if the application serves such, and else the error says what to do."""
    cloud = ObstoreBackend("cloud", "s3://cloud/", **S3)
    cloud._plain.stat = lambda key: _stat(key, set())
    cloud._plain.stat_async = lambda key: _stat_async(key, set())
    disk = StorageBackend("disk", LocalDriver(tmp_path))
    disk.put("o", b"bytes")
    registry = StorageRegistry()
    storage = registry.register_backend(GradualBackend("docs", new=cloud, old=disk))
    avatars = registry.register_backend(PrefixBackend("folder", LimitedBackend("l", storage), "a"))
    disk.put("a/o", b"bytes")
    for each in (storage, avatars):
        with pytest.raises(UnsupportedError, match="sign_urls"):
            each.sign("o")
    registry.sign_urls("https://app.example/files", "a secret of the application's own")
    for each in (storage, avatars):
        for url in (each.sign("o"), asyncio.run(each.sign_async("o"))):
            assert url.startswith("https://app.example/files/")
            assert each.is_own(url)
        assert not each.is_own(each.sign("x"))


def test_public_urls(two):
    """Those of one of the two would be wrong for half of the objects: only one given for both is used."""
    new = ObstoreBackend("cloud", "memory://", public_url="https://cdn.example/")
    storage = GradualBackend("docs", new=new, old=two.old)
    assert storage.public_url_of("x") is None
    assert PrefixBackend("p", storage, "a").public_url_of("x") is None
    both = GradualBackend("docs", new=new, old=two.old, public_url="https://all.example/")
    assert PrefixBackend("p", both, "a").public_url_of("x") == "https://all.example/a/x"


def test_abilities(tmp_path):
    """Of objects it has what both have; writes, and uploads by clients, are the new one's."""
    cloud, disk = ObstoreBackend("cloud", "s3://b/", **S3), StorageBackend("disk", LocalDriver(tmp_path))
    there, back = GradualBackend("docs", new=cloud, old=disk), GradualBackend("docs", new=disk, old=cloud)
    for storage in (there, back):
        assert not storage.abilities.content_type
        assert isinstance(storage._plain, PartialUploads)
        assert not isinstance(storage._plain, (BatchPut, PlainFiles))
    assert (there.abilities.flat, back.abilities.flat) == (True, False)
    assert there.abilities.settings == cloud.abilities.settings
    assert back.abilities.settings == frozenset()
    assert [isinstance(each._plain, Signer) for each in (there, back)] == [True, False]
    assert [isinstance(each._plain, DirectUploads) for each in (there, back)] == [True, False]


def test_uploads_of_clients(tmp_path):
    """They go to the new one, and not to a key that the old one has."""
    cloud, disk = ObstoreBackend("cloud", "s3://cloud/", **S3), StorageBackend("disk", LocalDriver(tmp_path))
    storage = GradualBackend("docs", new=cloud, old=disk)
    assert "/cloud/x" in storage.offer_upload(UploadTerms("x", 5, 60, "text/plain")).url
    disk.put("x", b"bytes")
    with pytest.raises(AlreadyExistsError):
        storage.offer_upload(UploadTerms("x", 5, 60, "text/plain"))


def test_settings(tmp_path):
    """Each write has those of the new storage, and over them those of its own."""
    new = ObstoreBackend("new", "memory://", object_settings={"storage_class": "COLD", "cache_control": "no-store"})
    disk = StorageBackend("disk", LocalDriver(tmp_path))
    storage = GradualBackend("docs", new=new, old=disk, object_settings={"storage_class": "HOT"})
    written = []
    put = new._plain.put
    new._plain.put = lambda key, body, options: written.append(options.settings) or put(key, body, options)
    storage.put("x", b"")
    assert (written[0].storage_class, written[0].cache_control) == ("HOT", "no-store")
    plain = StorageBackend("plain", LocalDriver(tmp_path / "p"), checksum=None, key_scheme="{id}")
    storage = GradualBackend("docs", new=plain, old=new)
    assert (storage._algorithm, storage.key_scheme) == (None, "{id}")


def test_what_cannot_move(tmp_path):
    """The same place twice, one inside the other, one that cannot be written, one name for both, and no storage."""
    disk, memory = StorageBackend("disk", LocalDriver(tmp_path)), ObstoreBackend("memory", "memory://")
    for new, old, told in [
        (disk, StorageBackend("again", LocalDriver(tmp_path)), "the same place"),
        (PrefixBackend("p", memory, "a"), memory, "one in the other"),
        (ReadOnlyBackend("r", disk), memory, "'r' cannot be written"),
        (disk, ObstoreBackend("disk", "memory://"), "both called 'disk'"),
        (disk, "memory", "needs a storage to stand on"),
    ]:
        with pytest.raises(ConfigurationError, match=told):
            GradualBackend("docs", new=new, old=old)


def test_it_goes_with_other_wrappers(tmp_path):
    """A cached, limited folder of one whose new storage is a mirror; and one that moves twice."""
    one, two, old = (ObstoreBackend(name, "memory://") for name in ("one", "two", "old"))
    safe = GradualBackend("docs", new=MirrorBackend("safe", [one, two]), old=old)
    old.put("a/x", b"old")
    safe.put("a/y", b"bytes")
    assert two.read("a/y") == safe.read("a/y") == b"bytes"
    assert safe.read("a/x") == b"old"
    storage = GradualBackend("docs", new=one, old=old)
    assert gradual_behind(PrefixBackend("p", storage, "a")) is storage
    assert gradual_behind(one) is None
    outer = CachedBackend("c", LimitedBackend("l", storage), folder=tmp_path / "cache", max_bytes=1000)
    outer = PrefixBackend("p", outer, "a")
    assert outer.read("y") == b"bytes"
    assert outer.read("x") == b"old"
    again = GradualBackend("again", new=ObstoreBackend("last", "memory://"), old=storage)
    assert [info.key for info in again.list()] == ["a/x", "a/y"]
    assert again.read("a/x") == b"old"


def test_what_remains(two):
    """It is counted up to a limit, in both halves."""
    for number in range(5):
        two.old.put(f"{number}", b"")
    for limit, expected in [(None, 5), (3, 3), (9, 5)]:
        assert two.storage.remaining(limit) == asyncio.run(two.storage.remaining_async(limit)) == expected
    for call in (two.storage.remaining, lambda limit: asyncio.run(two.storage.remaining_async(limit))):
        with pytest.raises(ConfigurationError, match="limit"):
            call(0)


def test_no_secret_is_told(two, in_half):
    """A credential in a library's error does not come out."""
    half = in_half(two.storage)
    leaking = OSError(110, "GET https://x/?X-Amz-Signature=SECRET timed out")
    two.fail(0, "read", error=leaking)
    with pytest.raises(Exception, match="failed") as caught:
        half.read("x")
    assert "SECRET" not in str(caught.value)


def test_a_refused_delete(two, in_half):
    """An old storage whose credentials only read is told, so that nobody takes the object for deleted."""
    half = in_half(two.storage)
    two.old.put(half.key("x"), b"bytes")
    two.fail(1, "delete", error=PermissionError(13, "no"))
    with pytest.raises(AccessDeniedError, match="in 'old'"):
        half.delete("x")
