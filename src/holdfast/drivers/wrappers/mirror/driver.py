"""Writes to several storages and reads from the first that has it.

The first storage decides: whether a key is taken, whether a put succeeds, what is listed. The others follow it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from holdfast.drivers.body import Body
from holdfast.drivers.optional import AsyncSigner, Signer
from holdfast.drivers.protocol import MIB, PutOptions
from holdfast.drivers.wrappers.mirror import reading
from holdfast.drivers.wrappers.mirror.copies import not_written
from holdfast.drivers.wrappers.mirror.replica import ReplicaError
from holdfast.drivers.wrappers.mirror.writing import Writing
from holdfast.drivers.wrappers.partial_uploads import ClearsEach
from holdfast.object_settings import NO_SETTINGS, ObjectSettings
from holdfast.sources import AsyncIterableSource, IterableSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

    from holdfast.drivers.abilities import Abilities
    from holdfast.drivers.optional import SignRequest
    from holdfast.drivers.protocol import AsyncDriver, Driver
    from holdfast.drivers.wrappers.mirror.replica import Replica
    from holdfast.errors import StorageError
    from holdfast.objects import ObjectInfo

T = TypeVar("T")


class MirrorDriver(ClearsEach):
    """Several drivers that hold the same objects.

    Args:
        replicas: The storages, the one that decides first.
        require: Copies without which a put fails, the first among them.
        timeout: Seconds after which a copy that makes no progress is given up; None for never.
    """

    def __init__(self, replicas: Sequence[Replica], require: int = 1, timeout: float | None = None) -> None:
        self.replicas = tuple(replicas)
        self._first, *self._others = self.replicas
        self._writing = Writing(self.replicas, require, timeout)
        self._abilities = _shared(self.replicas)
        if isinstance(self._first.plain, Signer):
            self.sign = self._sign
        if isinstance(self._first.plain, AsyncSigner):
            self.sign_async = self._sign_async
        super().__init__(self.behind)

    @property
    def behind(self) -> Sequence[Driver]:
        """What does the work."""
        return [replica.plain for replica in self.replicas]

    @property
    def abilities(self) -> Abilities:
        """What all of them have."""
        return self._abilities

    @property
    def native(self) -> Any:
        """The own object of the first."""
        return self._first.driver.native

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Return what the replica's own driver said."""
        return error.kind if isinstance(error, ReplicaError) else None

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write to all at once; see `Writing`."""
        return self._writing.put(key, body, options)

    async def put_async(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Like `put`; when cancelled, only copies that hang may still be written when it ends."""
        return await self._writing.put_async(key, body, options)

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Read from the first that has it; what is cut off goes on with the next."""
        return reading.read(self.replicas, key, start, end, chunk_size)

    def read_async(self, key: str, start: int, end: int | None, chunk_size: int | None) -> AsyncIterator[bytes]:
        """Like `read`."""
        return reading.read_async(self.replicas, key, start, end, chunk_size)

    def stat(self, key: str) -> ObjectInfo:
        """Describe an object as the first describes it that has it."""
        return self._one(lambda driver: driver.stat(key), f"stat of {key!r}")

    async def stat_async(self, key: str) -> ObjectInfo:
        """Like `stat`."""
        return await self._one_async(lambda driver: driver.stat_async(key), f"stat of {key!r}")

    def delete(self, keys: Sequence[str]) -> None:
        """Delete everywhere. Where that fails, it is to be tried again: what is left would come back to light."""
        failures = []
        for replica in self.replicas:
            try:
                replica.driver.delete(keys)
            except Exception as error:  # noqa: BLE001  # the others still have their turn
                failures.append(replica.failure(error))
        if failures:
            raise failures[0]

    async def delete_async(self, keys: Sequence[str]) -> None:
        """Like `delete`."""
        failures = []
        for replica in self.replicas:
            try:
                await replica.driver.delete_async(keys)
            except Exception as error:  # noqa: BLE001  # as above
                failures.append(replica.failure(error))
        if failures:
            raise failures[0]

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Copy inside each of them; if the first has lost the original, from one that has it."""
        try:
            self._first.driver.copy(source, target, self._first.with_own(settings))
        except Exception as error:
            failure = self._first.failure(error)
            if not failure.is_missing:
                raise failure from error
            info = self.stat(source)
            body = Body(IterableSource(self.read(source, 0, None, MIB)), None, None)
            self.put(target, body, _like(info, settings))
            return
        failures = []
        for replica in self._others:
            try:
                replica.driver.copy(source, target, replica.with_own(settings))
            except Exception as error:  # noqa: BLE001  # logged, and counted
                failures.append(not_written(replica, target, error))
        if self._writing.misses(failures):
            raise failures[0]

    async def copy_async(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Like `copy`."""
        try:
            await self._first.driver.copy_async(source, target, self._first.with_own(settings))
        except Exception as error:
            failure = self._first.failure(error)
            if not failure.is_missing:
                raise failure from error
            info = await self.stat_async(source)
            body = Body(AsyncIterableSource(self.read_async(source, 0, None, MIB)), None, None)
            await self.put_async(target, body, _like(info, settings))
            return
        failures = []
        for replica in self._others:
            try:
                await replica.driver.copy_async(source, target, replica.with_own(settings))
            except Exception as error:  # noqa: BLE001  # logged, and counted
                failures.append(not_written(replica, target, error))
        if self._writing.misses(failures):
            raise failures[0]

    # --- what only some drivers can do

    def _sign(self, request: SignRequest) -> str:
        url: str = self._first.plain.sign(request)  # type: ignore[attr-defined]  # bound only to a `Signer`
        return url

    async def _sign_async(self, request: SignRequest) -> str:
        url: str = await self._first.plain.sign_async(request)  # type: ignore[attr-defined]  # bound to an `AsyncSigner`
        return url

    # --- failures

    def _one(self, call: Callable[[AsyncDriver], T], what: str) -> T:
        failures = []
        for replica in self.replicas:
            try:
                return call(replica.driver)
            except Exception as error:  # noqa: BLE001  # the next one has its turn
                failures.append(reading.failed(replica, error, what))
        raise failures[0]

    async def _one_async(self, call: Callable[[AsyncDriver], Awaitable[T]], what: str) -> T:
        failures = []
        for replica in self.replicas:
            try:
                return await call(replica.driver)
            except Exception as error:  # noqa: BLE001  # the next one has its turn
                failures.append(reading.failed(replica, error, what))
        raise failures[0]

    def list(self, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
        """List the first that can be asked."""
        return reading.listed(self.replicas, prefix, after)

    def list_async(self, prefix: str, after: str | None) -> AsyncIterator[ObjectInfo]:
        """Like `list`."""
        return reading.listed_async(self.replicas, prefix, after)


def _like(info: ObjectInfo, settings: ObjectSettings) -> PutOptions:
    return PutOptions(info.content_type, info.metadata, settings=settings)


def _shared(replicas: Sequence[Replica]) -> Abilities:
    """Return what all have; what only a write answers, and whether a key is taken, is for the first to say."""
    first, *others = (replica.driver.abilities for replica in replicas)
    shared = {
        name: all([value, *(getattr(other, name) for other in others)])
        for name, value in first._asdict().items()
        if name not in {"settings", "versions", "atomic_create"}
    }
    settings = first.settings.intersection(*(other.settings for other in others))
    return first._replace(**shared, settings=settings)
