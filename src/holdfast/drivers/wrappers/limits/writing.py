"""Puts that are repeated only where nothing half or empty can come of it."""

from __future__ import annotations

from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any

from holdfast.drivers.body import resize, resize_async
from holdfast.drivers.protocol import MIB, SINGLE_PUT_LIMIT
from holdfast.drivers.wrappers.limits.source import AsyncWatchedSource, WatchedSource
from holdfast.drivers.wrappers.limits.watch import NoProgressError
from holdfast.errors import AlreadyExistsError
from holdfast.sources import BytesSource

if TYPE_CHECKING:
    from holdfast.drivers.body import Body
    from holdfast.drivers.protocol import AsyncDriver, PutOptions
    from holdfast.drivers.wrappers.limits.attempts import Limits
    from holdfast.drivers.wrappers.limits.watch import Watch
    from holdfast.objects import ObjectInfo
    from holdfast.sources import Source


def put(limits: Limits, key: str, body: Body, options: PutOptions) -> ObjectInfo:
    """Write; after a failure that may pass, write again from the content's beginning.

    Args:
        limits: The limits, and the driver.
        key: The key.
        body: The body; after attempts that failed, begun again.
        options: The options.
    """
    driver, source, failures = limits.driver, body.source, 0

    def attempt(watch: Watch) -> ObjectInfo:
        watch.stop = body.cancel
        body.source = source if _at_hand(source) else WatchedSource(source, watch, limits.slots)
        return driver.put(key, body, options)

    while True:
        try:
            return limits.watched(attempt)
        except Exception as error:
            if failures and options.if_absent and limits.classify(error) is AlreadyExistsError:
                if not _holds(driver, key, body, source):
                    raise
                return driver.stat(key)
            failures += 1
            if not _repeatable(error, body, source) or (delay := limits.pause(failures, error)) is None:
                raise
        finally:
            body.source = source
        limits.sleep(delay)
        body.begin_again()


async def put_async(limits: Limits, key: str, body: Body, options: PutOptions) -> ObjectInfo:
    """Like `put`."""
    driver, source, failures = limits.driver, body.source, 0

    async def attempt(watch: Watch) -> ObjectInfo:
        body.source = source if _at_hand(source) else AsyncWatchedSource(source, watch, limits.slots)
        return await driver.put_async(key, body, options)

    while True:
        try:
            return await limits.watched_async(attempt)
        except Exception as error:
            if failures and options.if_absent and limits.classify(error) is AlreadyExistsError:
                if not await _holds_async(driver, key, body, source):
                    raise
                return await driver.stat_async(key)
            failures += 1
            if not _repeatable(error, body, source) or (delay := limits.pause(failures, error)) is None:
                raise
        finally:
            body.source = source
        await limits.sleep_async(delay)
        body.begin_again()


def _repeatable(error: Exception, body: Body, source: Source) -> bool:
    """Return whether a failed put may be repeated: all of its content can be read again, and nobody else reads it."""
    hangs = isinstance(error, NoProgressError) and error.running
    return body.error is None and not source.spent and not hangs


def _at_hand(source: Source) -> bool:
    """Whether content is never waited for, and is sent in about one request."""
    return isinstance(source, BytesSource) and source.data.nbytes <= SINGLE_PUT_LIMIT


def _holds(driver: AsyncDriver, key: str, body: Body, source: Source) -> bool:
    """Return whether a key holds this very content: then an attempt took effect whose answer was lost."""
    body.begin_again()
    body.source = source
    stored: Any = driver.read(key, 0, None, MIB)
    theirs = resize(map(memoryview, stored), MIB)
    with closing(stored):
        # All of the body is read, whatever comes out: so its size and its checksum are right.
        same = [block == next(theirs, None) for block in body.blocks(MIB)]
        return all(same) and next(theirs, None) is None


async def _holds_async(driver: AsyncDriver, key: str, body: Body, source: Source) -> bool:
    body.begin_again()
    body.source = source
    stored: Any = driver.read_async(key, 0, None, MIB)
    async with aclosing(stored):
        theirs = resize_async(_views(stored), MIB)
        same = [block == await anext(theirs, None) async for block in body.blocks_async(MIB)]
        return all(same) and await anext(theirs, None) is None


async def _views(chunks: Any) -> Any:
    async for chunk in chunks:
        yield memoryview(chunk)
