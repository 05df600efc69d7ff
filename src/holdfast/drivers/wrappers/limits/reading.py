"""Reads and listings that go on where they were cut off."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from holdfast.drivers.protocol import MIB
from holdfast.drivers.wrappers.limits.attempts import CutShortError
from holdfast.drivers.wrappers.limits.policy import unchanged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from holdfast.drivers.wrappers.limits.attempts import Limits
    from holdfast.drivers.wrappers.limits.watch import Watch
    from holdfast.objects import ObjectInfo

_STEP = 8 * MIB  # of a read that is wanted in one piece: between two of them is the progress that a clock sees
_PAGE = 1000


class Progress:
    """How far a read has come.

    Args:
        start: First byte.
        end: Byte after the last; None for the end of the object.
    """

    def __init__(self, start: int, end: int | None) -> None:
        self.start = self.position = start
        self.failures = 0
        self._end = end
        self._before: ObjectInfo | None = None

    def belongs(self, now: ObjectInfo) -> bool:
        """Return whether what is to come belongs to what was read; asked before each attempt."""
        if self.position == self.start or self._before is None:
            self._before = now
            return True
        return unchanged(self._before, now)

    def took(self, chunk: bytes) -> None:
        """Count a chunk."""
        self.position += len(chunk)
        self.failures = 0

    def check_end(self) -> None:
        """Refuse an end that came too early: some services cut an answer off and say nothing."""
        if self._before is None:
            return
        size = self._before.size
        expected = (size if self._end is None else min(size, self._end)) - self.start
        if self.position - self.start < expected:
            message = f"the read ended after {self.position - self.start} of {expected} bytes"
            raise CutShortError(message)


def read(limits: Limits, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
    """Yield the bytes of a span; after a failure go on from the next byte, if the object is still the same."""
    driver = limits.driver
    if chunk_size is None:
        yield limits.repeat(lambda watch: b"".join(_ticking(driver.read(key, start, end, _STEP), watch)))
        return
    progress = Progress(start, end)
    failure: Exception | None = None
    while True:
        if limits.policy.retries and not progress.belongs(limits.repeat(lambda _: driver.stat(key))):
            raise failure or AssertionError
        chunks: Any = None
        failure = None
        try:
            while failure is None:
                try:
                    chunks = chunks or limits.watched(lambda _: driver.read(key, progress.position, end, chunk_size))
                    chunk: bytes | None = limits.watched(lambda _, it=chunks: next(it, None))  # type: ignore[misc]
                    if chunk is None:
                        progress.check_end()
                        return
                except Exception as error:  # noqa: BLE001  # raised below, if it is not worth another attempt
                    failure = error
                else:
                    progress.took(chunk)
                    yield chunk
        finally:
            _close(chunks)
        progress.failures += 1
        if (delay := limits.pause(progress.failures, failure)) is None:
            raise failure
        limits.sleep(delay)


async def read_async(
    limits: Limits, key: str, start: int, end: int | None, chunk_size: int | None
) -> AsyncIterator[bytes]:
    """Like `read`."""
    driver = limits.driver
    if chunk_size is None:
        yield await limits.repeat_async(lambda watch: _joined(driver.read_async(key, start, end, _STEP), watch))
        return
    progress = Progress(start, end)
    failure: Exception | None = None
    while True:
        if limits.policy.retries and not progress.belongs(await limits.repeat_async(lambda _: driver.stat_async(key))):
            raise failure or AssertionError
        chunks: Any = driver.read_async(key, progress.position, end, chunk_size)
        failure = None
        try:
            while failure is None:
                try:
                    chunk: bytes | None = await limits.watched_async(lambda _, it=chunks: _anext(it))  # type: ignore[misc]
                    if chunk is None:
                        progress.check_end()
                        return
                except Exception as error:  # noqa: BLE001  # raised below, if it is not worth another attempt
                    failure = error
                else:
                    progress.took(chunk)
                    yield chunk
        finally:
            await _aclose(chunks)
        progress.failures += 1
        if (delay := limits.pause(progress.failures, failure)) is None:
            raise failure
        await limits.sleep_async(delay)


def listed(limits: Limits, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
    """Yield objects; after a failure go on after the last key."""
    failures = 0
    while True:
        found: Any = None
        failure: Exception | None = None
        try:
            while failure is None:
                page: list[ObjectInfo] = []
                try:
                    found = found or limits.watched(lambda _, after=after: limits.driver.list(prefix, after))  # type: ignore[misc]
                    limits.watched(lambda watch, it=found, page=page: _take(it, page, watch))  # type: ignore[misc]
                except Exception as error:  # noqa: BLE001  # raised below, if it is not worth another attempt
                    failure = error
                if page:
                    failures, after = 0, page[-1].key
                    yield from page
                if failure is None and len(page) < _PAGE:
                    return
        finally:
            _close(found)
        failures += 1
        if (delay := limits.pause(failures, failure)) is None:
            raise failure
        limits.sleep(delay)


async def listed_async(limits: Limits, prefix: str, after: str | None) -> AsyncIterator[ObjectInfo]:
    """Like `listed`."""
    failures = 0
    while True:
        found: Any = None
        failure: Exception | None = None
        try:
            while failure is None:
                page: list[ObjectInfo] = []
                try:
                    found = found or limits.driver.list_async(prefix, after)
                    await limits.watched_async(lambda watch, it=found, page=page: _take_async(it, page, watch))  # type: ignore[misc]
                except Exception as error:  # noqa: BLE001  # raised below, if it is not worth another attempt
                    failure = error
                if page:
                    failures, after = 0, page[-1].key
                    for info in page:
                        yield info
                if failure is None and len(page) < _PAGE:
                    return
        finally:
            await _aclose(found)
        failures += 1
        if (delay := limits.pause(failures, failure)) is None:
            raise failure
        await limits.sleep_async(delay)


def _ticking(chunks: Iterator[bytes], watch: Watch) -> Iterator[bytes]:
    for chunk in chunks:
        watch.progress()
        yield chunk


async def _joined(chunks: AsyncIterator[bytes], watch: Watch) -> bytes:
    parts = []
    async for chunk in chunks:
        watch.progress()
        parts.append(chunk)
    return b"".join(parts)


def _take(found: Iterator[ObjectInfo], page: list[ObjectInfo], watch: Watch) -> None:
    """Fill a page, of which something is there even if the next object is not to be had."""
    while len(page) < _PAGE and (info := next(found, None)) is not None:
        watch.progress()
        page.append(info)


async def _take_async(found: AsyncIterator[ObjectInfo], page: list[ObjectInfo], watch: Watch) -> None:
    while len(page) < _PAGE and (info := await anext(found, None)) is not None:
        watch.progress()
        page.append(info)


async def _anext(chunks: AsyncIterator[bytes]) -> bytes | None:
    return await anext(chunks, None)


def _close(iterator: Any) -> None:
    close = getattr(iterator, "close", None)
    if close is not None:
        with suppress(ValueError):  # it hangs in a thread that was given up
            close()


async def _aclose(iterator: Any) -> None:
    close = getattr(iterator, "aclose", None)
    if close is not None:
        with suppress(RuntimeError):  # it hangs in a task that was given up
            await close()
