"""Content to store: many kinds of input become one stream of bytes.

Bytes, a path, a binary file, an iterator, an async iterator and the upload objects of web frameworks are all
turned into a `Source` by `holdfast.contents.to_source`. A source knows whether it can be read again; one that cannot
raises on the second reading, so that a retry never stores an empty file.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import AsyncIterable, Iterable, Sequence
from contextlib import aclosing, suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

from holdfast.errors import SourceTypeError, SpentSourceError
from holdfast.peeking import Beginning, chained, read_up_to

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
    from pathlib import Path

READ_SIZE = 256 * 1024  # fits into the cache of a core: read and hashed by 8 MiB, a file takes half as long again
CHUNK_SIZE = 1024 * 1024
"""Default size of the chunks of a streamed read, in bytes."""


class Source:
    """One content, read as a stream.

    Attributes:
        size: Length in bytes where it is known before reading, else None.
        replayable: Whether it can be read more than once.
        filename: Name that the content brings along, if any.
        content_type: Media type that the content brings along, if any.
    """

    is_async: ClassVar[bool] = False
    size: int | None = None
    replayable: bool = True
    filename: str | None = None
    content_type: str | None = None
    _read = False
    _begun: Any = None  # the one reading of what can be read once, if somebody has peeked

    @property
    def spent(self) -> bool:
        """Whether it was read and cannot be read again."""
        return self._read and not self.replayable

    def chunks(self) -> Iterator[memoryview]:
        """Yield the bytes from the beginning, in chunks of any size.

        Raises:
            SpentSourceError: It was read before and cannot be rewound.
            SourceTypeError: It can only be read asynchronously, or yields something else than bytes.
        """
        chunks = self._open() if self._begun is None else self._begun
        self._claim()
        return map(_as_bytes, chunks)

    async def chunks_async(self) -> AsyncIterator[memoryview]:
        """Yield the bytes of a source that has to be awaited; only where `is_async` is true."""
        self._claim()
        async with aclosing(self._open_async() if self._begun is None else self._begun) as chunks:
            async for chunk in chunks:
                yield _as_bytes(chunk)

    def peek(self, size: int) -> bytes:
        """Return the first bytes, which the next reading yields again.

        Raises:
            SpentSourceError, SourceTypeError: As `chunks`.
        """
        chunks = self._open() if self._begun is None else self._begun
        self._refuse_spent()
        taken = Beginning(size)
        try:
            for chunk in chunks:
                taken.add(_as_bytes(chunk))
                if taken.is_whole:
                    break
        except BaseException:
            self._read = True  # what was taken is lost
            raise
        if not self.replayable:
            self._begun = chain(taken.chunks, chunks)
        return bytes(taken.head)

    async def peek_async(self, size: int) -> bytes:
        """Like `peek`, of a source that has to be awaited."""
        chunks = self._open_async() if self._begun is None else self._begun
        self._refuse_spent()
        taken = Beginning(size)
        try:
            async for chunk in chunks:
                taken.add(_as_bytes(chunk))
                if taken.is_whole:
                    break
        except BaseException:
            self._read = True
            raise
        self._begun = chained(taken.chunks, chunks)
        return bytes(taken.head)

    def _open(self) -> Iterator[Any]:
        message = "this content can only be read asynchronously: use the `_async` twin of the call, or an AsyncSession"
        raise SourceTypeError(message)

    def _open_async(self) -> AsyncGenerator[Any, None]:
        raise NotImplementedError

    def _claim(self) -> None:
        self._refuse_spent()
        self._read = True

    def _refuse_spent(self) -> None:
        if self.spent:
            message = "the content was read before and cannot be rewound; hand over fresh content to store it"
            raise SpentSourceError(message)


class BytesSource(Source):
    """Bytes in memory."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.size = data.nbytes

    def chunks(self) -> Iterator[memoryview]:
        """Yield all of them."""
        return iter([self.data])

    def peek(self, size: int) -> bytes:
        """Return the first of them."""
        return bytes(self.data[:size])


