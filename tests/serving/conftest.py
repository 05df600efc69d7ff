"""Storages that files are served from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast import FileObject, StorageBackend, storages
from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers.local import LocalDriver


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    """Leave the registry as it was found."""
    before = dict(storages._backends)
    yield
    storages.clear()
    storages._backends.update(before)


@pytest.fixture(params=["memory", "local", pytest.param("s3", marks=pytest.mark.s3)])
def each_storage(request: pytest.FixtureRequest, tmp_path: Path) -> StorageBackend:
    """Return a registered storage named served, of each kind in turn."""
    if request.param == "memory":
        return storages.register_backend("memory://", key="served")
    if request.param == "local":
        return storages.register_backend(f"file://{tmp_path}/served/", key="served", durable=False)
    bucket = request.getfixturevalue("s3_bucket")
    return storages.register_backend(ObstoreBackend("served", bucket.url, **bucket.options))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the folder of `local`."""
    return tmp_path / "served"


@pytest.fixture
def local(root: Path) -> StorageBackend:
    """Return a registered storage named served, on the local disk."""
    return storages.register_backend(StorageBackend("served", LocalDriver(root, durable=False)))


def saved(content: bytes, filename: str = "photo 1.png") -> FileObject:
    """Return a file of the storage named served."""
    return FileObject(backend="served", filename=filename, content=content).save()
