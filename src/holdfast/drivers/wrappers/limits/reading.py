"""Reads and listings that go on where they were cut off."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from holdfast.drivers.closing import aclose, close
from holdfast.drivers.wrappers.limits.spans import Listing, Span

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from holdfast.drivers.wrappers.limits.attempts import Limits
    from holdfast.drivers.wrappers.limits.spans import Course
    from holdfast.drivers.wrappers.limits.watch import Watch
    from holdfast.objects import ObjectInfo

T = TypeVar("T")


def read(limits: Limits, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
    """Yield the bytes of a span; after a failure go on from the next byte, if the object is still the same."""
    span = Span(key, start, end, chunk_size)
    return _joined(limits, span) if chunk_size is None else _steps(limits, span)


def read_async(limits: Limits, key: str, start: int, end: int | None, chunk_size: int | None) -> AsyncIterator[bytes]:
    """Like `read`."""
    span = Span(key, start, end, chunk_size)
    return _joined_async(limits, span) if chunk_size is None else _steps_async(limits, span)


def listed(limits: Limits, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
    """Yield objects; after a failure go on after the last key."""
    return _steps(limits, Listing(prefix, after))


def listed_async(limits: Limits, prefix: str, after: str | None) -> AsyncIterator[ObjectInfo]:
    """Like `listed`."""
    return _steps_async(limits, Listing(prefix, after))


def _joined(limits: Limits, span: Span) -> Iterator[bytes]:
    for _ in _steps(limits, span):
        pass
    yield b"".join(span.parts)


async def _joined_async(limits: Limits, span: Span) -> AsyncIterator[bytes]:
    async for _ in _steps_async(limits, span):
        pass
    yield b"".join(span.parts)


def _steps(limits: Limits, course: Course[T]) -> Iterator[T]:
    driver, key = limits.driver, course.looks_at
    failure: Exception | None = None
    while True:
        if key is not None and not course.belongs(limits.repeat(lambda _: driver.stat(key))):
            raise failure or AssertionError
        found: Iterator[T] | None = None
        failure = None
        # One thread for the whole attempt: a new one for each chunk would cost more than the chunk.
        with limits.thread() as thread:
            try:
                while failure is None:
                    page: list[T] = []
                    try:
                        found = found or limits.step(thread, lambda _: course.begin(driver))
                        limits.step(thread, partial(_take, found, page, course.page))
                        if len(page) < course.page:
                            course.check_end()
                    except Exception as error:  # noqa: BLE001  # raised below, if it is not worth another attempt
                        failure = error
                    page = page.copy()  # one that hangs may go on behind our back
                    if page:
                        course.took(page)
                        yield from page
                    if failure is None and len(page) < course.page:
                        return
            finally:
                with suppress(ValueError):  # it hangs in a thread that was given up
                    close(found)
        course.failures += 1
        if (delay := limits.pause(course.failures, failure)) is None:
            raise failure
        limits.sleep(delay)


async def _steps_async(limits: Limits, course: Course[T]) -> AsyncIterator[T]:
    driver, key = limits.driver, course.looks_at
    failure: Exception | None = None
    while True:
        if key is not None and not course.belongs(await limits.repeat_async(lambda _: driver.stat_async(key))):
            raise failure or AssertionError
        found: AsyncIterator[T] | None = None
        failure = None
        try:
            while failure is None:
                page: list[T] = []
                try:
                    found = found or course.begin_async(driver)
                    await limits.watched_async(partial(_take_async, found, page, course.page))
                    if len(page) < course.page:
                        course.check_end()
                except Exception as error:  # noqa: BLE001  # raised below, if it is not worth another attempt
                    failure = error
                page = page.copy()
                if page:
                    course.took(page)
                    for step in page:
                        yield step
                if failure is None and len(page) < course.page:
                    return
        finally:
            with suppress(RuntimeError):  # it hangs in a task that was given up
                await aclose(found)
        course.failures += 1
        if (delay := limits.pause(course.failures, failure)) is None:
            raise failure
        await limits.sleep_async(delay)


def _take(found: Iterator[T], page: list[T], size: int, watch: Watch) -> None:
    """Fill a page, of which something is there even if the next step is not to be had."""
    while len(page) < size and (step := next(found, None)) is not None:
        watch.progress()
        page.append(step)


async def _take_async(found: AsyncIterator[T], page: list[T], size: int, watch: Watch) -> None:
    while len(page) < size and (step := await anext(found, None)) is not None:
        watch.progress()
        page.append(step)
