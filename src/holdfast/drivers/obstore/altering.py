"""Objects that are changed where they lie, in obstore's stores; obstore has no call for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import obstore as obs
from obstore.exceptions import PreconditionError

from holdfast.drivers.azure import altering as azure
from holdfast.drivers.gcs import altering as gcs
from holdfast.drivers.obstore import s3_bucket, signing, uploads, values
from holdfast.drivers.protocol import PutOptions
from holdfast.drivers.s3 import altering as s3
from holdfast.object_settings import ObjectSettings

if TYPE_CHECKING:
    from holdfast.drivers.altering import Change
    from holdfast.drivers.s3.requests import Bucket

_TRIES = 3  # for an object that is always replaced meanwhile


def s3_bucket_of(store: Any) -> Bucket:
    """Return the bucket of an ``S3Store``, for requests of our own.

    Raises:
        NotImplementedError: The credentials are known to obstore alone, or would go over an unencrypted connection.
    """
    found = s3_bucket.find(store)
    if found is None:
        message = (
            f"only obstore sees the credentials, so that objects cannot be changed: give the storage {signing.S3_KEYS}"
        )
        raise NotImplementedError(message)
    if not s3_bucket.is_encrypted(store, found.url):
        raise NotImplementedError(s3_bucket.unencrypted(found.url))
    return found


def s3_alter(store: Any, key: str, change: Change) -> bool:
    """Let S3 copy an object onto itself."""
    return s3.alter(s3_bucket_of(store), signing.below(store, key), change)


def gcs_alter(store: Any, key: str, change: Change) -> bool:
    """Let Google copy an object onto itself."""
    return gcs.alter(uploads.gcs_bucket(store), signing.below(store, key), change)


def azure_alter(store: Any, key: str, change: Change) -> bool:
    """Let Azure change a blob."""
    return azure.alter(uploads.azure_container(store), signing.below(store, key), change)


def memory_alter(store: Any, key: str, change: Change) -> bool:
    """Write an object of a ``MemoryStore`` anew, with the same bytes, unless it was replaced meanwhile."""
    for attempt in range(_TRIES):
        found = obs.get(store, key)
        meta, before = found.meta, dict(found.attributes)
        data = bytes(found.bytes())
        info = values.describe(meta, before)
        own = ObjectSettings(**values.headers(before), storage_class=before.get("Storage-Class"))
        metadata = info.metadata if change.metadata is None else change.metadata
        options = PutOptions(change.content_type or info.content_type, metadata, settings=change.settings.over(own))
        extras = values.extras(store, key, options)
        if extras["attributes"] == before:
            return False
        try:
            obs.put(store, key, data, mode={"e_tag": meta["e_tag"]}, use_multipart=False, **extras)
        except PreconditionError:
            if attempt == _TRIES - 1:
                raise
        else:
            return True
    raise AssertionError  # pragma: no cover
