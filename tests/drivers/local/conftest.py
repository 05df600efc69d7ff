"""A local folder to store in, and one beside it."""

import pytest

from holdfast.backends.base import StorageBackend
from holdfast.drivers.local import LocalDriver


@pytest.fixture
def root(tmp_path):
    """A folder that does not exist yet."""
    return tmp_path / "deep" / "root"


@pytest.fixture
def storage(root):
    """A storage in that folder."""
    return StorageBackend("docs", LocalDriver(root))


@pytest.fixture
def outside(tmp_path):
    """A folder with a secret, beside the root."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_bytes(b"secret")
    return folder
