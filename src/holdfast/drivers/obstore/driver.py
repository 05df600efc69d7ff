"""Object stores through obstore, whatever the service; what is special to one is in `services`.

obstore is native in both worlds. Its runtime does not survive a fork, hence the guard in `ObstoreDriver._open`, which
every call goes through.
"""

from __future__ import annotations

import heapq
import threading
import time
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import obstore as obs
from obstore.store import ObjectStoreMethods

from holdfast.drivers.abilities import Abilities
from holdfast.drivers.fork import ForkGuard
from holdfast.drivers.headers import check_headers
from holdfast.drivers.obstore import copying, deleting, failures, looking, reading, signing, values, writing
from holdfast.drivers.obstore.s3_bucket import is_true
from holdfast.drivers.threaded import ThreadedDriver
from holdfast.errors import AccessDeniedError, AuthenticationError
from holdfast.object_settings import NO_SETTINGS, ObjectSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from holdfast.drivers.body import Body
    from holdfast.drivers.optional import SignRequest
    from holdfast.drivers.protocol import PutOptions
    from holdfast.errors import StorageError
    from holdfast.objects import ObjectInfo

_BUCKET_KNOWN = 60.0  # seconds
_PAGE = 1000  # what S3 lists with one request
_SORTED_AT_ONCE = 50_000  # objects of an unordered store held in memory at a time

_fork = ForkGuard("obstore")


class ObstoreDriver:
    """An obstore store.

    Args:
        store: The store, or what makes it on first use.
    """

    abilities = Abilities()
    _bulk = 1000
    """Objects deleted with one request."""
    _not_copied: frozenset[str] = frozenset()
    """Settings that obstore sends with a put, and not with a copy; the service does not take them from the original."""

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
        return failures.classify(error)

    def check_settings(self, settings: ObjectSettings) -> None:
        """Refuse settings that the service would refuse.

        Raises:
            ConfigurationError: A value cannot be sent, or not with another one.
        """
        check_headers(settings)

    def _writer(self, settings: ObjectSettings) -> Any:
        """Return the store that writes with some settings."""
        self.check_settings(settings)
        return self._open()

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write in one request up to `SINGLE_PUT_LIMIT`, beyond that in parts."""
        return writing.put(self._writer(options.settings), key, body, options)

    async def put_async(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Like `put`; when cancelled, the request under way is awaited and a multipart upload aborted."""
        return await writing.put_async(self._writer(options.settings), key, body, options)

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Yield the answer to one request as it comes in."""
        return reading.read(self._open(), key, start, end, chunk_size)

    def read_async(self, key: str, start: int, end: int | None, chunk_size: int | None) -> AsyncIterator[bytes]:
        """Like `read`."""
        return reading.read_async(self._open(), key, start, end, chunk_size)

    def stat(self, key: str) -> ObjectInfo:
        """Describe with one request."""
        return looking.stat(self._open(), key)

    async def stat_async(self, key: str) -> ObjectInfo:
        """Like `stat`."""
        return await looking.stat_async(self._open(), key)

    def delete(self, keys: Sequence[str]) -> None:
        """Delete a thousand with one request where the service can."""
        deleting.delete(self._open(), keys, self._bulk)

    async def delete_async(self, keys: Sequence[str]) -> None:
        """Like `delete`; to the end, even when cancelled."""
        await writing.to_end(deleting.delete_async(self._open(), keys, self._bulk))

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Copy inside the service; through this process if it cannot be told the settings with a copy."""
        writer = self._writer(settings)
        if settings.given & self._not_copied:
            copying.copy(self._open(), writer, source, target, settings)
        else:
            obs.copy(writer, source, target)

    async def copy_async(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Like `copy`; to the end, even when cancelled."""
        writer = self._writer(settings)
        if settings.given & self._not_copied:
            await copying.copy_async(self._open(), writer, source, target, settings)
        else:
            await writing.to_end(obs.copy_async(writer, source, target))

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
    """A service with buckets, and one that can sign URLs: S3, GCS, Azure."""

    _bucket_until = 0.0  # until when the bucket is taken to be there

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Read obstore's error; who asks without credentials is not known, whatever the service calls that."""
        kind = super().classify(error)
        if kind is AccessDeniedError and is_true(self.native.config.get("skip_signature")):
            return AuthenticationError
        return kind

    def stat(self, key: str) -> ObjectInfo:
        """Describe with one request; if the object is missing, ask for the bucket as well, at most once a minute."""
        try:
            return super().stat(key)
        except FileNotFoundError:
            if time.monotonic() >= self._bucket_until:
                looking.need_bucket(self.native)
                self._bucket_until = time.monotonic() + _BUCKET_KNOWN
            raise

    async def stat_async(self, key: str) -> ObjectInfo:
        """Like `stat`."""
        try:
            return await super().stat_async(key)
        except FileNotFoundError:
            if time.monotonic() >= self._bucket_until:
                await looking.need_bucket_async(self.native)
                self._bucket_until = time.monotonic() + _BUCKET_KNOWN
            raise

    def sign(self, request: SignRequest) -> str:
        """Sign with the store's credentials, here or in obstore."""
        return signing.sign(self._open(), request)

    async def sign_async(self, request: SignRequest) -> str:
        """Like `sign`."""
        return await signing.sign_async(self._open(), request)


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
