"""Copying one object to another storage: once, whole, checked on the way, and never over what lies there.

What is small goes through memory, in one request for each end. What is larger is copied inside the service where that
is possible, and read back; else it is streamed, in bounded memory.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.drivers.closing import aclose, close
from holdfast.drivers.freshness import uncached
from holdfast.drivers.protocol import MIB, SINGLE_PUT_LIMIT
from holdfast.errors import ConfigurationError
from holdfast.keys import find_id
from holdfast.maintenance.rewriting.engine import Refusal
from holdfast.maintenance.rewriting.originals import AsyncPassingSource, Original, Passing, PassingSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.backends.base import StorageBackend
    from holdfast.objects import ObjectInfo

CHECKS = ("sha256", "read", "size")

SMALL = MIB
"""Bytes that are copied through memory: asking a service to copy them takes more requests than doing it."""

_LARGE_AT_ONCE = 4  # each may hold 32 MiB of parts


def check_known(check: str) -> str:
    """Return how to check copies, if there is such a way.

    Raises:
        ConfigurationError: There is not.
    """
    if check not in CHECKS:
        message = f"check={check!r} must be one of {', '.join(CHECKS)}"
        raise ConfigurationError(message)
    return check


class Copied(NamedTuple):
    """A copy.

    Attributes:
        key: Its key.
        info: What the storage says of it.
        checksum: Of its bytes; None if nobody knows.
        made: Whether it was written now. Else it lay there.
    """

    key: str
    info: ObjectInfo
    checksum: str | None
    made: bool = True


class Copying:
    """Copies from one storage to another.

    Args:
        source: Where objects are.
        target: Where they are to be.
        check: ``"sha256"``, ``"read"`` (also read back what was streamed) or ``"size"`` (read back nothing).
        creates: Whether the target refuses by itself to write over an object. Else it is asked first.
    """

    def __init__(self, source: StorageBackend, target: StorageBackend, check: str, *, creates: bool) -> None:
        self.source, self.target, self.check = source, target, check_known(check)
        self._creates, self._is_there_often = creates, not creates
        self._slots = threading.BoundedSemaphore(_LARGE_AT_ONCE)
        self._task_slots = asyncio.Semaphore(_LARGE_AT_ONCE)

    def copy(self, original: Original, key: str) -> Copied:
        """Copy to a key.

        Raises:
            AlreadyExistsError: The key is taken in the target.
            Refusal: The object is not what its row says. Nothing was left behind.
            StorageError: A storage failed.
        """
        if self._asks(key) and self.target.exists(key):
            raise self.target.taken("put", key)
        with self._slots if original.size > SINGLE_PUT_LIMIT else nullcontext():
            inside = self.target.copy_from(self.source, original.key, key) if original.size > SMALL else None
            copied = self._put(original, key) if inside is None else Copied(key, inside, original.checksum)
            if self._is_read_back(inside):
                checksum = self._hashed(self.target, key, copied.checksum)
                if copied.checksum not in {None, checksum}:
                    self.target.delete(key)
                    raise self._refusal(original, checksum)
                copied = copied._replace(checksum=checksum)
        return copied

    async def copy_async(self, original: Original, key: str) -> Copied:
        """Like `copy`."""
        if self._asks(key) and await self.target.exists_async(key):
            raise self.target.taken("put", key)
        async with self._task_slots if original.size > SINGLE_PUT_LIMIT else nullcontext():
            small = original.size <= SMALL
            inside = None if small else await self.target.copy_from_async(self.source, original.key, key)
            copied = await self._put_async(original, key) if inside is None else Copied(key, inside, original.checksum)
            if self._is_read_back(inside):
                checksum = await self._hashed_async(self.target, key, copied.checksum)
                if copied.checksum not in {None, checksum}:
                    await self.target.delete_async(key)
                    raise self._refusal(original, checksum)
                copied = copied._replace(checksum=checksum)
        return copied

    def adopt(self, original: Original, key: str) -> Copied | None:
        """Return what lies in the target if it has the same bytes as the original.

        Raises:
            StorageError: A storage failed, or one of the two is gone.
        """
        info = self.target.stat(key)
        if info.size != original.size:
            return None
        expected = original.checksum or self._hashed(self.source, original.key, None)
        found = self._hashed(self.target, key, expected)
        return Copied(key, info, found, made=False) if found == expected else None

    async def adopt_async(self, original: Original, key: str) -> Copied | None:
        """Like `adopt`."""
        info = await self.target.stat_async(key)
        if info.size != original.size:
            return None
        expected = original.checksum or await self._hashed_async(self.source, original.key, None)
        found = await self._hashed_async(self.target, key, expected)
        return Copied(key, info, found, made=False) if found == expected else None

    def learn(self, copied: Sequence[Copied]) -> None:
        """Look at what became of the last objects, to know whether the next ones may lie there, too.

        A run that goes on where another one was cut off finds copies at its beginning.
        """
        there = sum(not each.made for each in copied)
        self._is_there_often = there > len(copied) // 2 if self._creates else there > 0

    def _asks(self, key: str) -> bool:
        """Return whether to ask for a key before it is written."""
        # A key with an id of ours is this object's alone: at worst the same bytes are written once more.
        return self._is_there_often or not (self._creates or find_id(key))

    # --- through this process

    def _put(self, original: Original, key: str) -> Copied:
        passing = Passing(original.checksum or self._algorithm(known=True), original)
        content: Any
        if original.size <= SMALL:
            content = self.source.read(original.key, end=original.size + 1)
            passing.take_all(content)
        else:
            content = PassingSource(self.source.stream(original.key), passing)
        info = self.target.put(key, content, **_options(original))
        return Copied(key, info, info.checksum or passing.checksum)

    async def _put_async(self, original: Original, key: str) -> Copied:
        passing = Passing(original.checksum or self._algorithm(known=True), original)
        content: Any
        if original.size <= SMALL:
            content = await self.source.read_async(original.key, end=original.size + 1)
            passing.take_all(content)
        else:
            content = AsyncPassingSource(self.source.stream_async(original.key), passing)
        info = await self.target.put_async(key, content, **_options(original))
        return Copied(key, info, info.checksum or passing.checksum)

    # --- checks

    def _is_read_back(self, inside: ObjectInfo | None) -> bool:
        return self.check == "read" or (self.check == "sha256" and inside is not None)

    def _hashed(self, storage: StorageBackend, key: str, like: str | None) -> str | None:
        """Read an object and return its checksum, of the same algorithm as another one."""
        passing = Passing(like or self._algorithm())
        with uncached():
            chunks = storage.stream(key)
            try:
                for chunk in chunks:
                    passing.update(chunk)
            finally:
                close(chunks)
        return passing.checksum

    async def _hashed_async(self, storage: StorageBackend, key: str, like: str | None) -> str | None:
        passing = Passing(like or self._algorithm())
        with uncached():
            chunks = storage.stream_async(key)
            try:
                async for chunk in chunks:
                    passing.update(chunk)
            finally:
                await aclose(chunks)
        return passing.checksum

    def _algorithm(self, *, known: bool = False) -> str | None:
        """Return the algorithm for a checksum that the row does not have; None if the put computes it anyway."""
        own = self.target._algorithm
        return None if known and own is not None else own or "sha256"

    def _refusal(self, original: Original, checksum: str | None) -> Refusal:
        expected = original.checksum or "other bytes"
        detail = f"its copy in {self.target.key!r} has {checksum}, expected {expected}; it was deleted"
        return Refusal("corrupt", detail)


def _options(original: Original) -> dict[str, Any]:
    return {"content_type": original.content_type, "metadata": original.metadata, "if_absent": True}
