"""How far a read or a listing has come, and how it goes on from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from holdfast.drivers.protocol import MIB
from holdfast.drivers.wrappers.limits.attempts import CutShortError
from holdfast.drivers.wrappers.limits.policy import unchanged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from holdfast.drivers.protocol import AsyncDriver
    from holdfast.objects import ObjectInfo

T = TypeVar("T")

_STEP = 8 * MIB  # of a read that is wanted in one piece: between two of them is the progress that a clock sees
_PAGE = 1000


class Course(Protocol[T]):
    """What is yielded step by step, over several attempts.

    Attributes:
        failures: Attempts that failed since the last step.
        looks_at: The object whose state is asked for before each attempt, if any.
        page: Steps that are taken in one go; fewer come only at the end.
    """

    failures: int
    looks_at: str | None
    page: int

    def belongs(self, now: ObjectInfo) -> bool:
        """Return whether what is to come belongs to what was taken."""

    def begin(self, driver: AsyncDriver) -> Iterator[T]:
        """Go on after the last step."""

    def begin_async(self, driver: AsyncDriver) -> AsyncIterator[T]:
        """Like `begin`."""

    def took(self, page: list[T]) -> None:
        """Count steps."""

    def check_end(self) -> None:
        """Refuse an end that came too early: some services cut an answer off and say nothing."""


class Span:
    """The course of a read.

    Args:
        key: The object.
        start: First byte.
        end: Byte after the last; None for the end of the object.
        chunk_size: Size of the chunks; None if the span is wanted in one piece, which is gathered in `parts`.
    """

    page = 1

    def __init__(self, key: str, start: int, end: int | None, chunk_size: int | None) -> None:
        self.looks_at: str | None = key
        self._key = key
        self.failures = 0
        self.parts: list[bytes] = []
        self._start = self._position = start
        self._end = end
        self._chunk_size = chunk_size
        self._before: ObjectInfo | None = None
        self._begun_again = 0

    def belongs(self, now: ObjectInfo) -> bool:
        """Return whether what is to come belongs to what was read; what nobody has seen yet is read anew."""
        if self._before is None or not unchanged(self._before, now):
            if self._chunk_size is not None and self._position > self._start:
                return False
            self._begun_again += bool(self.parts)
            self.parts.clear()
            self._before, self._position = now, self._start
        return True

    def begin(self, driver: AsyncDriver) -> Iterator[bytes]:
        """Read on."""
        return driver.read(self._key, self._position, self._end, self._chunk_size or _STEP)

    def begin_async(self, driver: AsyncDriver) -> AsyncIterator[bytes]:
        """Like `begin`."""
        return driver.read_async(self._key, self._position, self._end, self._chunk_size or _STEP)

    def took(self, page: list[bytes]) -> None:
        """Count chunks, and keep what is wanted in one piece."""
        self._position += sum(map(len, page))
        self.failures = self._begun_again  # else an object that is written all the time would be read forever
        if self._chunk_size is None:
            self.parts += page

    def check_end(self) -> None:
        """Refuse an end that came too early."""
        if self._before is None:
            return
        size = self._before.size
        expected = (size if self._end is None else min(size, self._end)) - self._start
        if self._position - self._start < expected:
            message = f"the read ended after {self._position - self._start} of {expected} bytes"
            raise CutShortError(message)


class Listing:
    """The course of a listing.

    Args:
        prefix: The folder.
        after: The key after which it begins.
    """

    looks_at: str | None = None
    page = _PAGE

    def __init__(self, prefix: str, after: str | None) -> None:
        self.failures = 0
        self._prefix, self._after = prefix, after

    def belongs(self, now: ObjectInfo) -> bool:  # noqa: ARG002  # keys have an order, whatever happens meanwhile
        """Return True."""
        return True

    def begin(self, driver: AsyncDriver) -> Iterator[ObjectInfo]:
        """List on."""
        return driver.list(self._prefix, self._after)

    def begin_async(self, driver: AsyncDriver) -> AsyncIterator[ObjectInfo]:
        """Like `begin`."""
        return driver.list_async(self._prefix, self._after)

    def took(self, page: list[ObjectInfo]) -> None:
        """Count objects."""
        self.failures, self._after = 0, page[-1].key

    def check_end(self) -> None:
        """Take any end."""