class PathSource(Source):
    """A file on disk, opened when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.filename = path.name
        with suppress(OSError):  # a missing file is reported when it is read
            self.size = path.stat().st_size

    def peek(self, size: int) -> bytes:
        """Return the first bytes; the file is closed again."""
        with self.path.open("rb", buffering=0) as file:
            return read_up_to(file, size)

    def _open(self) -> Iterator[Any]:
        with self.path.open("rb", buffering=0) as file:
            while chunk := file.read(READ_SIZE):
                yield chunk


class FileSource(Source):
    """A binary file object, read whole: from its beginning if it can seek, else from where it stands."""

    def __init__(self, file: Any, *, filename: str | None = None, content_type: str | None = None) -> None:
        self.file = file
        self.filename, self.content_type = filename, content_type
        self.replayable = _seekable(file)
        self.size = _size(file) if self.replayable else None

    def peek(self, size: int) -> bytes:
        """Return the first bytes, without reading further than needed where it can seek."""
        if not self.replayable:
            return super().peek(size)
        self._rewind()
        return read_up_to(self.file, size)

    def _open(self) -> Iterator[Any]:
        self._rewind()
        while chunk := self.file.read(READ_SIZE):
            yield chunk

    def _rewind(self) -> None:
        if getattr(self.file, "closed", False):
            message = "the file that holds the content is closed; hand it over open, or as a Path"
            raise SpentSourceError(message)
        if self.replayable:
            self.file.seek(0)


class IterableSource(Source):
    """Chunks from an iterable. Only a sequence is sure to yield the same again."""

    def __init__(self, chunks: Iterable[Any]) -> None:
        self.iterable = chunks
        self.replayable = isinstance(chunks, Sequence)

    def _open(self) -> Iterator[Any]:
        return iter(self.iterable)


class AsyncIterableSource(Source):
    """Chunks from an async iterable, read once."""

    is_async = True
    replayable = False

    def __init__(self, chunks: AsyncIterable[Any]) -> None:
        self.iterable = chunks

    async def _open_async(self) -> AsyncGenerator[Any, None]:
        async for chunk in self.iterable:
            yield chunk


class AsyncFileSource(Source):
    """A file object whose ``read`` is awaited, read once from where it stands."""

    is_async = True
    replayable = False

    def __init__(self, file: Any) -> None:
        self.file = file

    async def _open_async(self) -> AsyncGenerator[Any, None]:
        while chunk := await self.file.read(READ_SIZE):
            yield chunk


def _seekable(file: Any) -> bool:
    predicate: Callable[[], bool] | None = getattr(file, "seekable", None)
    if predicate is None:
        return hasattr(file, "seek")
    return not getattr(file, "closed", False) and predicate()


def _size(file: Any) -> int | None:
    """Return a file's length where that costs nothing; a compressed file would have to be unpacked to tell."""
    if isinstance(file, (io.BytesIO, tempfile.SpooledTemporaryFile)):
        position = file.tell()
        size = file.seek(0, io.SEEK_END)
        file.seek(position)
        return size
    # A buffer may be over something else than a file of the system, such as an object or a compressed file.
    raw = file.raw if isinstance(file, (io.BufferedReader, io.BufferedRandom)) else file
    return os.fstat(raw.fileno()).st_size if isinstance(raw, io.FileIO) else None


def _as_bytes(chunk: Any) -> memoryview:
    if isinstance(chunk, str):
        message = "the content yields str: open files in binary mode ('rb') and encode text before storing it"
        raise SourceTypeError(message)
    try:
        view = memoryview(chunk).cast("B")
        # A source may fill one buffer again and again, while a chunk is still being hashed and sent.
        return view if isinstance(view.obj, bytes) else memoryview(bytes(view))
    except TypeError:
        message = f"the content yields {type(chunk).__name__} where bytes are needed"
        raise SourceTypeError(message) from None
