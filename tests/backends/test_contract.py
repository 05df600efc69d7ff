"""The contract, over every storage that can run here."""

import secrets
from contextlib import suppress

import fsspec
import pytest

from holdfast.backends.base import StorageBackend
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers.fsspec.generic import FSSpecDriver
from holdfast.drivers.local import LocalDriver
from holdfast.drivers.local.folders import TEMPORARY
from holdfast.testing import BackendContract
from holdfast.testing.copying import Copying
from holdfast.testing.failing import Failing
from holdfast.testing.s3 import ServerError


class LocalFolder:
    """What storages on a local disk have in common."""

    def leftovers(self, storage):
        """Count temporary files."""
        return sum(1 for path in self.root(storage).rglob(f"{TEMPORARY}/*") if path.is_file())

    def root(self, storage):
        """Return the folder."""
        return storage.native


class TestLocalDriver(LocalFolder, BackendContract):
    @pytest.fixture
    def storage(self, tmp_path):
        """Local disk by the driver itself, and without its syncs."""
        return StorageBackend("docs", LocalDriver(tmp_path / "root", durable=False))


class TestFSSpecLocal(LocalFolder, BackendContract):
    @pytest.fixture
    def storage(self, tmp_path):
        """Local disk as fsspec names it."""
        return FSSpecBackend("docs", fs="file", prefix=str(tmp_path / "root"))


class TestObstoreLocal(LocalFolder, BackendContract):
    @pytest.fixture
    def storage(self, tmp_path):
        """Local disk as obstore names it."""
        return ObstoreBackend("docs", fs=f"file://{tmp_path}/root/")


class TestFSSpecLocalObject(LocalFolder, BackendContract):
    @pytest.fixture
    def storage(self, tmp_path):
        """Local disk through a file system of fsspec's own."""
        self.folder = tmp_path / "root"
        return FSSpecBackend("docs", fs=fsspec.filesystem("file", auto_mkdir=True), prefix=str(self.folder))

    def root(self, storage):
        """Return the folder."""
        return self.folder


class TestFSSpecMemory(BackendContract):
    @pytest.fixture
    def storage(self):
        """Memory, by name."""
        return FSSpecBackend("docs", fs="memory")


class TestFSSpecMemoryObject(BackendContract):
    @pytest.fixture
    def storage(self):
        """The memory that all of the process shares."""
        return FSSpecBackend("docs", fs=fsspec.filesystem("memory"), prefix=f"/{secrets.token_hex(8)}/docs")


class TestObstoreMemory(BackendContract):
    @pytest.fixture
    def storage(self):
        """Memory through obstore."""
        return ObstoreBackend("docs", fs="memory://")


class Bucket:
    """What storages on an S3 server have in common."""

    bucket = None

    def leftovers(self, storage):
        """Count the multipart uploads that are neither complete nor aborted."""
        return self.bucket.uploads()


class OnMinistack(Bucket):
    @pytest.fixture(scope="class")
    @classmethod
    def made(cls, ministack):
        """One bucket for all tests: the contract keeps them apart."""
        cls.bucket = ministack.make_bucket()
        return cls.bucket


class OnRclone(Bucket):
    lacks = frozenset({"atomic_create", "flat"})

    @pytest.fixture(scope="class")
    @classmethod
    def made(cls, rclone_s3):
        """One bucket for all tests: the contract keeps them apart."""
        cls.bucket = rclone_s3.make_bucket()
        return cls.bucket

    def leftovers(self, storage):
        """Count unfinished uploads, which rclone cannot list before it has seen one."""
        with suppress(ServerError):
            return super().leftovers(storage)
        return 0

    @pytest.mark.skip(reason="rclone answers 500 when the name of a folder is deleted")
    def test_a_folder_stays(self):
        """Left out."""


class ThroughS3FS(Bucket):
    @pytest.fixture(scope="class")
    @classmethod
    def storage(cls, made):
        """S3 through s3fs, by name."""
        options = made.s3fs
        # rclone gives the checksum of the whole with a part of it, and status 200.
        options["config_kwargs"]["response_checksum_validation"] = "when_required"
        options["username"], options["password"] = options.pop("key"), options.pop("secret")
        return FSSpecBackend("docs", fs=f"s3://{made.name}", prefix="some/folder", **options)


class ThroughS3FSObject(Bucket):
    @pytest.fixture(scope="class")
    @classmethod
    def storage(cls, made):
        """S3 through a file system that the user made, as the documents show it."""
        return FSSpecBackend("docs", fs=fsspec.filesystem("s3", **made.s3fs), prefix=made.name)


class ThroughObstore(Bucket):
    @pytest.fixture(scope="class")
    @classmethod
    def storage(cls, made):
        """S3 through obstore."""
        return ObstoreBackend(
            "docs",
            fs=f"s3://{made.name}/some/folder/",
            aws_access_key_id=made.server.access_key,
            aws_secret_access_key=made.server.secret_key,
            aws_region=made.server.region,
            aws_endpoint=made.server.endpoint,
            aws_allow_http=True,
        )


class TestS3FSOnMinistack(ThroughS3FS, OnMinistack, BackendContract):
    pass


class TestS3FSOnRclone(ThroughS3FS, OnRclone, BackendContract):
    pass


class TestS3FSObjectOnMinistack(ThroughS3FSObject, OnMinistack, BackendContract):
    pass


class TestObstoreOnMinistack(ThroughObstore, OnMinistack, BackendContract):
    pass


class TestObstoreOnRclone(ThroughObstore, OnRclone, BackendContract):
    pass


class TestAnyAsyncFileSystem(OnMinistack, Failing, Copying):
    """A part of the contract over the driver for async file systems that have none of their own."""

    @pytest.fixture(scope="class")
    @classmethod
    def storage(cls, made):
        """S3 as if it were nothing special."""
        return StorageBackend("docs", FSSpecDriver(fsspec.filesystem("s3", **made.s3fs), made.name))
