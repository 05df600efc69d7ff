"""Object stores through obstore: S3, GCS, Azure, memory, and any store object that obstore has.

obstore is native in both worlds. Its runtime does not survive a fork, hence the guard in `ObstoreDriver._open`, which
every call goes through.
"""

from __future__ import annotations

import heapq
import threading
from contextlib import suppress
from datetime import timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import obstore as obs
from obstore.store import AzureStore, GCSStore, ObjectStoreMethods, S3Store

from holdfast.drivers import threads
from holdfast.drivers.abilities import Abilities
from holdfast.drivers.fork import ForkGuard
from holdfast.drivers.obstore import partial_uploads, reading, values, writing
from holdfast.drivers.threaded import ThreadedDriver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from holdfast.drivers.body import Body
    from holdfast.drivers.protocol import PutOptions, SignRequest
    from holdfast.errors import StorageError
    from holdfast.objects import ObjectInfo

SIGNING_STORES = (S3Store, GCSStore, AzureStore)
"""The stores that can sign URLs."""

_PAGE = 1000  # what S3 lists with one request
_SORTED_AT_ONCE = 50_000  # objects of an unordered store held in memory at a time

_fork = ForkGuard("obstore")


class ObstoreDriver:
    """An obstore store.

    Args:
        store: The store, or what makes it on first use.
    """

    abilities = Abilities()

    def __init__(self, store: Any) -> None:
        self._store: Any = store if isinstance(store, ObjectStoreMethods) else None
        self._make: Callable[[], Any] = store
        self._lock = threading.Lock()

    @property
    def native(self) -> Any:
        """The obstore store, made on first use and shared by all threads and event loops."""
        # Not guarded: making a store starts nothing that a fork could break.
        if self._store is None:
            with self._lock:
                if self._store is None:
                    self._store = self._make()
        return self._store

    def _open(self) -> Any:
        _fork.enter()
        return self.native

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Read obstore's class, and its text where one class stands for many things."""
        return values.classify(error)

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write in one request up to `SINGLE_PUT_LIMIT`, beyond that in parts."""
        return writing.put(self._open(), key, body, options)

    async def put_async(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Like `put`; when cancelled, the request under way is awaited and a multipart upload aborted."""
        return await writing.put_async(self._open(), key, body, options)

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Yield the answer to one request as it comes in."""
        return reading.read(self._open(), key, start, end, chunk_size)

    def read_async(self, key: str, start: int, end: int | None, chunk_size: int | None) -> AsyncIterator[bytes]:
        """Like `read`."""
        return reading.read_async(self._open(), key, start, end, chunk_size)

    def stat(self, key: str) -> ObjectInfo:
        """Describe with one request; ``obstore.head`` would leave the attributes out."""
        found = obs.get(self._open(), key, options={"head": True})
        return values.describe(found.meta, found.attributes)

    async def stat_async(self, key: str) -> ObjectInfo:
        """Like `stat`."""
        found = await obs.get_async(self._open(), key, options={"head": True})
        return values.describe(found.meta, found.attributes)

    def delete(self, keys: Sequence[str]) -> None:
        """Delete a thousand with one request where the service can."""
        store = self._open()
        for page in values.pages(keys):
            try:
                obs.delete(store, page)
            except FileNotFoundError as error:
                values.refuse_missing_bucket(error)
                # One is gone already and the others may not have been tried.
                for key in page:
                    with suppress(FileNotFoundError):
                        obs.delete(store, key)

    async def delete_async(self, keys: Sequence[str]) -> None:
        """Like `delete`; to the end, even when cancelled."""
        await writing.to_end(self._delete_async(keys))

    async def _delete_async(self, keys: Sequence[str]) -> None:
        store = self._open()
        for page in values.pages(keys):
            try:
                await obs.delete_async(store, page)
            except FileNotFoundError as error:
                values.refuse_missing_bucket(error)
                for key in page:
                    with suppress(FileNotFoundError):
                        await obs.delete_async(store, key)

    def copy(self, source: str, target: str) -> None:
        """Copy inside the service."""
        obs.copy(self._open(), source, target)

    async def copy_async(self, source: str, target: str) -> None:
        """Like `copy`; to the end, even when cancelled."""
        await writing.to_end(obs.copy_async(self._open(), source, target))

    def list(self, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
        """List page by page; in order also where the service has none."""
        store = self._open()
        if isinstance(store, values.PLAIN_STORES):
            yield from _sorted(store, prefix, after)
            return
        for page in _pages(store, prefix, after):
            yield from values.described(page, after)

    async def list_async(self, prefix: str, after: str | None) -> AsyncIterator[ObjectInfo]:
        """Like `list`."""
        store = self._open()
        if isinstance(store, values.PLAIN_STORES):
            async for info in ThreadedDriver(self).list_async(prefix, after):
                yield info
            return
        async for page in _pages(store, prefix, after):
            for info in values.described(page, after):
                yield info


class SigningObstoreDriver(ObstoreDriver):
    """A store that can sign URLs: S3, GCS, Azure."""

    def sign(self, request: SignRequest) -> str:
        """Sign with the store's credentials."""
        method: Any = request.method
        return obs.sign(self._open(), method, request.key, timedelta(seconds=request.expires_in))


class S3ObstoreDriver(SigningObstoreDriver):
    """S3, whose unfinished uploads stay, and cost, until they are aborted."""

    def clear_partial_uploads(self, older_than: float, *, delete: bool) -> list[str]:
        """List and abort multipart uploads with requests of our own, which obstore has no call for."""
        store = self._open()
        return partial_uploads.clear(partial_uploads.bucket(store), store.prefix, older_than, delete=delete)

    async def clear_partial_uploads_async(self, older_than: float, *, delete: bool) -> list[str]:
        """Like `clear_partial_uploads`; to the end, even when cancelled."""
        store = self._open()
        bucket = await partial_uploads.bucket_async(store)
        work = threads.blocking.submit(partial_uploads.clear, bucket, store.prefix, older_than, delete=delete)
        return await threads.run_to_end(work)


def driver_for(store: Any) -> ObstoreDriver:
    """Return the driver for a store that the user made."""
    if isinstance(store, S3Store):
        return S3ObstoreDriver(store)
    return SigningObstoreDriver(store) if isinstance(store, SIGNING_STORES) else ObstoreDriver(store)


def _pages(store: Any, prefix: str, after: str | None) -> Any:
    return obs.list(store, prefix or None, offset=values.offset(after), chunk_size=_PAGE)


def _sorted(store: Any, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
    """List in passes, each of which finds the next keys in order."""
    while True:
        found = (info for page in _pages(store, prefix, after) for info in values.described(page, after))
        batch = heapq.nsmallest(_SORTED_AT_ONCE, found, key=attrgetter("key"))
        yield from batch
        if len(batch) < _SORTED_AT_ONCE:
            return
        after = batch[-1].key
