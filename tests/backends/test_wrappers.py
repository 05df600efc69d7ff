"""The contract, over storages that stand on storages."""

import itertools
import time

import pytest

from holdfast.backends.base import StorageBackend
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.wrappers import CachedBackend, GradualBackend, LimitedBackend, MirrorBackend, PrefixBackend
from holdfast.drivers.local import LocalDriver
from holdfast.drivers.local.folders import TEMPORARY
from holdfast.testing import BackendContract
from holdfast.testing.copying import Copying
from holdfast.testing.deleting import Deleting
from holdfast.testing.failing import Failing
from holdfast.testing.listing import Listing
from holdfast.testing.reading import Reading


def local(folder, **options):
    """Return a storage on a local disk."""
    return StorageBackend("inner", LocalDriver(folder, durable=False), **options)


class OnDisk:
    """What storages over a local disk have in common."""

    def leftovers(self, storage):
        """Count temporary files."""
        return sum(1 for path in storage.native.rglob(f"{TEMPORARY}/*") if path.is_file())


class TestPrefix(OnDisk, BackendContract):
    @pytest.fixture
    def storage(self, tmp_path):
        """A folder of a folder."""
        return PrefixBackend("docs", PrefixBackend("outer", local(tmp_path / "root"), "some"), "inner/folder")


class TestPrefixAsync(Reading, Listing, Deleting, Copying):
    @pytest.fixture
    def storage(self):
        """A folder in memory, by a driver with both halves."""
        return PrefixBackend("docs", ObstoreBackend("inner", "memory://"), "some/folder")


class TestLimited(OnDisk, BackendContract):
    @pytest.fixture
    def storage(self, tmp_path):
        """One request at a time, each in a thread that could be given up."""
        return LimitedBackend("docs", local(tmp_path / "root"), max_concurrency=1)


class TestLimitedAsync(BackendContract):
    @pytest.fixture
    def storage(self):
        """One request at a time, by a driver with both halves."""
        return LimitedBackend("docs", ObstoreBackend("inner", "memory://"), max_concurrency=1)


class TestCached(OnDisk, BackendContract):
    @pytest.fixture
    def storage(self, tmp_path):
        """A disk before a disk."""
        storage = CachedBackend("docs", local(tmp_path / "root"), folder=tmp_path / "cache", max_bytes=50_000_000)
        storage._driver._clock = lambda: time.time() + 3600.0  # nothing is too young to be kept
        return storage


class TestCachedAsync(Reading, Deleting, Failing):
    @pytest.fixture
    def storage(self, tmp_path):
        """A disk before memory, by a driver with both halves."""
        inner = ObstoreBackend("inner", "memory://")
        storage = CachedBackend("docs", inner, folder=tmp_path, max_bytes=50_000_000)
        storage._driver._clock = lambda: time.time() + 3600.0
        return storage


class TestMirror(OnDisk, BackendContract):
    @pytest.fixture(scope="class")
    @classmethod
    def bucket(cls, ministack):
        """A bucket for all tests: the contract keeps them apart."""
        return ministack.make_bucket()

    @pytest.fixture
    def storage(self, tmp_path, bucket):
        """A disk, and a bucket on S3 that has the same objects after each test."""
        self.bucket = bucket
        options = {name: value for name, value in bucket.obstore.items() if name != "bucket"}
        second = ObstoreBackend("second", f"s3://{bucket.name}/{tmp_path.name}/", **options)
        return MirrorBackend("docs", [local(tmp_path / "root"), second], require=2)

    @pytest.fixture(autouse=True)
    def same(self, storage):
        """Compare what both hold before it is deleted."""
        delete = storage.delete

        def compared(keys):
            first, second = ({info.key: info.size for info in each.list()} for each in storage.storages)
            assert first == second
            delete(keys)

        storage.delete = compared

    def leftovers(self, storage):
        """Count temporary files and unfinished uploads."""
        return super().leftovers(storage) + self.bucket.uploads()


class TestMirrorAsync(Failing, Copying):
    @pytest.fixture
    def storage(self):
        """Two memories, by drivers with both halves."""
        return MirrorBackend("docs", [ObstoreBackend(name, "memory://") for name in ("first", "second")], require=2)


class TestGradual(OnDisk, BackendContract):
    @pytest.fixture
    def storage(self, tmp_path):
        """Memory, to which a disk moves."""
        return GradualBackend("docs", new=ObstoreBackend("new", "memory://"), old=local(tmp_path / "root"))

    def leftovers(self, storage):
        """Count temporary files."""
        return super().leftovers(storage.old)


class TestGradualToS3(OnDisk, BackendContract):
    @pytest.fixture(scope="class")
    @classmethod
    def bucket(cls, ministack):
        """A bucket for all tests: the contract keeps them apart."""
        return ministack.make_bucket()

    @pytest.fixture
    def storage(self, tmp_path, bucket):
        """A bucket on S3, to which a disk moves."""
        self.bucket = bucket
        options = {name: value for name, value in bucket.obstore.items() if name != "bucket"}
        return GradualBackend("docs", new=ObstoreBackend("new", f"s3://{bucket.name}/", **options), old=local(tmp_path))

    def leftovers(self, storage):
        """Count temporary files and unfinished uploads."""
        return super().leftovers(storage.old) + self.bucket.uploads()


class TestGradualBefore(Reading, Listing, Deleting, Copying):
    @pytest.fixture(params=["threads", "async"])
    def storage(self, request):
        """A storage to which nothing has moved yet: whatever a test writes lies in the old one."""
        threaded = request.param == "threads"
        old = FSSpecBackend("old", "memory") if threaded else ObstoreBackend("old", "memory://")
        storage = GradualBackend("docs", new=ObstoreBackend("new", "memory://"), old=old)
        storage.put, storage.put_async = old.put, old.put_async
        return storage


class TestGradualBetween(Reading, Listing, Deleting, Copying):
    @pytest.fixture
    def storage(self):
        """A storage of which every other object has moved."""
        new, old = ObstoreBackend("new", "memory://"), ObstoreBackend("old", "memory://")
        storage, turns = GradualBackend("docs", new=new, old=old), itertools.cycle([new, old])
        storage.put = lambda *args, **options: next(turns).put(*args, **options)
        storage.put_async = lambda *args, **options: next(turns).put_async(*args, **options)
        return storage
