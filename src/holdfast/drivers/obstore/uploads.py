"""Direct uploads into obstore's stores: signed here, with the store's credentials, as signed URLs are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.drivers.azure import uploads as azure
from holdfast.drivers.gcs import uploads as gcs
from holdfast.drivers.obstore import accounts, s3_bucket, signing
from holdfast.drivers.s3 import uploads as s3
from holdfast.object_settings import ObjectSettings

if TYPE_CHECKING:
    from holdfast.drivers.optional import UploadOffer, UploadTerms
    from holdfast.drivers.s3.requests import Bucket


def s3_offer(store: Any, terms: UploadTerms) -> UploadOffer:
    """Return how a client uploads to an ``S3Store``.

    Raises:
        NotImplementedError: The credentials are known to obstore alone, or S3 cannot take that.
    """
    encryption, key = (store.config.get(name) for name in ("server_side_encryption", "sse_kms_key_id"))
    own = ObjectSettings(encryption=encryption, encryption_key=key)
    whole = terms._replace(key=signing.below(store, terms.key), settings=terms.settings.over(own))
    return s3.offer(_s3(store, sends=terms.in_parts), whole)


def s3_finish(store: Any, key: str, upload_id: str) -> None:
    """Make a multipart upload an object."""
    s3.finish(_s3(store, sends=True), signing.below(store, key), upload_id)


def gcs_offer(store: Any, terms: UploadTerms) -> UploadOffer:
    """Return how a client uploads to a ``GCSStore``, likewise."""
    return gcs.offer(gcs_bucket(store, sends=terms.in_parts), terms._replace(key=signing.below(store, terms.key)))


def gcs_finish(store: Any, key: str, upload_id: str) -> None:
    """Make a multipart upload an object."""
    gcs.finish(gcs_bucket(store, sends=True), signing.below(store, key), upload_id)


def azure_offer(store: Any, terms: UploadTerms) -> UploadOffer:
    """Return how a client uploads to an ``AzureStore``, likewise."""
    return azure.offer(azure_container(store, sends=False), terms._replace(key=signing.below(store, terms.key)))


def azure_finish(store: Any, key: str, upload_id: str) -> None:
    """Make blocks a blob."""
    azure.finish(azure_container(store, sends=True), signing.below(store, key), upload_id)


def _s3(store: Any, *, sends: bool) -> Bucket:
    """Return the bucket of an ``S3Store``; with `sends`, only if its address may be spoken to."""
    found = s3_bucket.find(store)
    if found is None:
        raise _hidden(signing.S3_KEYS)
    if sends and not s3_bucket.is_encrypted(store, found.url):
        raise NotImplementedError(s3_bucket.unencrypted(found.url))
    return found


def gcs_bucket(store: Any, *, sends: bool = True) -> gcs.Bucket:
    """Return the bucket of a ``GCSStore``; with `sends`, only if its address may be spoken to.

    Raises:
        NotImplementedError: The credentials are known to obstore alone, or would go over an unencrypted connection.
    """
    place = accounts.gcs_place(store)
    if place is None:
        raise _hidden(signing.GCS_KEYS)
    bucket = gcs.Bucket(*place, s3_bucket.connection(store))
    if sends and not s3_bucket.is_encrypted(store, bucket.url, "GOOGLE_ALLOW_HTTP"):
        raise NotImplementedError(s3_bucket.unencrypted(bucket.url, "allow_http"))
    return bucket


def azure_container(store: Any, *, sends: bool = True) -> azure.Container:
    """Return the container of an ``AzureStore``, likewise."""
    place = accounts.azure_place(store)
    if place is None:
        raise _hidden(signing.AZURE_KEYS)
    container = azure.Container(*place, s3_bucket.connection(store))
    is_plain = not (accounts.is_emulated(store) or s3_bucket.is_encrypted(store, container.address, "AZURE_ALLOW_HTTP"))
    if sends and is_plain:
        raise NotImplementedError(s3_bucket.unencrypted(container.address, "azure_storage_allow_http"))
    return container


def _hidden(keys: str) -> NotImplementedError:
    message = (
        "only obstore sees the credentials, if there are any, so that uploads of clients cannot be signed: give the "
        f"storage {keys}"
    )
    return NotImplementedError(message)
