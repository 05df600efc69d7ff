"""Writing many objects at once: side by side up to a limit, or in one go where the driver has a cheaper way."""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from holdfast.drivers import threads
from holdfast.drivers.optional import BatchPut
from holdfast.drivers.protocol import SINGLE_PUT_LIMIT, Put, PutOptions
from holdfast.object_settings import NO_SETTINGS, ObjectSettings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from holdfast.backends.wrapping import Wrapping
    from holdfast.contents import Content
    from holdfast.drivers.body import Body
    from holdfast.drivers.protocol import Driver
    from holdfast.objects import ObjectInfo

_DEFAULTS = PutOptions()
_BATCH = 128  # a local batch holds one open file for each object


class PutRequest(NamedTuple):
    """One object to write; the fields are the arguments of `StorageBackend.put`, and one more.

    Attributes:
        fresh: The key was made for this object and holds an unguessable id, so what is found under it can only be
            an earlier attempt of this very write whose answer was lost.
    """

    key: str
    content: Content
    content_type: str | None = None
    metadata: Mapping[str, Any] | None = None
    if_absent: bool = False
    use_multipart: bool | None = None
    chunk_size: int | None = None
    max_concurrency: int | None = None
    object_settings: ObjectSettings = NO_SETTINGS
    fresh: bool = False

    def options(self) -> PutOptions:
        """Return the driver's options, with its defaults where nothing was asked for."""
        return PutOptions(
            content_type=self.content_type,
            metadata=dict(self.metadata or {}),
            if_absent=self.if_absent,
            use_multipart=self.use_multipart,
            chunk_size=self.chunk_size or _DEFAULTS.chunk_size,
            max_concurrency=self.max_concurrency or _DEFAULTS.max_concurrency,
            settings=self.object_settings,
            fresh=self.fresh,
        )


Outcomes: TypeAlias = "list[ObjectInfo | Exception]"
"""For each of many objects, in order, what became of it."""


class BatchWriter:
    """Writes the objects of one call of `StorageBackend.put_many`.

    Args:
        storage: Key of the storage, for the names of threads.
        driver: The driver, asked for its `BatchPut` ability.
        limit: Objects under way at once.
        wrapping: Wraps the errors of a batch, which is one operation.
    """

    def __init__(self, storage: str, driver: Driver, limit: int, wrapping: Wrapping) -> None:
        self._wrapping = wrapping
        self._put_many = driver.put_many if isinstance(driver, BatchPut) else None
        self._limit = limit
        self._pool = threads.Pool(f"holdfast-{storage}", limit)
        self._slots: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]
        self._slots = weakref.WeakKeyDictionary()

    def slot(self) -> asyncio.Semaphore:
        """Return what bounds the uploads of the running event loop whose content is at hand."""
        loop = asyncio.get_running_loop()
        if loop not in self._slots:
            self._slots[loop] = asyncio.Semaphore(self._limit)
        return self._slots[loop]

    def run(self, jobs: Sequence[tuple[PutRequest, Body]], put: Callable[[PutRequest, Body], ObjectInfo]) -> Outcomes:
        """Write with the calling thread and the storage's own."""
        outcomes: dict[int, ObjectInfo | Exception] = {}
        together, single = self._split(jobs)
        for part in together:
            outcomes.update(zip(part, self._write_batch(jobs, part), strict=True))
        if len(single) == 1:
            outcomes[single[0]] = _outcome(put, *jobs[single[0]])
        else:
            futures = {index: self._pool.submit(_outcome, put, *jobs[index]) for index in single}
            try:
                outcomes.update({index: future.result() for index, future in futures.items()})
            except BaseException:  # an interrupt: leave nothing running behind the caller's back
                for future in futures.values():
                    if not future.cancel():
                        future.exception()
                raise
        return [outcomes[index] for index in range(len(jobs))]

    async def run_async(
        self, jobs: Sequence[tuple[PutRequest, Body]], put: Callable[[PutRequest, Body], Awaitable[ObjectInfo]]
    ) -> Outcomes:
        """Write with tasks of the running loop; when cancelled, wait until all of them have stopped."""
        outcomes: dict[int, ObjectInfo | Exception] = {}
        together, single = self._split(jobs)
        own_slots = asyncio.Semaphore(self._limit)  # for content that holds no slot of the event loop's

        async def write_batch(part: list[int]) -> None:
            future = threads.blocking.submit(self._write_batch, jobs, part)
            bodies = [jobs[index][1] for index in part]
            done = await threads.run_to_end(future, lambda: _cancel(bodies))
            outcomes.update(zip(part, done, strict=True))

        async def write_one(index: int) -> None:
            try:
                async with own_slots:
                    outcomes[index] = await put(*jobs[index])
            except Exception as error:  # noqa: BLE001  # one object's failure is that object's outcome
                outcomes[index] = error

        writing = [*map(write_batch, together), *map(write_one, single)]
        if len(writing) == 1:  # a task of its own would take longer than the hash of a small file
            await writing[0]
        else:
            async with asyncio.TaskGroup() as group:
                for write in writing:
                    group.create_task(write)
        return [outcomes[index] for index in range(len(jobs))]

    def _split(self, jobs: Sequence[tuple[PutRequest, Body]]) -> tuple[list[list[int]], list[int]]:
        """Return which jobs to write in batches, and which one by one."""
        if self._put_many is None or len(jobs) == 1:
            return [], list(range(len(jobs)))
        small = [index for index, (_, body) in enumerate(jobs) if _is_small(body)]
        chosen = set(small)
        parts = [small[start : start + _BATCH] for start in range(0, len(small), _BATCH)]
        return parts, [index for index in range(len(jobs)) if index not in chosen]

    def _write_batch(self, jobs: Sequence[tuple[PutRequest, Body]], part: list[int]) -> Outcomes:
        batch = [jobs[index] for index in part]
        puts = [Put(request.key, body, request.options()) for request, body in batch]
        with self._wrapping("put_many", None) as seen:
            outcomes: Outcomes = [
                self._wrapping.outcome(outcome, "put", request.key, body)
                if isinstance(outcome, Exception)
                else as_streamed(outcome, request, body)
                for (request, body), outcome in zip(batch, self._attempt(puts), strict=True)
            ]
            seen.objects, seen.bytes_written = len(puts), sum(body.size for _, body in batch)
            seen.failures = [
                (put.key, outcome)
                for put, outcome in zip(puts, outcomes, strict=True)
                if isinstance(outcome, Exception)
            ]
        return outcomes

    def _attempt(self, puts: Sequence[Put]) -> Outcomes:
        assert self._put_many is not None  # noqa: S101  # `_split` makes no batches otherwise
        try:
            return self._put_many(puts)
        except Exception as error:  # noqa: BLE001  # such as a root folder that cannot be made: each object's outcome
            return [error] * len(puts)


def as_streamed(info: ObjectInfo, request: PutRequest, body: Body) -> ObjectInfo:
    """Complete a driver's answer with what was seen on the way."""
    return info._replace(
        size=body.size,
        checksum=body.checksum,
        content_type=request.content_type,
        metadata=dict(request.metadata or {}),
    )


def _cancel(bodies: Sequence[Body]) -> None:
    for body in bodies:
        body.cancel()


def _is_small(body: Body) -> bool:
    return not body.is_async and body.expected_size is not None and body.expected_size <= SINGLE_PUT_LIMIT


def _outcome(put: Callable[[PutRequest, Body], ObjectInfo], request: PutRequest, body: Body) -> ObjectInfo | Exception:
    try:
        return put(request, body)
    except Exception as error:  # noqa: BLE001  # one object's failure is that object's outcome
        return error
