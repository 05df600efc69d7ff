"""Signed URLs with the credentials of fsspec's file systems.

Each function takes a request with the whole key, after the bucket, and raises NotImplementedError where the
credentials cannot sign it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fsspec.asyn import sync

from holdfast.drivers.azure import signature as azure
from holdfast.drivers.gcs import signature as gcs

if TYPE_CHECKING:
    from holdfast.drivers.protocol import SignRequest


def s3fs_url(fs: Any, bucket: str, request: SignRequest) -> str:
    """Return a URL with the client of an s3fs file system, which knows its credentials and endpoint."""
    if fs.anon:
        raise NotImplementedError(_anonymous("s3fs", "a key and its secret (username and password)"))
    headers = {"ContentType": request.content_type}
    if request.method == "GET":
        headers = {
            "ResponseContentType": request.content_type,
            "ResponseContentDisposition": request.content_disposition,
        }
    target = {"Bucket": bucket, "Key": request.key, **{name: value for name, value in headers.items() if value}}

    async def presigned() -> str:
        await fs.set_session()
        client = await fs.get_s3(bucket)
        client.meta.events.register_first("choose-signer.s3", _modern, unique_id="holdfast-presign")
        made: str = await client.generate_presigned_url(f"{request.method.lower()}_object", target, request.expires_in)
        return made

    url: str = sync(fs.loop, presigned)
    return url


def gcsfs_url(fs: Any, bucket: str, request: SignRequest) -> str:
    """Return a URL with the credentials of a gcsfs file system, if they can sign: those of a service account."""
    credentials = fs.credentials.credentials
    email, sign = getattr(credentials, "signer_email", None), getattr(credentials, "sign_bytes", None)
    if not email or sign is None:
        who = "as anybody" if credentials is None else f"with {type(credentials).__name__}"
        message = f"gcsfs cannot sign {who}; the file of a service account, given as token, can"
        raise NotImplementedError(message)
    return gcs.presigned_url(f"{fs._location}/{bucket}", request, gcs.ServiceAccount(email, sign), datetime.now(UTC))


def adlfs_url(fs: Any, container: str, request: SignRequest) -> str:
    """Return a URL with the account key of an adlfs file system."""
    client = fs.service_client
    name, key = (getattr(client.credential, part, None) for part in ("account_name", "account_key"))
    if name and key:
        address = client.primary_endpoint.partition("?")[0].rstrip("/")
        return azure.presigned_url(address, container, request, azure.Account(name, key), datetime.now(UTC))
    how = "give it account_key, or a connection_string with one"
    if "sig=" in client.primary_endpoint.partition("?")[2]:
        message = f"adlfs cannot sign with a SAS token, which is a signature itself: {how}"
    elif client.credential is None:
        message = _anonymous("adlfs", "account_key, or a connection_string with one")
    else:
        message = f"adlfs cannot sign with {type(client.credential).__name__} alone: {how}"
    raise NotImplementedError(message)


def _anonymous(library: str, what: str) -> str:
    return f"{library} asks without credentials, so it cannot sign URLs: give it {what}"


def _modern(signature_version: Any, **_: Any) -> str | None:
    """Choose Signature Version 4 for presigned URLs: left alone, botocore makes the old kind, which AWS refuses."""
    presigned = isinstance(signature_version, str) and signature_version.endswith("-query")
    return "s3v4-query" if presigned else None
