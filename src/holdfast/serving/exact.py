"""Exactly as many bytes as were announced: a stream that has others is an error, and never looks complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.drivers.closing import aclose, close
from holdfast.errors import ChecksumMismatchError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator

    from holdfast.file import FileObject


def exact(file: FileObject, chunks: Iterator[bytes], length: int) -> Generator[bytes]:
    """Yield what is read of a file; each chunk only after the next one, or the end, was seen.

    Args:
        file: What is read.
        chunks: Its bytes, or a part of them.
        length: How many they must be.

    Raises:
        ChecksumMismatchError: They are fewer, or more.
    """
    rest, held = length, b""
    try:
        for chunk in chunks:
            rest -= len(chunk)
            if rest < 0:
                break
            if chunk and held:
                yield held
            held = chunk or held
    finally:
        close(chunks)
    if rest:
        raise mismatch(file.backend.key, file.path)
    yield held


async def exact_async(file: FileObject, chunks: AsyncIterator[bytes], length: int) -> AsyncGenerator[bytes]:
    """Like `exact`."""
    rest, held = length, b""
    try:
        async for chunk in chunks:
            rest -= len(chunk)
            if rest < 0:
                break
            if chunk and held:
                yield held
            held = chunk or held
    finally:
        await aclose(chunks)
    if rest:
        raise mismatch(file.backend.key, file.path)
    yield held


def mismatch(storage: str, path: str | None) -> ChecksumMismatchError:
    """Return the error for an object that is not as long as its file says."""
    message = (
        f"read of {path!r} in storage {storage!r} failed: the object is longer or shorter than its record. "
        f"Restore it from a backup, or call refresh() on its file if it was replaced on purpose."
    )
    return ChecksumMismatchError(message, operation="read", storage=storage, path=path)
