"""What a copy of a storage lacks, found by walking two sorted listings side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from holdfast.drivers.body import resize, resize_async
from holdfast.drivers.protocol import MIB
from holdfast.drivers.sameness import same, same_async

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from holdfast.objects import ObjectInfo

_CLOCKS = 5.0  # seconds by which the clocks of two services may differ, and their times be rounded


class Difference(NamedTuple):
    """What is to be said of one key.

    Attributes:
        kind: ``"same"``, ``"missing"`` or ``"different"`` in the copy, or ``"extra"``: only there.
        key: The key.
        size: Size of the object, in the copy if it is extra.
        last_modified: When it was written, in the copy if it is extra.
    """

    kind: str
    key: str
    size: int
    last_modified: float | None


def differences(first: Iterator[ObjectInfo], copy: Iterator[ObjectInfo]) -> Iterator[Difference]:
    """Yield one record for each key, in their order.

    Example:
        >>> from holdfast.objects import ObjectInfo
        >>> first = [ObjectInfo("a", 1), ObjectInfo("b", 1), ObjectInfo("d", 1)]
        >>> copy = [ObjectInfo("a", 1), ObjectInfo("b", 2), ObjectInfo("c", 1)]
        >>> [(each.kind, each.key) for each in differences(iter(first), iter(copy))]
        [('same', 'a'), ('different', 'b'), ('extra', 'c'), ('missing', 'd')]
    """
    theirs, ours = next(first, None), next(copy, None)
    while theirs is not None or ours is not None:
        if theirs is None or (ours is not None and ours.key < theirs.key):
            assert ours is not None  # noqa: S101  # the loop's condition
            yield Difference("extra", ours.key, ours.size, ours.last_modified)
            ours = next(copy, None)
        elif ours is None or theirs.key < ours.key:
            yield Difference("missing", theirs.key, theirs.size, theirs.last_modified)
            theirs = next(first, None)
        else:
            yield Difference(_kind(theirs, ours), theirs.key, theirs.size, theirs.last_modified)
            theirs, ours = next(first, None), next(copy, None)


def _kind(theirs: ObjectInfo, ours: ObjectInfo) -> str:
    """Compare size and time: a copy is made after its original."""
    if theirs.size != ours.size:
        return "different"
    if theirs.last_modified is not None and ours.last_modified is not None:
        return "different" if ours.last_modified < theirs.last_modified - _CLOCKS else "same"
    return "same"


def differ(first: Iterator[bytes], copy: Iterator[bytes]) -> bool:
    """Return whether two streams have other bytes."""
    return not same(resize(map(memoryview, first), MIB), copy)


async def differ_async(first: AsyncIterator[bytes], copy: AsyncIterator[bytes]) -> bool:
    """Like `differ`."""
    return not await same_async(resize_async(_views(first), MIB), copy)


async def _views(chunks: AsyncIterator[bytes]) -> AsyncIterator[memoryview]:
    async for chunk in chunks:
        yield memoryview(chunk)
