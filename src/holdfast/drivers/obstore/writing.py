"""Writing through obstore: one request where the body fits in one, else parts; never half an object."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing, suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar, cast

import obstore as obs
from obstore.exceptions import AlreadyExistsError, PreconditionError

from holdfast.drivers import threads
from holdfast.drivers.obstore import failures, values
from holdfast.drivers.parts import Head, Parts
from holdfast.objects import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping

    from holdfast.drivers.body import Body
    from holdfast.drivers.protocol import PutOptions

T = TypeVar("T")
Extras = dict[str, Any]


def put(store: Any, key: str, body: Body, options: PutOptions) -> ObjectInfo:
    """Write a body."""
    extras = values.extras(store, key, options)
    parts, head = Parts.plan(options, body.expected_size), Head.of(options)
    blocks = body.blocks(parts.size)
    if not (head.full or any(head.take(block) for block in blocks)):
        return _written(key, body, _put_whole(store, key, head, extras, if_absent=options.if_absent))
    if options.if_absent:
        _refuse_taken(store, key)
    answer = obs.put(
        store,
        key,
        chain(head.release(), blocks),
        use_multipart=True,
        chunk_size=parts.size,
        max_concurrency=parts.concurrency,
        **extras,
    )
    return _written(key, body, answer)


async def put_async(store: Any, key: str, body: Body, options: PutOptions) -> ObjectInfo:
    """Like `put`; when cancelled, the request under way is awaited and a multipart upload aborted."""
    if body.is_at_hand and not options.use_multipart:
        return await _put_async(store, key, body, options)  # one request, which is awaited to its end
    # In a task of its own, so that a second cancellation cannot cut the clean-up short.
    task = asyncio.ensure_future(_put_async(store, key, body, options))
    return await threads.finish(task, task.cancel)


async def _put_async(store: Any, key: str, body: Body, options: PutOptions) -> ObjectInfo:
    extras = values.extras(store, key, options)
    parts, head = Parts.plan(options, body.expected_size), Head.of(options)
    reading = cast("AsyncGenerator[memoryview, None]", body.blocks_async(parts.size))
    async with aclosing(reading) as blocks:
        large = head.full
        while not large and (block := await anext(blocks, None)) is not None:
            large = head.take(block)
        if not large:
            answer = await _put_whole_async(store, key, head, extras, if_absent=options.if_absent)
            return _written(key, body, answer)
        if options.if_absent:
            await _refuse_taken_async(store, key)
        # Not `obstore.put_async`: cancelling that leaves its multipart upload behind.
        writer = obs.open_writer_async(store, key, buffer_size=parts.size, max_concurrency=parts.concurrency, **extras)
        await _write_parts(writer, head, blocks)
    found = await obs.head_async(store, key)  # the writer does not tell the etag
    return values.describe(found)


def _put_whole(store: Any, key: str, head: Head, extras: Extras, *, if_absent: bool) -> Mapping[str, Any]:
    payload = head.payload()
    if if_absent:
        try:
            return obs.put(store, key, payload, mode="create", use_multipart=False, **extras)
        except values.CANNOT_CREATE:
            _refuse_taken(store, key)
        except PreconditionError as error:
            raise FileExistsError(key) from error
        except AlreadyExistsError as error:
            # The answer to our own write may have been lost and the request repeated: then ours is what lies there.
            if not failures.was_repeated(error):
                raise
            found = obs.get(store, key)
            if not head.equals(found.bytes()):
                raise
            return found.meta
    return obs.put(store, key, payload, use_multipart=False, **extras)


async def _put_whole_async(store: Any, key: str, head: Head, extras: Extras, *, if_absent: bool) -> Mapping[str, Any]:
    payload = head.payload()
    if if_absent:
        try:
            return await to_end(obs.put_async(store, key, payload, mode="create", use_multipart=False, **extras))
        except values.CANNOT_CREATE:
            await _refuse_taken_async(store, key)
        except PreconditionError as error:
            raise FileExistsError(key) from error
        except AlreadyExistsError as error:
            if not failures.was_repeated(error):
                raise
            found = await obs.get_async(store, key)
            if not head.equals(await found.bytes_async()):
                raise
            return found.meta
    return await to_end(obs.put_async(store, key, payload, use_multipart=False, **extras))


async def _write_parts(writer: Any, head: Head, blocks: AsyncIterator[memoryview]) -> None:
    try:
        # Each write to its end: one that is dropped while it creates the upload would leave the upload behind.
        for block in head.release():
            await to_end(writer.write(block))
        async for block in blocks:
            await to_end(writer.write(block))
    except BaseException as error:
        await writer.__aexit__(type(error), error, error.__traceback__)  # aborts
        raise
    await to_end(writer.close())


def _refuse_taken(store: Any, key: str) -> None:
    with suppress(FileNotFoundError):
        obs.head(store, key)
        raise FileExistsError(key)


async def _refuse_taken_async(store: Any, key: str) -> None:
    with suppress(FileNotFoundError):
        await obs.head_async(store, key)
        raise FileExistsError(key)


def _written(key: str, body: Body, answer: Mapping[str, Any]) -> ObjectInfo:
    # Object stores do not tell the time of a write: the clock at its acknowledgement is as near as it gets.
    return ObjectInfo(key, body.size, time.time(), etag=values.etag(answer["e_tag"]), version_id=answer["version"])


async def to_end(awaitable: Awaitable[T]) -> T:
    """Await to the end even when cancelled meanwhile."""
    return await threads.finish(asyncio.ensure_future(awaitable))
