"""A driver that gives up on what hangs, repeats what failed, and does not ask for too much at once."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from holdfast.drivers.threaded import ThreadedDriver
from holdfast.drivers.wrappers.limits import reading, writing
from holdfast.drivers.wrappers.limits.attempts import Limits
from holdfast.drivers.wrappers.limits.policy import Policy
from holdfast.drivers.wrappers.wrapper import COPIES, Wrapper, never_blocks
from holdfast.object_settings import NO_SETTINGS, ObjectSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from holdfast.drivers.body import Body
    from holdfast.drivers.optional import Refusal, SignRequest, UploadOffer, UploadTerms
    from holdfast.drivers.protocol import Driver, PutOptions
    from holdfast.errors import StorageError
    from holdfast.objects import ObjectInfo


class LimitedDriver(Wrapper):
    """Retries, timeouts and a limit of requests at once.

    Args:
        driver: The driver that does the work.
        policy: How operations are repeated, and when they are given up.
        max_concurrency: Requests under way at once, over all threads and event loops; None for no limit.
        **clock: For tests: ``share``, ``sleep`` and ``sleep_async`` of `Limits`.
    """

    # Batches are written one by one, side by side: so each object has a clock and attempts of its own.
    offered = MappingProxyType({**{name: how for name, how in Wrapper.offered.items() if name != "put_many"}, **COPIES})

    def __init__(
        self, driver: Driver, policy: Policy | None = None, max_concurrency: int | None = None, **clock: Any
    ) -> None:
        super().__init__(driver)
        self.limits = Limits(self.driver, policy or Policy(), max_concurrency, **clock)
        # Where the driver works in threads, ours must be the one that waits: only then can it give a thread up.
        self._awaited: Any = _AsyncHalf(self.limits) if never_blocks(driver) else ThreadedDriver(self)

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Know a timeout of ours; ask the driver behind for the rest."""
        return self.limits.classify(error)

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write; again only if all of the content can be read again."""
        return writing.put(self.limits, key, body, options)

    async def put_async(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Like `put`."""
        info: ObjectInfo = await self._awaited.put_async(key, body, options)
        return info

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Read; a stream goes on where it was cut off."""
        return reading.read(self.limits, key, start, end, chunk_size)

    def read_async(self, key: str, start: int, end: int | None, chunk_size: int | None) -> AsyncIterator[bytes]:
        """Like `read`."""
        chunks: AsyncIterator[bytes] = self._awaited.read_async(key, start, end, chunk_size)
        return chunks

    def stat(self, key: str) -> ObjectInfo:
        """Describe an object."""
        return self.limits.repeat(lambda _: self.driver.stat(key))

    async def stat_async(self, key: str) -> ObjectInfo:
        """Like `stat`."""
        info: ObjectInfo = await self._awaited.stat_async(key)
        return info

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; what is gone already is no error."""
        self.limits.repeat(lambda _: self.driver.delete(keys))

    async def delete_async(self, keys: Sequence[str]) -> None:
        """Like `delete`."""
        await self._awaited.delete_async(keys)

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Copy an object."""
        self.limits.repeat(lambda _: self.driver.copy(source, target, settings))

    async def copy_async(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Like `copy`."""
        await self._awaited.copy_async(source, target, settings)

    def origin(self, key: str) -> tuple[Driver, str]:
        """Return the driver behind: what is copied from there is written elsewhere, by the limits of that place."""
        return self._plain, key

    def _copy_from(self, origin: Driver, source: ObjectInfo, target: str, options: PutOptions) -> Refusal | None:
        refusal: Refusal | None = self.limits.repeat(lambda _: self._plain.copy_from(origin, source, target, options))
        return refusal

    async def _copy_from_async(
        self, origin: Driver, source: ObjectInfo, target: str, options: PutOptions
    ) -> Refusal | None:
        refusal: Refusal | None = await self.limits.repeat_async(
            lambda _: self._plain.copy_from_async(origin, source, target, options)
        )
        return refusal

    def _sign(self, request: SignRequest) -> str:
        url: str = self.limits.repeat(lambda _: self._plain.sign(request))
        return url

    async def _sign_async(self, request: SignRequest) -> str:
        url: str = await self.limits.repeat_async(lambda _: self._plain.sign_async(request))
        return url

    def _offer_upload(self, terms: UploadTerms) -> UploadOffer:
        offer: UploadOffer = self.limits.repeat(lambda _: self._plain.offer_upload(terms))
        return offer

    def _finish_upload(self, key: str, upload_id: str) -> None:
        self.limits.repeat(lambda _: self._plain.finish_upload(key, upload_id))

    def list(self, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
        """List; goes on where it was cut off."""
        return reading.listed(self.limits, prefix, after)

    def list_async(self, prefix: str, after: str | None) -> AsyncIterator[ObjectInfo]:
        """Like `list`."""
        found: AsyncIterator[ObjectInfo] = self._awaited.list_async(prefix, after)
        return found


class _AsyncHalf:
    """The async half over a driver that has one."""

    def __init__(self, limits: Limits) -> None:
        self._driver, self._limits = limits.driver, limits

    async def put_async(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        return await writing.put_async(self._limits, key, body, options)

    def read_async(self, key: str, start: int, end: int | None, chunk_size: int | None) -> AsyncIterator[bytes]:
        return reading.read_async(self._limits, key, start, end, chunk_size)

    async def stat_async(self, key: str) -> ObjectInfo:
        return await self._limits.repeat_async(lambda _: self._driver.stat_async(key))

    async def delete_async(self, keys: Sequence[str]) -> None:
        await self._limits.repeat_async(lambda _: self._driver.delete_async(keys))

    async def copy_async(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        await self._limits.repeat_async(lambda _: self._driver.copy_async(source, target, settings))

    def list_async(self, prefix: str, after: str | None) -> AsyncIterator[ObjectInfo]:
        return reading.listed_async(self._limits, prefix, after)
