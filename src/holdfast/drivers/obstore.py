"""Object stores through obstore: S3, GCS, Azure, memory, and any store object that obstore has.

obstore is native in both worlds, so each operation stands here twice, sync and async. Its runtime does not survive a
fork, hence the guard in `ObstoreDriver._open`, which every call goes through.
"""

from __future__ import annotations

import asyncio
import heapq
import threading
import time
from contextlib import aclosing, suppress
from datetime import timedelta
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

import obstore as obs
from obstore import exceptions
from obstore.store import AzureStore, GCSStore, ObjectStoreMethods, S3Store

from holdfast.drivers import obstore_values as values
from holdfast.drivers import threads
from holdfast.drivers.fork import ForkGuard
from holdfast.drivers.obstore_values import Window
from holdfast.drivers.parts import Head, Parts
from holdfast.drivers.protocol import MIB
from holdfast.drivers.threaded import ThreadedDriver
from holdfast.objects import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence

    from holdfast.drivers.body import Body
    from holdfast.drivers.protocol import PutOptions
    from holdfast.errors import StorageError

T = TypeVar("T")

SIGNING_STORES = (S3Store, GCSStore, AzureStore)
"""The stores that can sign URLs."""

_PAGE = 1000  # what S3 lists with one request
_SORTED_AT_ONCE = 50_000  # objects of an unordered store held in memory at a time
_STREAM = 8 * MIB

_fork = ForkGuard("obstore")


