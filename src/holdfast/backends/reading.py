"""Reading objects: whole, in part, streamed; describing, listing and verifying them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from holdfast.backends.core import StorageCore
from holdfast.backends.option_values import count
from holdfast.backends.plain_file import PlainFile, is_watched, open_in_thread
from holdfast.backends.reader import open_object
from holdfast.checksums import algorithm_of, hash_factory
from holdfast.drivers.body import Body
from holdfast.drivers.closing import aclose, close
from holdfast.drivers.freshness import uncached
from holdfast.drivers.optional import PlainFiles
from holdfast.errors import BucketNotFoundError, ChecksumMismatchError, NotFoundError
from holdfast.keys import validate_key
from holdfast.sources import CHUNK_SIZE, AsyncIterableSource, IterableSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import BinaryIO

    from holdfast.objects import ObjectInfo
    from holdfast.sources import Source


class Reading(StorageCore):
    """The reading half of a `StorageBackend`."""

    def read(self, key: str, *, start: int = 0, end: int | None = None) -> bytes:
        """Return an object's bytes, or those from `start` (inclusive) to `end` (exclusive), like a slice.

        Raises:
            NotFoundError: There is no such object.
        """
        validate_key(key)
        with self._wrapping("read", key) as seen:
            start, end = self._span(key, start, end)
            data = b"" if end == start else b"".join(self._driver.read(key, start, end, None))
            seen.bytes_read = len(data)
            return data

    async def read_async(self, key: str, *, start: int = 0, end: int | None = None) -> bytes:
        """Like `read`."""
        validate_key(key)
        with self._wrapping("read", key) as seen:
            start, end = await self._span_async(key, start, end)
            if end == start:
                return b""
            data = b"".join([chunk async for chunk in self._driver.read_async(key, start, end, None)])
            seen.bytes_read = len(data)
            return data

    def stream(
        self, key: str, *, start: int = 0, end: int | None = None, chunk_size: int = CHUNK_SIZE
    ) -> Iterator[bytes]:
        """Yield an object's bytes in chunks of about `chunk_size`, in bounded memory."""
        validate_key(key)
        count("chunk_size", chunk_size)
        with self._wrapping("read", key, streamed=True) as seen:
            start, end = self._span(key, start, end)
            if end != start:
                chunks = self._driver.read(key, start, end, chunk_size)
                try:
                    for chunk in chunks:
                        seen.bytes_read += len(chunk)
                        yield chunk
                finally:
                    close(chunks)

    async def stream_async(
        self, key: str, *, start: int = 0, end: int | None = None, chunk_size: int = CHUNK_SIZE
    ) -> AsyncIterator[bytes]:
        """Like `stream`."""
        validate_key(key)
        count("chunk_size", chunk_size)
        with self._wrapping("read", key, streamed=True) as seen:
            start, end = await self._span_async(key, start, end)
            if end != start:
                chunks = self._driver.read_async(key, start, end, chunk_size)
                try:
                    async for chunk in chunks:
                        seen.bytes_read += len(chunk)
                        yield chunk
                finally:  # whoever stops early does not leave a connection to the garbage collector
                    await aclose(chunks)

    def open(self, key: str) -> BinaryIO:
        """Return a seekable, read-only binary file over an object, for libraries that want one.

        Sync by nature, so without a twin; in async code use it in a thread.
        """
        return open_object(self, self.stat(validate_key(key)))

    def open_plain(self, key: str) -> PlainFile | None:
        """Return the file that an object is on this machine, opened; None if the storage has no such files.

        Raises:
            NotFoundError: There is no such object.
        """
        validate_key(key)
        if self._plain_files is None:
            return None
        file = PlainFile(self.key, key, self._wrapping)
        try:
            file.descriptor, file.size = self._plain_files.open_file(key)
        except BaseException as error:
            file.__exit__(type(error), error, error.__traceback__)
            raise
        return file

    async def open_plain_async(self, key: str) -> PlainFile | None:
        """Like `open_plain`; in a thread only if the kernel has to wait for a disk."""
        validate_key(key)
        if self._plain_files is None:
            return None
        file = PlainFile(self.key, key, self._wrapping)
        try:
            opened = self._plain_files.open_cached(key) or await open_in_thread(self._plain_files, key)
            file.descriptor, file.size = opened
        except BaseException as error:
            file.__exit__(type(error), error, error.__traceback__)
            raise
        return file

    def read_cached(self, key: str, start: int, end: int, size: int) -> bytes | None:
        """Return a part of an object that is a file on this machine, in one go and without ever waiting for a disk.

        Args:
            key: The object.
            start: First byte.
            end: The one after the last.
            size: What the object must have.

        Returns:
            The bytes. None in all other cases, also where somebody observes the storage or something is wrong: then
            `open_plain_async` does it and tells.
        """
        files = self._plain_files
        return None if files is None or is_watched() else files.read_cached(validate_key(key), start, end, size)

    def plain_path(self, key: str) -> str | None:
        """Return where an object lies below the storage's folder on this machine; None if it has no such folder."""
        validate_key(key)
        return None if self._plain_files is None else self._plain_files.relative_path(key)

    @cached_property
    def _plain_files(self) -> PlainFiles | None:
        return self._plain if isinstance(self._plain, PlainFiles) else None

    def stat(self, key: str) -> ObjectInfo:
        """Describe an object.

        Raises:
            NotFoundError: There is no such object.
        """
        validate_key(key)
        with self._wrapping("stat", key):
            return self._driver.stat(key)

    async def stat_async(self, key: str) -> ObjectInfo:
        """Like `stat`."""
        validate_key(key)
        with self._wrapping("stat", key):
            return await self._driver.stat_async(key)

    def exists(self, key: str) -> bool:
        """Return whether there is an object under a key."""
        validate_key(key)
        try:
            with self._wrapping("stat", key, expected=(NotFoundError,)):
                self._driver.stat(key)
        except BucketNotFoundError:  # the storage is not there, whatever it holds
            raise
        except NotFoundError:
            return False
        return True

    async def exists_async(self, key: str) -> bool:
        """Like `exists`."""
        validate_key(key)
        try:
            with self._wrapping("stat", key, expected=(NotFoundError,)):
                await self._driver.stat_async(key)
        except BucketNotFoundError:  # the storage is not there, whatever it holds
            raise
        except NotFoundError:
            return False
        return True

    def list(self, prefix: str = "", *, after: str | None = None) -> Iterator[ObjectInfo]:
        """Yield the objects in a folder and below, in the order of their keys, in bounded memory.

        Args:
            prefix: Folder, a whole one: ``"a"`` finds ``a/b`` and never ``ab``. All objects if left out.
            after: Resume after this key.
        """
        folder = _folder(prefix)
        with self._wrapping("list", prefix or None, streamed=True) as seen:
            for info in self._driver.list(folder, after):
                seen.objects += 1
                yield info

    async def list_async(self, prefix: str = "", *, after: str | None = None) -> AsyncIterator[ObjectInfo]:
        """Like `list`."""
        folder = _folder(prefix)
        with self._wrapping("list", prefix or None, streamed=True) as seen:
            async for info in self._driver.list_async(folder, after):
                seen.objects += 1
                yield info

    def verify(self, key: str, checksum: str) -> None:
        """Read an object, from the service itself and never from a cache, and compare its checksum.

        Raises:
            ChecksumMismatchError: The bytes are not the ones that had this checksum.
        """
        body = _body_for(checksum, IterableSource(self.stream(key)))
        with uncached():
            for _ in body.blocks(CHUNK_SIZE):
                pass
        self._compare(key, checksum, body)

    async def verify_async(self, key: str, checksum: str) -> None:
        """Like `verify`."""
        body = _body_for(checksum, AsyncIterableSource(self.stream_async(key)))
        with uncached():
            async for _ in body.blocks_async(CHUNK_SIZE):
                pass
        self._compare(key, checksum, body)

    def _compare(self, key: str, checksum: str, body: Body) -> None:
        if body.checksum != checksum:
            message = f"the bytes of {key!r} in storage {self.key!r} have {body.checksum}, expected {checksum}"
            raise ChecksumMismatchError(message, operation="verify", storage=self.key, path=key)

    def _span(self, key: str, start: int, end: int | None) -> tuple[int, int | None]:
        """Resolve a slice; only one that counts from the end has to know the size, or one that reads nothing."""
        if _needs_size(start, end):
            return _resolved(slice(start, end), self._driver.stat(key).size)
        return start, end

    async def _span_async(self, key: str, start: int, end: int | None) -> tuple[int, int | None]:
        if _needs_size(start, end):
            return _resolved(slice(start, end), (await self._driver.stat_async(key)).size)
        return start, end


def _body_for(checksum: str, source: Source) -> Body:
    algorithm = algorithm_of(checksum)
    return Body(source, algorithm, hash_factory(algorithm))


def _needs_size(start: int, end: int | None) -> bool:
    return start < 0 or (end is not None and end <= start)


def _resolved(wanted: slice, size: int) -> tuple[int, int]:
    start, end, _ = wanted.indices(size)
    return start, max(start, end)


def _folder(prefix: str) -> str:
    folder = prefix.removesuffix("/")
    return validate_key(folder) if folder else ""
