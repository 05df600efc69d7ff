"""Describing an object: HEAD, and where that fails a second question, since its answers have no text to say why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import obstore as obs
from obstore.exceptions import BaseError

from holdfast.drivers.obstore import failures, values
from holdfast.errors import BucketNotFoundError

if TYPE_CHECKING:
    from holdfast.objects import ObjectInfo

_HEAD: Any = {"head": True}  # ``obstore.head`` would leave the attributes out


def stat(store: Any, key: str) -> ObjectInfo:
    """Describe an object."""
    try:
        found = obs.get(store, key, options=_HEAD)
    except Exception as error:
        if failures.was_denied_without_reason(error):
            obs.get(store, key)
        raise
    return values.describe(found.meta, found.attributes)


async def stat_async(store: Any, key: str) -> ObjectInfo:
    """Like `stat`."""
    try:
        found = await obs.get_async(store, key, options=_HEAD)
    except Exception as error:
        if failures.was_denied_without_reason(error):
            await obs.get_async(store, key)
        raise
    return values.describe(found.meta, found.attributes)


def need_bucket(store: Any) -> None:
    """Raise if the bucket does not exist; who may not list it must do without knowing."""
    try:
        next(iter(obs.list(store, chunk_size=1)), None)
    except (BaseError, OSError) as error:
        if failures.classify(error) is BucketNotFoundError:
            raise


async def need_bucket_async(store: Any) -> None:
    """Like `need_bucket`."""
    try:
        await anext(aiter(obs.list(store, chunk_size=1)), None)
    except (BaseError, OSError) as error:
        if failures.classify(error) is BucketNotFoundError:
            raise
