"""Zip archives."""

from __future__ import annotations

import stat
import zipfile
import zlib
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from holdfast import errors
from holdfast.drivers.fsspec.archives.driver import ArchiveDriver, Member
from holdfast.drivers.fsspec.archives.unpacking import Unpacked
from holdfast.drivers.protocol import MIB

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

    from holdfast.errors import StorageError

_BOUNDED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_UNBOUNDED = {zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}  # zipfile unpacks as much as comes out of a block
_ENCRYPTED = 1  # a flag, PKWARE's APPNOTE §4.4.4


class ZipDriver(ArchiveDriver):
    """Files in a zip archive."""

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Know the errors of damaged archives."""
        damaged = isinstance(error, (zipfile.BadZipFile, zlib.error, EOFError))
        return errors.StorageError if damaged else super().classify(error)

    def _members(self, fs: Any) -> Iterable[Member]:
        return map(_member, filter(_is_file, fs.zip.infolist()))

    def _open(self, member: Member) -> BinaryIO:
        if member.handle.flag_bits & _ENCRYPTED:
            message = "it is encrypted in the archive"
            raise PermissionError(message)
        kind = member.handle.compress_type
        if kind not in _BOUNDED | _UNBOUNDED:
            message = f"it is compressed in a way that is not known here ({kind})"
            raise NotImplementedError(message)
        opener = self.native.zip.open if kind in _BOUNDED else partial(Unpacked, self.native.zip)
        file: BinaryIO = self._locked(opener, member.handle)
        return file

    def _skip(self, file: BinaryIO, size: int) -> None:
        if getattr(file, "_compress_type", None) == zipfile.ZIP_STORED:
            file.seek(size)
            return
        # Their `seek` does the same, and goes on after the end if a wrong size is told.
        while size and (skipped := len(file.read(min(size, MIB)))):
            size -= skipped


def _is_file(info: zipfile.ZipInfo) -> bool:
    kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where it was made on another system
    return not info.is_dir() and kind in {0, stat.S_IFREG}


def _member(info: zipfile.ZipInfo) -> Member:
    modified = None
    with suppress(ValueError, OverflowError):
        modified = datetime(*info.date_time).astimezone().timestamp()
    # `orig_filename`: zipfile makes other separators into slashes, so that a name with one would climb here.
    return Member(info.orig_filename, info, info.file_size, modified, f"{info.CRC:08x}-{info.file_size}")
