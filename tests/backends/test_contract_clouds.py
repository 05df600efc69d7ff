"""The contract over GCS and Azure through fsspec."""

import fsspec
import pytest

from holdfast.backends.fsspec import FSSpecBackend
from holdfast.testing import BackendContract


class TestGCSFS(BackendContract):
    lacks = frozenset({"atomic_create"})

    @pytest.fixture(scope="class")
    @classmethod
    def storage(cls, gcs_emulator):
        """GCS by URL, in a folder."""
        made = gcs_emulator.make_bucket()
        return FSSpecBackend("docs", fs=f"gs://{made.name}/some/folder", **made.gcsfs)


class TestAdlFS(BackendContract):
    @pytest.fixture(scope="class")
    @classmethod
    def storage(cls, azurite):
        """Azure through a file system that the user made, as the documents show it."""
        made = azurite.make_container()
        fs = fsspec.filesystem("abfs", connection_string=azurite.connection_string)
        return FSSpecBackend("docs", fs=fs, prefix=made.name)
