"""A seekable file object over a stored object."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO, cast

from holdfast.drivers.protocol import MIB

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from holdfast.backends.reading import Reading
    from holdfast.objects import ObjectInfo


class ObjectReader(io.RawIOBase):
    """Reads ranges of an object as they are asked for.

    Args:
        storage: Storage of the object.
        info: The object; its size bounds what is read.
    """

    def __init__(self, storage: Reading, info: ObjectInfo) -> None:
        self._storage, self._info = storage, info
        self._position = 0
        self.name = info.key

    @property
    def where(self) -> tuple[str, str]:
        """Where the object lies: key of the storage, key in it."""
        return self._storage.key, self._info.key

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move, without a request."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._info.size}[whence]
        if base + offset < 0:
            message = f"cannot seek to {base + offset}"
            raise ValueError(message)
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Buffer, /) -> int:
        """Fill a buffer with one ranged read."""
        view = memoryview(buffer).cast("B")
        end = min(self._position + view.nbytes, self._info.size)
        if self._position >= end:
            return 0
        data = self._storage.read(self._info.key, start=self._position, end=end)
        view[: len(data)] = data
        self._position += len(data)
        return len(data)


def open_object(storage: Reading, info: ObjectInfo) -> BinaryIO:
    """Return a buffered reader over an object."""
    return cast("BinaryIO", io.BufferedReader(ObjectReader(storage, info), buffer_size=MIB))


def opened_from(file: object) -> tuple[str, str] | None:
    """Return where the object lies that `open_object` made a reader of; None for any other file."""
    raw = getattr(file, "raw", None)
    return raw.where if isinstance(raw, ObjectReader) else None
