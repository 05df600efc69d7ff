"""Copies into obstore's stores that the service makes by itself; obstore can ask for them inside one bucket only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.drivers.azure import copying as azure
from holdfast.drivers.beside import ELSEWHERE, refused
from holdfast.drivers.content_types import sendable
from holdfast.drivers.gcs import copying as gcs
from holdfast.drivers.metadata import encode_metadata
from holdfast.drivers.obstore import failures, s3_bucket, signing, uploads
from holdfast.drivers.optional import Refusal
from holdfast.drivers.s3 import copying as s3
from holdfast.errors import MissingExtraError
from holdfast.object_settings import ObjectSettings

if TYPE_CHECKING:
    from holdfast.drivers.beside import Beside
    from holdfast.drivers.protocol import PutOptions
    from holdfast.drivers.s3.requests import Bucket
    from holdfast.objects import ObjectInfo


def s3_copy(
    store: Any, bucket: Bucket | None, source: ObjectInfo, target: str, options: PutOptions, *, there: Beside | None
) -> Refusal | None:
    """Let S3 copy an object.

    Args:
        store: Where to.
        bucket: The store's, see `holdfast.drivers.obstore.s3_bucket.find`.
        source: The object.
        target: Key of the copy.
        options: How to write it.
        there: Where the object is, see `holdfast.drivers.beside`.
    """
    if there is None:
        return ELSEWHERE
    if bucket is None:
        return Refusal(f"only obstore sees the credentials: give the storage {signing.S3_KEYS}", lasting=True)
    if not s3_bucket.is_encrypted(store, bucket.url):
        return Refusal(s3_bucket.unencrypted(bucket.url), lasting=True)
    if source.etag is None:
        return Refusal("the object has no entity tag")
    original = s3.Original(there.bucket, there.folder + source.key, source.size, source.etag)
    settings = options.settings.over(_own(store))
    written = s3.Written(sendable(options.content_type), encode_metadata(options.metadata), settings)
    return s3.copy(bucket, original, signing.below(store, target), written)


def _own(store: Any) -> ObjectSettings:
    """Return what a store writes all objects with."""
    encryption, key, checksum = map(
        store.config.get, ("server_side_encryption", "sse_kms_key_id", "checksum_algorithm")
    )
    return ObjectSettings(encryption=encryption, encryption_key=key, checksum_algorithm=checksum)


def gcs_copy(
    store: Any, source: ObjectInfo, target: str, options: PutOptions, *, there: Beside | None
) -> Refusal | None:
    """Let Google copy an object, likewise."""
    if there is None:
        return ELSEWHERE
    try:
        bucket = uploads.gcs_bucket(store)
        original = (there.bucket, there.folder + source.key, source.version_id)
        kind, metadata = sendable(options.content_type), encode_metadata(options.metadata)
        gcs.copy(bucket, original, signing.below(store, target), kind, metadata, settings=options.settings)
    except MissingExtraError as error:
        return Refusal(str(error), lasting=True)
    except (OSError, NotImplementedError) as error:
        return _refused(error)
    return None


def azure_copy(
    store: Any, source: ObjectInfo, target: str, options: PutOptions, *, there: Beside | None
) -> Refusal | None:
    """Let Azure copy a blob, likewise."""
    if there is None:
        return ELSEWHERE
    if unsaid := options.settings.given - azure.TOLD:
        return Refusal(f"a copy cannot be told {' and '.join(sorted(unsaid))}", lasting=True)
    if source.size > azure.LIMIT:
        return Refusal(f"a copy takes at most {azure.LIMIT} bytes")
    try:
        container = uploads.azure_container(store)
        original = (there.bucket, there.folder + source.key, source.etag)
        azure.copy(container, original, signing.below(store, target), options.settings)
    except (OSError, NotImplementedError) as error:
        return _refused(error)
    return None


def _refused(error: OSError | NotImplementedError) -> Refusal:
    if (refusal := refused(error, failures.classify(error))) is None:
        raise error
    return refusal
