"""Unfinished uploads in the bucket of an obstore store, which obstore can neither list nor abort."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.drivers.obstore import s3_bucket

if TYPE_CHECKING:
    from holdfast.drivers.s3.requests import Bucket


def clear(bucket: Bucket, prefix: str | None, older_than: float, *, delete: bool) -> list[str]:
    """Abort the uploads for keys below `prefix` that were begun before `older_than`, and return their keys."""
    root = f"{prefix}/" if prefix else ""
    cleared: list[str] = []
    for upload in bucket.uploads(root):
        if upload.initiated is not None and upload.initiated < older_than:
            if delete:
                bucket.abort(upload)
            cleared.append(upload.key.removeprefix(root))
    return cleared


def bucket(store: Any) -> Bucket:
    """Return the bucket of an ``S3Store``.

    Raises:
        NotImplementedError: The credentials are known to obstore alone, or would go over an unencrypted connection.
    """
    return _checked(store, s3_bucket.find(store))


async def bucket_async(store: Any) -> Bucket:
    """Like `bucket`."""
    return _checked(store, await s3_bucket.find_async(store))


def _checked(store: Any, found: Bucket | None) -> Bucket:
    if found is None:
        message = (
            "only obstore sees the credentials, which come from the machine, so that unfinished uploads cannot be "
            "looked for: give the bucket the lifecycle rule AbortIncompleteMultipartUpload, or the storage "
            "a credential_provider (obstore.auth.boto3), or aws_access_key_id and aws_secret_access_key"
        )
        raise NotImplementedError(message)
    if not s3_bucket.is_encrypted(store, found.url):
        raise NotImplementedError(s3_bucket.unencrypted(found.url))
    return found
