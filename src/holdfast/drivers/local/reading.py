"""Reading a file in chunks, by a thread that may wait for a disk or by an event loop that may not."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Self

from holdfast.drivers.resident import resident_chunk

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.drivers.optional import OpenedFile


class FileChunks:
    """The bytes of a file, which is opened for the first chunk and closed after the last.

    Args:
        open_file: Opens the file.
        start: First byte.
        end: The one after the last; None for all that there are.
        chunk_size: Bytes of a chunk; None for one chunk.
    """

    def __init__(
        self, open_file: Callable[[], OpenedFile], start: int, end: int | None, chunk_size: int | None
    ) -> None:
        self._open_file: Callable[[], OpenedFile] | None = open_file
        self._position, self._end = start, end
        self._step = sys.maxsize if chunk_size is None else chunk_size
        self._descriptor, self._rest = -1, 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        """Read a chunk, from the disk if need be."""
        if self._open_file is not None:
            self._descriptor, size = self._open_file()
            self._open_file = None
            self._rest = max(0, (size if self._end is None else min(size, self._end)) - self._position)
        wanted = min(self._step, self._rest)
        if not wanted or not (chunk := os.pread(self._descriptor, wanted, self._position)):
            self.close()
            raise StopIteration
        return self._passed(chunk)

    def at_once(self) -> bytes | None:
        """Read a chunk that the kernel has in memory; None where `next` has to wait, to open the file, or to end."""
        wanted = min(self._step, self._rest)
        chunk = resident_chunk(self._descriptor, self._position, wanted) if wanted else None
        return None if chunk is None else self._passed(chunk)

    def _passed(self, chunk: bytes) -> bytes:
        self._position += len(chunk)
        self._rest -= len(chunk)
        return chunk

    def close(self) -> None:
        """Close the file; there are no more chunks."""
        descriptor, self._descriptor = self._descriptor, -1
        self._open_file, self._rest = None, 0
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        self.close()
