"""What is to be copied, and whether the bytes that come are the ones that the row knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.checksums import Hash, algorithm_of, hash_factory
from holdfast.drivers.closing import aclose, close
from holdfast.errors import ConfigurationError, MissingExtraError
from holdfast.keys import find_id
from holdfast.maintenance.rewriting.engine import Refusal
from holdfast.sources import Source

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator

    from holdfast.backends.base import StorageBackend
    from holdfast.objects import ObjectInfo


class Original(NamedTuple):
    """An object to copy.

    Attributes:
        key: Its key.
        size: Bytes.
        checksum: What its bytes must have; None if the row does not know, or in a way that cannot be computed here.
        content_type: Media type for the copy.
        metadata: The caller's fields for the copy.
    """

    key: str
    size: int
    checksum: str | None
    content_type: str | None
    metadata: dict[str, Any]


def original(storage: StorageBackend, fields: dict[str, Any]) -> Original:
    """Describe an object from what its row knows, and from the storage where that is not enough.

    Raises:
        Refusal: The object is not what its row says.
        StorageError: The storage failed.
    """
    info = storage.stat(fields["to_filename"]) if _is_unknown(storage, fields) else None
    return _described(fields, info)


async def original_async(storage: StorageBackend, fields: dict[str, Any]) -> Original:
    """Like `original`."""
    info = await storage.stat_async(fields["to_filename"]) if _is_unknown(storage, fields) else None
    return _described(fields, info)


def known(fields: dict[str, Any]) -> Original | None:
    """Describe an object that is gone, if its row knows its bytes."""
    found = None if fields["size"] is None else _described(fields, None)
    return found if found is not None and found.checksum is not None else None


def _is_unknown(storage: StorageBackend, fields: dict[str, Any]) -> bool:
    if fields["size"] is None:
        return True
    # A row of ours was written together with its object, and knows what that was written with.
    is_ours = fields["content_type"] is not None and find_id(fields["to_filename"]) is not None
    return not is_ours and (storage.abilities.content_type or storage.abilities.metadata)


def _described(fields: dict[str, Any], info: ObjectInfo | None) -> Original:
    size, checksum = fields["size"], fields["checksum"]
    if info is not None:
        refuse_size(fields["to_filename"], info.size, size)
        size = info.size
    known = checksum if checksum is not None and _factory(algorithm_of(checksum)) is not None else None
    content_type = (info.content_type if info else None) or fields["content_type"]
    metadata = dict(info.metadata if info and info.metadata else fields["metadata"])
    return Original(fields["to_filename"], size, known, content_type, metadata)


def refuse_size(key: str, size: int, expected: int | None) -> None:
    """Refuse an object of another size than its row says.

    Raises:
        Refusal: It is.
    """
    if expected is not None and size != expected:
        raise Refusal("corrupt", f"{key!r} has {size} bytes, the row says {expected}")


class Passing:
    """Counts and hashes bytes that pass.

    Args:
        like: A checksum whose algorithm to use, or the algorithm's name; None to hash nothing.
        original: What the bytes should be, if that is to be checked.
    """

    def __init__(self, like: str | None, original: Original | None = None) -> None:
        self._original = original
        self._algorithm = None if like is None else algorithm_of(like)
        factory = _factory(self._algorithm)
        self._hash: Hash | None = factory() if factory else None
        self._size = 0

    @property
    def checksum(self) -> str | None:
        """``"<algorithm>:<hex>"`` of what has passed."""
        return f"{self._algorithm}:{self._hash.hexdigest()}" if self._hash else None

    def update(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self._size += len(chunk)
        if self._hash is not None:
            self._hash.update(chunk)

    def take_all(self, data: bytes) -> None:
        """Take all bytes at once.

        Raises:
            Refusal: They are not the ones that the row knows.
        """
        self.update(data)
        self.finish()

    def finish(self) -> None:
        """Look at what has passed, before the last of it is written.

        Raises:
            Refusal: It is not what the row knows.
        """
        if (expected := self._original) is None:
            return
        refuse_size(expected.key, self._size, expected.size)
        if expected.checksum not in {None, self.checksum}:
            raise Refusal("corrupt", f"the bytes of {expected.key!r} have {self.checksum}, not {expected.checksum}")


class PassingSource(Source):
    """A stream that fails before its end if it is not what the row knows: then nothing is written."""

    replayable = False

    def __init__(self, chunks: Iterator[bytes], passing: Passing) -> None:
        self._chunks, self._passing = chunks, passing

    def _open(self) -> Iterator[bytes]:
        try:
            for chunk in self._chunks:
                self._passing.update(chunk)
                yield chunk
            self._passing.finish()
        finally:
            close(self._chunks)


class AsyncPassingSource(Source):
    """Like `PassingSource`."""

    is_async = True
    replayable = False

    def __init__(self, chunks: AsyncIterator[bytes], passing: Passing) -> None:
        self._chunks, self._passing = chunks, passing

    async def _open_async(self) -> AsyncGenerator[bytes]:
        try:
            async for chunk in self._chunks:
                self._passing.update(chunk)
                yield chunk
            self._passing.finish()
        finally:
            await aclose(self._chunks)


def _factory(algorithm: str | None) -> Callable[[], Hash] | None:
    """Return how to hash; None also for what cannot be computed here."""
    try:
        return hash_factory(algorithm)
    except (ConfigurationError, MissingExtraError):
        return None
