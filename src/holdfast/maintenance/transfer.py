"""Copying an object from one storage to another while both are in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from holdfast.errors import NotFoundError
from holdfast.sources import AsyncIterableSource, IterableSource

if TYPE_CHECKING:
    from holdfast.backends.base import StorageBackend
    from holdfast.objects import ObjectInfo

_TRIES = 3


class Transfer(NamedTuple):
    """Copies from one storage to another, and looks again afterwards.

    Attributes:
        source: Where objects are.
        target: Where they are to be.
    """

    source: StorageBackend
    target: StorageBackend

    def copy(self, key: str) -> int | None:
        """Copy, streaming; return the size, or None if the object was deleted meanwhile.

        What is deleted while it is copied would be back, and what is replaced would be old: so both are looked for.
        """
        size = None
        for _ in range(_TRIES):
            try:
                before = self.source.stat(key)
                content = IterableSource(self.source.stream(key))
                self.target.put(key, content, content_type=before.content_type, metadata=before.metadata)
                size = before.size
                if _same(before, self.source.stat(key)):
                    break
            except NotFoundError:
                if self.source.exists(key):  # it is the bucket of the copy that is missing, or it came back
                    raise
                self.target.delete(key)
                return None
        return size

    async def copy_async(self, key: str) -> int | None:
        """Like `copy`."""
        size = None
        for _ in range(_TRIES):
            try:
                before = await self.source.stat_async(key)
                content = AsyncIterableSource(self.source.stream_async(key))
                await self.target.put_async(key, content, content_type=before.content_type, metadata=before.metadata)
                size = before.size
                if _same(before, await self.source.stat_async(key)):
                    break
            except NotFoundError:
                if await self.source.exists_async(key):
                    raise
                await self.target.delete_async(key)
                return None
        return size


def _same(before: ObjectInfo, after: ObjectInfo) -> bool:
    return before._replace(content_type=None, metadata={}) == after._replace(content_type=None, metadata={})
