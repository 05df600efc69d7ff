"""Tar archives, compressed or not."""

from __future__ import annotations

import lzma
import tarfile
import zlib
from typing import TYPE_CHECKING, Any

from holdfast import errors
from holdfast.drivers.fsspec.archives.driver import ArchiveDriver, Member

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

    from holdfast.errors import StorageError


class TarDriver(ArchiveDriver):
    """Files in a tar archive."""

    abilities = ArchiveDriver.abilities._replace(etag=False)

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Know the errors of damaged archives."""
        damaged = isinstance(error, (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError))
        return errors.StorageError if damaged else super().classify(error)

    def _members(self, fs: Any) -> Iterable[Member]:
        return (
            Member(info.name.removeprefix("./"), info, info.size, float(info.mtime), None)
            for info in fs.tar.getmembers()
            if info.isreg()
        )

    def _open(self, member: Member) -> BinaryIO:
        file: BinaryIO = self._locked(self.native.tar.extractfile, member.handle)
        return file
