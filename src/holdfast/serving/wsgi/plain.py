"""Sending files of the local disk by WSGI servers: by themselves if they can, else block by block."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

from holdfast.serving.exact import mismatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.backends.plain_file import PlainFile

BLOCK_SIZE = 256 * 1024
"""Bytes that are read at once."""


class OpenedFile(io.FileIO):
    """A file for ``wsgi.file_wrapper``: one with a descriptor, so that a server can use sendfile(2).

    Args:
        plain: The file; closing this one closes it.
    """

    def __init__(self, plain: PlainFile) -> None:
        super().__init__(plain.descriptor, closefd=False)
        self._plain: PlainFile | None = plain

    def close(self) -> None:
        """Close the file, once."""
        super().close()
        plain, self._plain = self._plain, None
        if plain is not None:
            plain.bytes_read = plain.size  # it is not told how far the server came
            plain.__exit__(None, None, None)


def blocks(plain: PlainFile, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes from `start` to `end`, and close the file.

    Raises:
        ChecksumMismatchError: The file has become shorter.
    """
    with plain:
        while start < end:
            block = os.pread(plain.descriptor, min(BLOCK_SIZE, end - start), start)
            if not block:
                raise mismatch(plain.storage, plain.key)
            plain.bytes_read += len(block)
            start += len(block)
            yield block
