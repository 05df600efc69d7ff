"""Files of zip archives whose compression `zipfile` undoes a block at a time, however much comes out of a block."""

from __future__ import annotations

import bz2
import copy
import io
import lzma
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

_BLOCK = 64 * 1024
_LARGEST_DICTIONARY = 128 * 1024 * 1024  # bytes, all of which are taken at once; xz -9 has half as much
_PROPERTIES = 5


class Unpacked(io.RawIOBase):
    """A file in an archive, unpacked as far as it is read.

    Args:
        archive: The archive.
        info: The file.

    Raises:
        zipfile.BadZipFile: While it is read: the bytes are not those of its checksum, or too few.
    """

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        packed = copy.copy(info)  # the same file, as it lies there
        packed.compress_type, packed.file_size = zipfile.ZIP_STORED, info.compress_size
        del packed.CRC
        self._info, self._rest, self._checksum = info, info.file_size, 0
        self._packed: BinaryIO = archive.open(packed)  # type: ignore[assignment]  # its own kind of file
        self._decompressor: bz2.BZ2Decompressor | lzma.LZMADecompressor = (
            _lzma(self._packed) if info.compress_type == zipfile.ZIP_LZMA else bz2.BZ2Decompressor()
        )

    def read(self, size: int = -1, /) -> bytes:
        """Unpack some bytes: as many as are asked for, unless the file ends before."""
        wanted = self._rest if size < 0 else min(size, self._rest)
        pieces = []
        while wanted and (piece := self._next(min(wanted, _BLOCK))):
            pieces.append(piece)
            wanted -= len(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Close it."""
        self._packed.close()
        super().close()

    def _next(self, size: int) -> bytes:
        piece = b""
        while not piece and not self._decompressor.eof:
            data = self._packed.read(_BLOCK) if self._decompressor.needs_input else b""
            if self._decompressor.needs_input and not data:
                break
            try:
                piece = self._decompressor.decompress(data, size)
            except (OSError, lzma.LZMAError) as error:
                message = f"{self._info.filename!r} is damaged: {error}"
                raise zipfile.BadZipFile(message) from error
        self._rest -= len(piece)
        self._checksum = zlib.crc32(piece, self._checksum)
        if not self._rest and self._checksum != self._info.CRC:
            message = f"Bad CRC-32 for file {self._info.filename!r}"
            raise zipfile.BadZipFile(message)
        return piece


def _lzma(packed: BinaryIO) -> lzma.LZMADecompressor:
    """Read the properties that stand before the data (PKWARE's APPNOTE §5.8.8), and of which `lzma` wants each."""
    head = packed.read(4 + _PROPERTIES)
    if len(head) != 4 + _PROPERTIES or struct.unpack_from("<H", head, 2) != (_PROPERTIES,):
        message = "the properties of LZMA are not what they should be"
        raise zipfile.BadZipFile(message)
    mode, dictionary = struct.unpack_from("<BL", head, 4)
    if dictionary > _LARGEST_DICTIONARY:
        message = f"unpacking it takes {dictionary} bytes of memory"
        raise zipfile.BadZipFile(message)
    rest, lc = divmod(mode, 9)
    pb, lp = divmod(rest, 5)
    options = {"id": lzma.FILTER_LZMA1, "dict_size": dictionary, "lc": lc, "lp": lp, "pb": pb}
    try:
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[options])
    except (lzma.LZMAError, ValueError) as error:
        message = f"the properties of LZMA are not what they should be: {error}"
        raise zipfile.BadZipFile(message) from error
