"""Writes to a new storage, and reads from it or from the old one, wherever an object is at that moment.

Objects go one way only, from the old storage to the new one, and are in both before they leave the first. So whoever
looks into the new one, the old one, and the new one again finds each that is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.drivers import threads
from holdfast.drivers.body import Body
from holdfast.drivers.optional import AsyncSigner, DirectUploads, Signer, UnsignedError
from holdfast.drivers.protocol import MIB, PutOptions
from holdfast.drivers.wrappers.gradual import listing, reading
from holdfast.drivers.wrappers.mirror.replica import Replica, ReplicaError
from holdfast.drivers.wrappers.partial_uploads import ClearsEach
from holdfast.errors import AlreadyExistsError
from holdfast.object_settings import NO_SETTINGS, ObjectSettings
from holdfast.sources import AsyncIterableSource, IterableSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from holdfast.drivers.abilities import Abilities
    from holdfast.drivers.optional import SignRequest, UploadOffer, UploadTerms
    from holdfast.drivers.protocol import AsyncDriver, Driver
    from holdfast.drivers.wrappers.gradual.pair import Pair
    from holdfast.errors import StorageError
    from holdfast.objects import ObjectInfo


class GradualDriver(ClearsEach):
    """Two drivers, from one of which the objects go to the other.

    Args:
        pair: Both.
    """

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self._new, self._old = pair.new, pair.old
        self._keeps_old = not pair.old.driver.abilities.writable
        self._abilities = _shared(pair)
        super().__init__([self._new.plain] if self._keeps_old else self.behind)
        if isinstance(self._new.plain, Signer):
            self.sign, self.sign_async = self._sign, self._sign_async
        if isinstance(self._new.plain, DirectUploads):
            self.offer_upload, self.finish_upload = self._offer_upload, self._finish_upload

    @property
    def behind(self) -> Sequence[Driver]:
        """What does the work."""
        return (self._new.plain, self._old.plain)

    @property
    def abilities(self) -> Abilities:
        """What both have, and of what writes need, what the new one has."""
        return self._abilities

    @property
    def native(self) -> Any:
        """The own object of the new one."""
        return self._new.driver.native

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Return what the own driver of one of them said."""
        return error.kind if isinstance(error, ReplicaError) else None

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write to the new one; one that must be absent is looked for in the old one, before it can have moved."""
        if options.if_absent:
            self._need_free(key)
        try:
            return self._new.driver.put(key, body, self._new.options(options))
        except Exception as error:
            raise self._new.failure(error) from error

    async def put_async(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Like `put`."""
        if options.if_absent:
            await self._need_free_async(key)
        try:
            return await self._new.driver.put_async(key, body, self._new.options(options))
        except Exception as error:
            raise self._new.failure(error) from error

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Read from the one that has it; a read that an object moves away from goes on in the new one."""
        return reading.read(self.pair, key, start, end, chunk_size)

    def read_async(self, key: str, start: int, end: int | None, chunk_size: int | None) -> AsyncIterator[bytes]:
        """Like `read`."""
        return reading.read_async(self.pair, key, start, end, chunk_size)

    def stat(self, key: str) -> ObjectInfo:
        """Describe an object as the one describes it that has it."""
        return self.pair.found(lambda driver: driver.stat(key))

    async def stat_async(self, key: str) -> ObjectInfo:
        """Like `stat`."""
        return await self.pair.found_async(lambda driver: driver.stat_async(key))

    def delete(self, keys: Sequence[str]) -> None:
        """Delete from the old one first: what failed half-way must not bring back what the new one had replaced."""
        for replica in self._deleted_from():
            try:
                replica.driver.delete(keys)
            except Exception as error:
                raise replica.failure(error) from error

    async def delete_async(self, keys: Sequence[str]) -> None:
        """Like `delete`."""
        for replica in self._deleted_from():
            try:
                await replica.driver.delete_async(keys)
            except Exception as error:
                raise replica.failure(error) from error

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Copy inside the new one, or from the old one into it."""

        def copied(driver: AsyncDriver) -> None:
            if driver is self._new.driver:
                driver.copy(source, target, self._new.with_own(settings))
                return
            info = driver.stat(source)
            body = Body(IterableSource(driver.read(source, 0, None, MIB)), None, None)
            try:
                self._new.driver.put(target, body, self._as_original(info, settings))
            except Exception as error:
                raise self._failure(body, error) from error

        self.pair.found(copied)

    async def copy_async(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Like `copy`."""

        async def copied(driver: AsyncDriver) -> None:
            if driver is self._new.driver:
                await driver.copy_async(source, target, self._new.with_own(settings))
                return
            info = await driver.stat_async(source)
            body = Body(AsyncIterableSource(driver.read_async(source, 0, None, MIB)), None, None)
            try:
                await self._new.driver.put_async(target, body, self._as_original(info, settings))
            except Exception as error:
                raise self._failure(body, error) from error

        await self.pair.found_async(copied)

    def _as_original(self, info: ObjectInfo, settings: ObjectSettings) -> PutOptions:
        return self._new.options(PutOptions(info.content_type, info.metadata, settings=settings))

    def _failure(self, body: Body, error: Exception) -> ReplicaError:
        """Return why a copy failed: the original may have moved away in the middle."""
        return self._old.failure(body.error) if body.error is not None else self._new.failure(error)

    def _deleted_from(self) -> Sequence[Replica]:
        # What lies in a storage that is only read stays there, as it does without this one.
        return (self._new,) if self._keeps_old else (self._old, self._new)

    def _need_free(self, key: str) -> None:
        try:
            self._old.driver.stat(key)
        except Exception as error:  # noqa: BLE001  # its meaning counts
            self.pair.missing(self._old, error)
        else:
            raise _taken(self._old)

    async def _need_free_async(self, key: str) -> None:
        try:
            await self._old.driver.stat_async(key)
        except Exception as error:  # noqa: BLE001  # as above
            self.pair.missing(self._old, error)
        else:
            raise _taken(self._old)

    # --- what only some drivers can do

    def _sign(self, request: SignRequest) -> str:
        replica = self._new if request.method != "GET" else self._holder(request.key)
        if not isinstance(replica.plain, Signer):
            raise UnsignedError(replica.name)
        try:
            return replica.plain.sign(request)
        except Exception as error:
            raise replica.failure(error) from error

    async def _sign_async(self, request: SignRequest) -> str:
        replica = self._new if request.method != "GET" else await self._holder_async(request.key)
        if not isinstance(replica.plain, Signer):
            raise UnsignedError(replica.name)
        try:
            if isinstance(replica.plain, AsyncSigner):
                return await replica.plain.sign_async(request)
            return await threads.run(replica.plain.sign, request)
        except Exception as error:
            raise replica.failure(error) from error

    def _holder(self, key: str) -> Replica:
        """Return the one that has an object; the new one if there is none, for it may come."""
        for replica in (self._new, self._old):
            try:
                replica.driver.stat(key)
            except Exception as error:  # noqa: BLE001  # its meaning counts
                self.pair.missing(replica, error)
            else:
                self.pair.count(replica)
                return replica
        return self._new

    async def _holder_async(self, key: str) -> Replica:
        for replica in (self._new, self._old):
            try:
                await replica.driver.stat_async(key)
            except Exception as error:  # noqa: BLE001  # as above
                self.pair.missing(replica, error)
            else:
                self.pair.count(replica)
                return replica
        return self._new

    def _offer_upload(self, terms: UploadTerms) -> UploadOffer:
        self._need_free(terms.key)
        offer: UploadOffer = self._new.plain.offer_upload(terms)  # type: ignore[attr-defined]  # bound only to one
        return offer

    def _finish_upload(self, key: str, upload_id: str) -> None:
        self._new.plain.finish_upload(key, upload_id)  # type: ignore[attr-defined]

    def list(self, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
        """List both as one."""
        return listing.listed(self.pair, prefix, after)

    def list_async(self, prefix: str, after: str | None) -> AsyncIterator[ObjectInfo]:
        """Like `list`."""
        return listing.listed_async(self.pair, prefix, after)


def _taken(replica: Replica) -> ReplicaError:
    return ReplicaError(replica.name, AlreadyExistsError, FileExistsError("the key is taken"))


def _shared(pair: Pair) -> Abilities:
    """Return what objects of both have; writes are the new one's affair."""
    new, old = pair.new.driver.abilities, pair.old.driver.abilities
    of_objects = ("lists", "content_type", "metadata", "etag", "last_modified")
    return new._replace(**{name: getattr(new, name) and getattr(old, name) for name in of_objects})
