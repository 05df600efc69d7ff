"""Files on GitHub, which are read: fsspec's file system has no commits."""

from __future__ import annotations

from holdfast.drivers.abilities import FILES
from holdfast.drivers.fsspec.generic import FSSpecDriver
from holdfast.drivers.fsspec.read_only import ReadOnly


class GitHubDriver(ReadOnly, FSSpecDriver):
    """Files of a repository."""

    abilities = FILES._replace(writable=False, etag=False, last_modified=False, atomic_create=False)
    refusal = "files on GitHub are read-only here"
