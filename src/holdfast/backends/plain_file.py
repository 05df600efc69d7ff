"""An object that is a plain file on this machine, opened."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING, Self

from holdfast.backends.log import logger
from holdfast.backends.observing import observers
from holdfast.drivers import threads

if TYPE_CHECKING:
    from types import TracebackType

    from holdfast.backends.observing import Observation
    from holdfast.backends.wrapping import Block, Wrapping
    from holdfast.drivers.optional import OpenedFile, PlainFiles


class PlainFile:
    """One read of an object, by whoever has this: a context manager, at whose end the file is closed.

    What fails inside is wrapped and observed like any other read of the storage.

    Args:
        storage: Key of the storage.
        key: The object.
        wrapping: That of the storage.

    Attributes:
        storage: As given.
        key: As given.
        descriptor: For the calls of `os`, and for sendfile(2).
        size: Bytes of the file.
        bytes_read: Counted by who reads.
    """

    __slots__ = ("_begun", "_wrapping", "bytes_read", "descriptor", "key", "size", "storage")

    def __init__(self, storage: str, key: str, wrapping: Wrapping) -> None:
        self.storage, self.key, self._wrapping = storage, key, wrapping
        self.descriptor, self.size, self.bytes_read = -1, 0, 0
        self._begun = self._begin() if is_watched() else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
        if self._begun is None and error is None:
            return
        block, seen = self._begun or self._begin()
        seen.bytes_read = self.bytes_read
        block.__exit__(kind, error, traceback)

    def _begin(self) -> tuple[Block, Observation]:
        block = self._wrapping("read", self.key, streamed=True)
        return block, block.__enter__()


def is_watched() -> bool:
    """Return whether anybody is told of reads that succeed: if not, a tenth of the time of a small one is saved."""
    return bool(observers.all()) or logger.isEnabledFor(logging.DEBUG)


async def open_in_thread(files: PlainFiles, key: str) -> OpenedFile:
    """Open a file where waiting for a disk holds nobody up; none stays open when the caller is cancelled."""
    future = threads.blocking.submit(files.open_file, key)
    try:
        return await threads.run_to_end(future)
    except asyncio.CancelledError:
        if not future.exception():
            os.close(future.result().descriptor)
        raise
