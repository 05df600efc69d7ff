"""Copying objects: inside a service where it can, also from one storage to another; else through this process."""

from __future__ import annotations

import logging
import time
from functools import cached_property
from typing import TYPE_CHECKING

from holdfast.backends.secret_texts import without_secrets
from holdfast.backends.writing import Writing
from holdfast.drivers import threads
from holdfast.drivers.optional import AsyncCopiesFrom, CopiesFrom, Refusal, origin_of
from holdfast.drivers.protocol import PutOptions
from holdfast.errors import AlreadyExistsError
from holdfast.keys import validate_key
from holdfast.sources import AsyncIterableSource, IterableSource

if TYPE_CHECKING:
    from holdfast.drivers.protocol import Driver
    from holdfast.objects import ObjectInfo

logger = logging.getLogger("holdfast")

_REFUSED_FOR = 60.0
"""Seconds in which a service that refused to copy from a place is not asked again."""

_CHANGED = Refusal("the original became another object meanwhile")


class Copying(Writing):
    """The part of a `StorageBackend` that copies."""

    def copy(self, source: str, target: str, *, to: Copying | None = None) -> ObjectInfo:
        """Copy an object, inside the service if it can do that, else streamed; never onto an existing key.

        The copy has the settings of the storage where it lies; what only the original was written with is not promised.

        Args:
            source: Key of the object.
            target: Key of the copy.
            to: Storage of the copy; this one if left out.
        """
        validate_key(source), validate_key(target)
        if to is None or to is self:
            if self.exists(target):
                raise self.taken("copy", target)
            with self._wrapping("copy", source):
                self._driver.copy(source, target, self._object_settings)
            return self.stat(target)
        if (copied := to.copy_from(self, source, target)) is not None:
            return copied
        info = self.stat(source)
        content = IterableSource(self.stream(source))
        return to.put(target, content, content_type=info.content_type, metadata=info.metadata, if_absent=True)

    async def copy_async(self, source: str, target: str, *, to: Copying | None = None) -> ObjectInfo:
        """Like `copy`."""
        validate_key(source), validate_key(target)
        if to is None or to is self:
            if await self.exists_async(target):
                raise self.taken("copy", target)
            with self._wrapping("copy", source):
                await self._driver.copy_async(source, target, self._object_settings)
            return await self.stat_async(target)
        if (copied := await to.copy_from_async(self, source, target)) is not None:
            return copied
        info = await self.stat_async(source)
        content = AsyncIterableSource(self.stream_async(source))
        return await to.put_async(
            target, content, content_type=info.content_type, metadata=info.metadata, if_absent=True
        )

    def copy_from(self, other: Copying, source: str, target: str) -> ObjectInfo | None:
        """Copy an object of another storage without its bytes passing through this process, if that can be done.

        The copy is what a put would have written: with the content type and the metadata of the original, and with the
        settings of this storage.

        Args:
            other: Where the object is.
            source: Its key there.
            target: Key of the copy, which must not be taken.

        Returns:
            The copy, without a checksum: nobody has read it. None if it cannot be done; then nothing was written.

        Raises:
            NotFoundError: There is no such object.
            AlreadyExistsError: The key is taken.
            StorageError: One of the storages failed.
        """
        validate_key(source), validate_key(target)
        origin, key = origin_of(other._plain, source)
        if (driver := self._copier(origin)) is None:
            return None
        original = other.stat(source)
        if self.exists(target):
            raise self.taken("copy", target)
        options = self._as_original(original)
        try:
            with self._wrapping("copy", target, expected=(AlreadyExistsError,)):
                refusal = driver.copy_from(origin, original._replace(key=key), target, options)
        except AlreadyExistsError:
            if self.exists(target):
                raise
            refusal = _CHANGED
        if refusal is not None:
            self._refused(other, origin, source, refusal)
            return None
        return self.stat(target)

    async def copy_from_async(self, other: Copying, source: str, target: str) -> ObjectInfo | None:
        """Like `copy_from`."""
        validate_key(source), validate_key(target)
        origin, key = origin_of(other._plain, source)
        if (driver := self._copier(origin)) is None:
            return None
        original = await other.stat_async(source)
        if await self.exists_async(target):
            raise self.taken("copy", target)
        job = (origin, original._replace(key=key), target, self._as_original(original))
        try:
            with self._wrapping("copy", target, expected=(AlreadyExistsError,)):
                if isinstance(driver, AsyncCopiesFrom):
                    refusal = await driver.copy_from_async(*job)
                else:
                    refusal = await threads.run_to_end(threads.blocking.submit(driver.copy_from, *job))
        except AlreadyExistsError:
            if await self.exists_async(target):
                raise
            refusal = _CHANGED
        if refusal is not None:
            self._refused(other, origin, source, refusal)
            return None
        return await self.stat_async(target)

    @cached_property
    def _refusals(self) -> dict[int, float]:
        """Until when a driver, by its `id`, is not copied from, by the clock of `time.monotonic`."""
        return {}

    def _copier(self, origin: Driver) -> CopiesFrom | None:
        """Return the driver if it can copy from another one; None if it cannot, or was refused just now."""
        if not isinstance(self._plain, CopiesFrom) or time.monotonic() < self._refusals.get(id(origin), 0.0):
            return None
        return self._plain if self._plain.can_copy_from(origin) else None

    def _as_original(self, info: ObjectInfo) -> PutOptions:
        return PutOptions(info.content_type, info.metadata, if_absent=True, settings=self._object_settings)

    def _refused(self, other: Copying, origin: Driver, source: str, refusal: Refusal) -> None:
        if refusal.lasting:
            self._refusals[id(origin)] = time.monotonic() + _REFUSED_FOR
        reason = without_secrets(refusal.reason.partition("\n")[0])
        logger.info("storage %r does not copy %r from storage %r by itself: %s", self.key, source, other.key, reason)