class ObstoreDriver:
    """An obstore store.

    Args:
        store: The store, or what makes it on first use.
    """

    def __init__(self, store: Any) -> None:
        made = isinstance(store, ObjectStoreMethods)
        self._store: Any = store if made else None
        self._make: Callable[[], Any] = store
        self._lock = threading.Lock()

    @property
    def native(self) -> Any:
        """The obstore store, made on first use and shared by all threads and event loops."""
        # Not guarded: it uses nothing, and `isinstance(driver, AsyncDriver)` looks at it before Python 3.12.
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

    # --- put

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write in one request up to `SINGLE_PUT_LIMIT`, beyond that in parts."""
        store = self._open()
        attributes = values.attributes(store, key, options)
        parts, head = Parts.plan(options, body.expected_size), Head.of(options)
        blocks = body.blocks(parts.size)
        if not (head.full or any(head.take(block) for block in blocks)):
            answer = self._put_whole(key, head, attributes, if_absent=options.if_absent)
            return _written(key, body, answer)
        if options.if_absent:
            self._refuse_taken(key)
        answer = obs.put(
            store,
            key,
            chain(head.release(), blocks),
            attributes=attributes,
            use_multipart=True,
            chunk_size=parts.size,
            max_concurrency=parts.concurrency,
        )
        return _written(key, body, answer)

    async def put_async(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Like `put`; when cancelled, the request under way is awaited and a multipart upload aborted."""
        # In a task of its own, so that a second cancellation cannot cut the clean-up short.
        task = asyncio.ensure_future(self._put_async(key, body, options))
        return await threads.finish(task, task.cancel)

    async def _put_async(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        attributes = values.attributes(self._open(), key, options)
        parts, head = Parts.plan(options, body.expected_size), Head.of(options)
        async with aclosing(body.blocks_async(parts.size)) as blocks:
            large = head.full
            while not large and (block := await anext(blocks, None)) is not None:
                large = head.take(block)
            if not large:
                answer = await self._put_whole_async(key, head, attributes, if_absent=options.if_absent)
                return _written(key, body, answer)
            if options.if_absent:
                await self._refuse_taken_async(key)
            await self._put_parts_async(key, head, blocks, attributes, parts)
        return await self.stat_async(key)  # the writer does not tell the etag

    def _put_whole(
        self, key: str, head: Head, attributes: dict[str, str] | None, *, if_absent: bool
    ) -> Mapping[str, Any]:
        store, payload = self._open(), head.payload()
        if if_absent:
            try:
                return obs.put(store, key, payload, attributes=attributes, mode="create", use_multipart=False)
            except values.CANNOT_CREATE:
                self._refuse_taken(key)
            except exceptions.AlreadyExistsError as error:
                # The answer to our own write may have been lost and the request repeated: then ours is what lies there.
                if not values.was_repeated(error):
                    raise
                found = obs.get(store, key)
                if not head.equals(found.bytes()):
                    raise
                return found.meta
        return obs.put(store, key, payload, attributes=attributes, use_multipart=False)

    async def _put_whole_async(
        self, key: str, head: Head, attributes: dict[str, str] | None, *, if_absent: bool
    ) -> Mapping[str, Any]:
        store, payload = self._open(), head.payload()
        if if_absent:
            try:
                return await _to_end(
                    obs.put_async(store, key, payload, attributes=attributes, mode="create", use_multipart=False)
                )
            except values.CANNOT_CREATE:
                await self._refuse_taken_async(key)
            except exceptions.AlreadyExistsError as error:
                if not values.was_repeated(error):
                    raise
                found = await obs.get_async(store, key)
                if not head.equals(await found.bytes_async()):
                    raise
                return found.meta
        return await _to_end(obs.put_async(store, key, payload, attributes=attributes, use_multipart=False))

    async def _put_parts_async(
        self,
        key: str,
        head: Head,
        blocks: AsyncIterator[memoryview],
        attributes: dict[str, str] | None,
        parts: Parts,
    ) -> None:
        # Not `put_async`: cancelling that leaves its multipart upload behind.
        writer = obs.open_writer_async(
            self._open(), key, attributes=attributes, buffer_size=parts.size, max_concurrency=parts.concurrency
        )
        try:
            # Each write to its end: one that is dropped while it creates the upload would leave the upload behind.
            for block in head.release():
                await _to_end(writer.write(block))
            async for block in blocks:
                await _to_end(writer.write(block))
        except BaseException as error:
            await writer.__aexit__(type(error), error, error.__traceback__)  # aborts
            raise
        await _to_end(writer.close())

    def _refuse_taken(self, key: str) -> None:
        with suppress(FileNotFoundError):
            obs.head(self._open(), key)
            raise FileExistsError(key)

    async def _refuse_taken_async(self, key: str) -> None:
        with suppress(FileNotFoundError):
            await obs.head_async(self._open(), key)
            raise FileExistsError(key)

    # --- read

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Yield the answer to one request as it comes in."""
        found, window = self._get(key, start, end)
        if found is None:
            return
        if chunk_size is None:
            yield bytes(found.bytes()) if window is None else b"".join(window.over(found.stream(_STREAM)))
            return
        chunks = found.stream(chunk_size)
        for chunk in chunks if window is None else window.over(chunks):
            yield from values.split(chunk, chunk_size)

    async def read_async(
        self, key: str, start: int, end: int | None, chunk_size: int | None
    ) -> AsyncIterator[bytes]:
        """Like `read`."""
        found, window = await self._get_async(key, start, end)
        if found is None:
            return
        if chunk_size is None and window is None:
            yield bytes(await found.bytes_async())
            return
        if chunk_size is None:
            yield b"".join([chunk async for chunk in window.over_async(found.stream(_STREAM))])
            return
        chunks = found.stream(chunk_size)
        async for chunk in chunks if window is None else window.over_async(chunks):
            for piece in values.split(chunk, chunk_size):
                yield piece

    def _get(self, key: str, start: int, end: int | None) -> tuple[Any, Window | None]:
        """Ask for a range; None for one that is empty, and a window if the answer is the whole object."""
        store, options = self._open(), values.span(start, end)
        if not options:
            return obs.get(store, key), None
        if end is not None and end <= start:
            return None, None
        try:
            return obs.get(store, key, options=options), None
        except exceptions.GenericError as error:
            if values.ignores_ranges(error):
                return obs.get(store, key), Window(start, end)
            if values.may_be_past_the_end(error) and obs.head(store, key)["size"] <= start:
                return None, None
            raise

    async def _get_async(self, key: str, start: int, end: int | None) -> tuple[Any, Window | None]:
        store, options = self._open(), values.span(start, end)
        if not options:
            return await obs.get_async(store, key), None
        if end is not None and end <= start:
            return None, None
        try:
            return await obs.get_async(store, key, options=options), None
        except exceptions.GenericError as error:
            if values.ignores_ranges(error):
                return await obs.get_async(store, key), Window(start, end)
            if values.may_be_past_the_end(error) and (await obs.head_async(store, key))["size"] <= start:
                return None, None
            raise

    def stat(self, key: str) -> ObjectInfo:
        """Describe with one request; ``obstore.head`` would leave the attributes out."""
        found = obs.get(self._open(), key, options={"head": True})
        return values.describe(found.meta, found.attributes)

    async def stat_async(self, key: str) -> ObjectInfo:
        """Like `stat`."""
        found = await obs.get_async(self._open(), key, options={"head": True})
        return values.describe(found.meta, found.attributes)

    # --- delete, copy, list

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
        await _to_end(self._delete_async(keys))

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
        await _to_end(obs.copy_async(self._open(), source, target))

    def list(self, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
        """List page by page, in order also where the service has none."""
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

    def sign(self, key: str, method: str, expires_in: int) -> str:
        """Sign with the store's credentials."""
        url: str = obs.sign(self._open(), method, key, timedelta(seconds=expires_in))  # type: ignore[call-overload]
        return url


def driver_for(store: Any) -> ObstoreDriver:
    """Return the driver for a store that the user made."""
    return SigningObstoreDriver(store) if isinstance(store, SIGNING_STORES) else ObstoreDriver(store)


async def _to_end(awaitable: Awaitable[T]) -> T:
    """Await to the end even when cancelled meanwhile."""
    return await threads.finish(asyncio.ensure_future(awaitable))


def _written(key: str, body: Body, answer: Mapping[str, Any]) -> ObjectInfo:
    # Object stores do not tell the time of a write: the clock at its acknowledgement is as near as it gets.
    return ObjectInfo(
        key, body.size, time.time(), etag=values.etag(answer["e_tag"]), version_id=answer["version"]
    )


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
