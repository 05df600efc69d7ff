"""Direct uploads with the credentials of fsspec's file systems.

Each function takes the whole key, after the bucket. Requests of our own are signed like URLs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.drivers.azure import uploads as azure
from holdfast.drivers.fsspec import signing
from holdfast.drivers.gcs import uploads as gcs
from holdfast.drivers.s3 import uploads as s3
from holdfast.object_settings import ObjectSettings

if TYPE_CHECKING:
    from holdfast.drivers.optional import UploadOffer, UploadTerms

_S3_OWN = {
    "storage_class": "StorageClass",
    "encryption": "ServerSideEncryption",
    "encryption_key": "SSEKMSKeyId",
    "cache_control": "CacheControl",
}
"""What a user may have told s3fs to send with each write."""


def s3fs_offer(fs: Any, bucket: str, terms: UploadTerms) -> UploadOffer:
    """Return how a client uploads to the bucket of an s3fs file system."""
    own = ObjectSettings(**{field: fs.s3_additional_kwargs.get(name) for field, name in _S3_OWN.items()})
    return s3.offer(signing.s3fs_bucket(fs, bucket), terms._replace(settings=terms.settings.over(own)))


def s3fs_finish(fs: Any, bucket: str, key: str, upload_id: str) -> None:
    """Make a multipart upload an object."""
    s3.finish(signing.s3fs_bucket(fs, bucket), key, upload_id)


def gcsfs_offer(fs: Any, bucket: str, terms: UploadTerms) -> UploadOffer:
    """Return how a client uploads to the bucket of a gcsfs file system."""
    return gcs.offer(gcsfs_bucket(fs, bucket), terms)


def gcsfs_finish(fs: Any, bucket: str, key: str, upload_id: str) -> None:
    """Make a multipart upload an object."""
    gcs.finish(gcsfs_bucket(fs, bucket), key, upload_id)


def adlfs_offer(fs: Any, container: str, terms: UploadTerms) -> UploadOffer:
    """Return how a client uploads to the container of an adlfs file system."""
    return azure.offer(adlfs_container(fs, container), terms)


def adlfs_finish(fs: Any, container: str, key: str, upload_id: str) -> None:
    """Make blocks a blob."""
    azure.finish(adlfs_container(fs, container), key, upload_id)


def gcsfs_bucket(fs: Any, bucket: str) -> gcs.Bucket:
    """Return the bucket of a gcsfs file system, for requests of our own."""
    endpoint, account = signing.gcsfs_account(fs)
    return gcs.Bucket(endpoint, bucket, account)


def adlfs_container(fs: Any, container: str) -> azure.Container:
    """Return the container of an adlfs file system, for requests of our own."""
    address, account = signing.adlfs_account(fs)
    return azure.Container(address, container, account)
