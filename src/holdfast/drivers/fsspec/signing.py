"""Signed URLs with the credentials of fsspec's file systems.

Each function takes a request with the whole key, after the bucket, and raises NotImplementedError where the
credentials cannot sign it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from fsspec.asyn import sync

from holdfast.drivers.azure import signature as azure
from holdfast.drivers.fetching import Connection
from holdfast.drivers.gcs import signature as gcs
from holdfast.drivers.s3 import signature as s3
from holdfast.drivers.s3.requests import Bucket

if TYPE_CHECKING:
    from holdfast.drivers.optional import SignRequest

_PROBE = "holdfast"  # an object that is signed for and need not exist


def s3fs_url(fs: Any, bucket: str, request: SignRequest) -> str:
    """Return a URL with the credentials of an s3fs file system."""
    place = s3fs_bucket(fs, bucket)
    return s3.presigned_url(place.url, request, place.region, place.credentials, datetime.now(UTC))


def s3fs_bucket(fs: Any, bucket: str) -> Bucket:
    """Return where the client of an s3fs file system finds a bucket, and who it asks as."""
    if fs.anon:
        raise NotImplementedError(_anonymous("s3fs", "a key and its secret (username and password)"))

    async def found() -> Bucket:
        await fs.set_session()
        client = await fs.get_s3(bucket)
        client.meta.events.register_first("choose-signer.s3", _modern, unique_id="holdfast-presign")
        # Where the bucket is, in host or path, is for the client to say: a URL that it signs shows it.
        url = await client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": _PROBE}, 1)
        address, _, query = url.partition("?")
        _, _, region, _, _ = parse_qs(query)["X-Amz-Credential"][0].rsplit("/", 4)
        keys = await client._get_credentials().get_frozen_credentials()  # what the client itself signs with
        credentials = s3.Credentials(keys.access_key, keys.secret_key, keys.token)
        return Bucket(address.removesuffix(f"/{_PROBE}"), region, credentials, *_connection(fs), name=bucket)

    place: Bucket = sync(fs.loop, found)
    return place


def _connection(fs: Any) -> Connection:
    verify = fs.client_kwargs.get("verify")
    proxies = fs.config_kwargs.get("proxies") or {}
    certificates = Path(verify).read_text(encoding="ascii") if isinstance(verify, (str, Path)) else None
    return Connection(certificates, verify is not False, proxies.get("https") or proxies.get("http"))


def gcsfs_url(fs: Any, bucket: str, request: SignRequest) -> str:
    """Return a URL with the credentials of a gcsfs file system, if they can sign: those of a service account."""
    endpoint, account = gcsfs_account(fs)
    return gcs.presigned_url(f"{endpoint}/{bucket}", request, account, datetime.now(UTC))


def gcsfs_account(fs: Any) -> tuple[str, gcs.ServiceAccount]:
    """Return where Google is, and who signs."""
    credentials = fs.credentials.credentials
    email, sign = getattr(credentials, "signer_email", None), getattr(credentials, "sign_bytes", None)
    if not email or sign is None:
        who = "as anybody" if credentials is None else f"with {type(credentials).__name__}"
        message = f"gcsfs cannot sign {who}; the file of a service account, given as token, can"
        raise NotImplementedError(message)
    return fs._location, gcs.ServiceAccount(email, sign)


def adlfs_url(fs: Any, container: str, request: SignRequest) -> str:
    """Return a URL with the account key of an adlfs file system."""
    address, account = adlfs_account(fs)
    return azure.presigned_url(address, container, request, account, datetime.now(UTC))


def adlfs_account(fs: Any) -> tuple[str, azure.Account]:
    """Return the address of the account, and its key."""
    client = fs.service_client
    name, key = (getattr(client.credential, part, None) for part in ("account_name", "account_key"))
    if name and key:
        return client.primary_endpoint.partition("?")[0].rstrip("/"), azure.Account(name, key)
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
