"""Reads that are kept on a local disk, and never served when the object has changed.

Before each read the storage is asked for the object's present state: its version, entity tag, size and time. Only a
copy of that very state is served. So a cache saves the transfer, not the question.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, TypeVar

from holdfast.drivers import threads
from holdfast.drivers.closing import aclose, close
from holdfast.drivers.freshness import is_uncached
from holdfast.drivers.protocol import MIB
from holdfast.drivers.wrappers.wrapper import Wrapper
from holdfast.object_settings import NO_SETTINGS, ObjectSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from holdfast.drivers.body import Body
    from holdfast.drivers.protocol import Driver, Put, PutOptions
    from holdfast.drivers.wrappers.cache.folder import CacheFolder
    from holdfast.drivers.wrappers.cache.incoming import Incoming
    from holdfast.objects import ObjectInfo

logger = logging.getLogger("holdfast")

T = TypeVar("T")

_STEP = MIB
_AT_ONCE = 8 * MIB  # objects up to this size are fetched whole when a part is wanted
_TAGGED, _UNTAGGED = 2.0, 120.0


class CachedDriver(Wrapper):
    """Keeps what is read.

    Args:
        driver: The driver that does the work.
        folder: Where it is kept.
        max_object_bytes: Larger objects are passed through.
        clock: Returns the time in seconds since the epoch.
    """

    def __init__(
        self, driver: Driver, folder: CacheFolder, max_object_bytes: int, *, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(driver)
        self._folder, self._max_object_bytes, self._clock = folder, max_object_bytes, clock
        self._works = True

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Read from the disk what is there, else from the storage."""
        if is_uncached():
            yield from self.driver.read(key, start, end, chunk_size)
            return
        info = self.driver.stat(key)
        file = self._tried(self._folder.open, info)
        if file is not None:
            with file:
                yield from _parts(file, start, _last(info, end), chunk_size)
        elif not self._is_kept(info, start, end):
            yield from self.driver.read(key, start, end, chunk_size)
        elif _is_whole(info, start, end):
            yield from self._kept(info, self.driver.read(key, 0, end, chunk_size))
        else:
            # By what was asked for, not by a size that may have changed since.
            data = b"".join(self._kept(info, self.driver.read(key, 0, None, _STEP)))[start:end]
            yield from _cut(data, chunk_size)

    async def read_async(self, key: str, start: int, end: int | None, chunk_size: int | None) -> AsyncIterator[bytes]:
        """Like `read`."""
        if is_uncached():
            async for chunk in self.driver.read_async(key, start, end, chunk_size):
                yield chunk
            return
        info = await self.driver.stat_async(key)
        file = await threads.run(self._tried, self._folder.open, info)
        if file is not None:
            with file:
                parts = _parts(file, start, _last(info, end), chunk_size)
                while (part := await threads.run_to_end(threads.blocking.submit(next, parts, None))) is not None:
                    yield part
        elif not self._is_kept(info, start, end):
            async for chunk in self.driver.read_async(key, start, end, chunk_size):
                yield chunk
        elif _is_whole(info, start, end):
            async for chunk in self._kept_async(info, self.driver.read_async(key, 0, end, chunk_size)):
                yield chunk
        else:
            whole = [chunk async for chunk in self._kept_async(info, self.driver.read_async(key, 0, None, _STEP))]
            for part in _cut(b"".join(whole)[start:end], chunk_size):
                yield part

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write to the storage, and forget what was there."""
        try:
            return self.driver.put(key, body, options)
        finally:
            self._tried(self._folder.forget, key)

    async def put_async(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Like `put`."""
        try:
            return await self.driver.put_async(key, body, options)
        finally:
            await threads.run(self._tried, self._folder.forget, key)

    def delete(self, keys: Sequence[str]) -> None:
        """Delete in the storage, and here."""
        try:
            self.driver.delete(keys)
        finally:
            self._forget(keys)

    async def delete_async(self, keys: Sequence[str]) -> None:
        """Like `delete`."""
        try:
            await self.driver.delete_async(keys)
        finally:
            await threads.run(self._forget, keys)

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Copy in the storage, and forget what was there."""
        try:
            self.driver.copy(source, target, settings)
        finally:
            self._tried(self._folder.forget, target)

    async def copy_async(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Like `copy`."""
        try:
            await self.driver.copy_async(source, target, settings)
        finally:
            await threads.run(self._tried, self._folder.forget, target)

    def _put_many(self, puts: Sequence[Put]) -> list[ObjectInfo | Exception]:
        try:
            return super()._put_many(puts)
        finally:
            self._forget([put.key for put in puts])

    # --- keeping

    def _is_kept(self, info: ObjectInfo, start: int, end: int | None) -> bool:
        """Return whether an object is to be kept on its way."""
        if not 0 < info.size <= (self._max_object_bytes if _is_whole(info, start, end) else _AT_ONCE):
            return False
        if info.size > self._max_object_bytes:
            return False
        if info.last_modified is None:  # a tag alone comes back with the bytes that it stands for
            return False
        # What was written a moment ago may be written again within one tick of the service's clock, and look the same.
        # After that any write has a later time: what is read now, if not of this state, is kept under a name that is
        # never asked for again.
        tagged = info.etag is not None or info.version_id is not None
        return info.last_modified < self._clock() - (_TAGGED if tagged else _UNTAGGED)

    def _kept(self, info: ObjectInfo, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield a whole object, and keep it."""
        incoming = self._tried(self._folder.begin, info)
        try:
            for chunk in chunks:
                if incoming is not None and not self._wrote(incoming, chunk):
                    incoming = None
                yield chunk
            if incoming is not None and incoming.is_whole():
                whole, incoming = incoming, None
                self._tried(self._folder.publish, whole)
        finally:
            if incoming is not None:
                self._tried(self._folder.give_up, incoming)
            close(chunks)

    async def _kept_async(self, info: ObjectInfo, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        incoming = await threads.run(self._tried, self._folder.begin, info)
        try:
            async for chunk in chunks:
                if incoming is not None and not await threads.run_to_end(
                    threads.blocking.submit(self._wrote, incoming, chunk)
                ):
                    incoming = None
                yield chunk
            if incoming is not None and incoming.is_whole():
                whole, incoming = incoming, None
                await threads.run_to_end(threads.blocking.submit(self._tried, self._folder.publish, whole))
        finally:
            if incoming is not None:
                self._tried(self._folder.give_up, incoming)  # at once: a task that is cancelled cannot wait for long
            await aclose(chunks)

    def _wrote(self, incoming: Incoming, chunk: bytes) -> bool:
        try:
            incoming.write(chunk)
        except OSError as error:
            self._failed(error)
            self._tried(self._folder.give_up, incoming)
            return False
        return True

    def _forget(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._tried(self._folder.forget, key)

    def _tried(self, call: Callable[..., T], *args: Any) -> T | None:
        """Return what the folder says; whatever is wrong with the disk, the storage is still there."""
        try:
            result = call(*args)
        except OSError as error:
            self._failed(error)
            return None
        self._works = True
        return result

    def _failed(self, error: OSError) -> None:
        if self._works:
            logger.warning("the cache in %s does not work, reads go to the storage: %s", self._folder.root, error)
        self._works = False


def _last(info: ObjectInfo, end: int | None) -> int:
    return info.size if end is None else min(end, info.size)


def _is_whole(info: ObjectInfo, start: int, end: int | None) -> bool:
    return start == 0 and _last(info, end) == info.size


def _parts(file: Any, start: int, end: int, chunk_size: int | None) -> Iterator[bytes]:
    file.seek(start)
    while start < end and (part := file.read(end - start if chunk_size is None else min(chunk_size, end - start))):
        start += len(part)
        yield part


def _cut(data: bytes, chunk_size: int | None) -> Iterator[bytes]:
    for start in range(0, len(data), chunk_size or len(data) or 1):
        yield data[start : start + chunk_size] if chunk_size else data
