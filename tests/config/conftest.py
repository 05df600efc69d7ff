"""Configurations in files, and an environment without storages."""

import os
import re

import pytest

from holdfast.registry import StorageRegistry

OURS = re.compile(r"STORAGE|BUCKET|^AWS_|^S3_|^MINIO_|^AZURE_|^GOOGLE_|^GCS_|^UPLOAD_DIR$")


@pytest.fixture(autouse=True)
def _no_storages(monkeypatch):
    """Take the variables that describe storages out of the environment."""
    for name in [name for name in os.environ if OURS.search(name)]:
        monkeypatch.delenv(name)


@pytest.fixture
def registry():
    """A registry of its own."""
    return StorageRegistry()


@pytest.fixture
def write(tmp_path):
    """Write a file and return its path."""

    def write(name, text):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write
