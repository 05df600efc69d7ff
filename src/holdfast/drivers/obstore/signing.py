"""Signed URLs for the objects of obstore's stores.

obstore signs URLs itself, but sets no header with them, and for GCS and Azure it signs the wrong name where that must
be percent-encoded. So the signature is made here wherever the key can be had, and by obstore where only it can make
one: with the role of a machine, or any other token.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import obstore as obs
from obstore.store import AzureStore, S3Store

from holdfast.drivers import canonical, threads
from holdfast.drivers.azure import signature as azure
from holdfast.drivers.gcs import signature as gcs
from holdfast.drivers.obstore import accounts, s3_bucket
from holdfast.drivers.obstore.s3_bucket import is_true, setting
from holdfast.drivers.s3 import signature as s3
from holdfast.errors import MissingExtraError

if TYPE_CHECKING:
    from holdfast.drivers.optional import SignRequest
    from holdfast.drivers.s3.requests import Bucket

S3_KEYS = "a credential_provider (obstore.auth.boto3), or aws_access_key_id and aws_secret_access_key"
GCS_KEYS = "a service account with its private key (google_service_account)"
AZURE_KEYS = "azure_storage_account_key"
"""What can sign."""


def sign(store: Any, request: SignRequest) -> str:
    """Return a URL.

    Raises:
        NotImplementedError: The credentials cannot sign, or not these headers or this name; it says what can.
    """
    bucket = s3_bucket.find(store) if isinstance(store, S3Store) else None
    url = _signed_here(store, request, bucket)
    return url or obs.sign(store, _method(request), request.key, timedelta(seconds=request.expires_in))


async def sign_async(store: Any, request: SignRequest) -> str:
    """Like `sign`; the event loop goes on meanwhile."""
    bucket = await s3_bucket.find_async(store) if isinstance(store, S3Store) else None
    url = await threads.run(_signed_here, store, request, bucket)  # which may read a file
    return url or await obs.sign_async(store, _method(request), request.key, timedelta(seconds=request.expires_in))


def _method(request: SignRequest) -> Any:
    return request.method


def _signed_here(store: Any, request: SignRequest, bucket: Bucket | None) -> str | None:
    """Return a URL that was signed here; None where obstore can make as good a one."""
    whole = request._replace(key=below(store, request.key))
    if isinstance(store, S3Store):
        return _s3(store, whole, bucket)
    return _azure(store, whole) if isinstance(store, AzureStore) else _gcs(store, whole)


# --- S3


def _s3(store: Any, request: SignRequest, bucket: Bucket | None) -> str | None:
    if bucket is not None:
        return s3.presigned_url(bucket.url, request, bucket.region, bucket.credentials, datetime.now(UTC))
    if is_true(setting(store, "skip_signature", "AWS_SKIP_SIGNATURE")):
        raise NotImplementedError(_anonymous(S3_KEYS))
    _refuse_headers(request, S3_KEYS)
    return None


# --- Azure


def _azure(store: Any, request: SignRequest) -> str | None:
    if place := accounts.azure_place(store):
        address, container, account = place
        return azure.presigned_url(address, container, request, account, datetime.now(UTC))
    if _has_only_sas(store):
        message = f"the storage cannot sign with a SAS token, which is a signature itself: give it {AZURE_KEYS}"
        raise NotImplementedError(message)
    if is_true(setting(store, "skip_signature", "AZURE_SKIP_SIGNATURE")):
        raise NotImplementedError(_anonymous(AZURE_KEYS))
    _refuse_headers(request, AZURE_KEYS)
    _refuse_odd_names(request, AZURE_KEYS)
    return None


def _has_only_sas(store: Any) -> bool:
    sas = setting(store, "sas_key", "AZURE_STORAGE_SAS_KEY", "AZURE_STORAGE_SAS_TOKEN")
    # What obstore takes rather than the SAS token.
    better = (
        setting(store, "token", "AZURE_STORAGE_TOKEN"),
        setting(store, "client_secret", "AZURE_STORAGE_CLIENT_SECRET", "AZURE_CLIENT_SECRET"),
        setting(store, "federated_token_file", "AZURE_FEDERATED_TOKEN_FILE"),
        store.credential_provider,
    )
    return bool(sas) and not any(better)


# --- GCS


def _gcs(store: Any, request: SignRequest) -> str | None:
    try:
        place = accounts.gcs_place(store)
    except MissingExtraError:
        if _headers(request) or _is_odd(request):
            raise
        return None
    if place:
        endpoint, bucket, signer = place
        return gcs.presigned_url(f"{endpoint}/{bucket}", request, signer, datetime.now(UTC))
    account = accounts.gcs_file(store)
    if account.get("disable_oauth") or is_true(setting(store, "skip_signature", "GOOGLE_SKIP_SIGNATURE")):
        raise NotImplementedError(_anonymous(GCS_KEYS))
    _refuse_headers(request, GCS_KEYS)
    _refuse_odd_names(request, GCS_KEYS)
    return None


# --- what obstore cannot sign


def below(store: Any, key: str) -> str:
    """Return the whole key."""
    return f"{store.prefix}/{key}" if store.prefix else key


def _headers(request: SignRequest) -> list[str]:
    """Return the names of the fields that make a URL more than one for a key."""
    return [name for name in request._fields[3:] if getattr(request, name) not in {None, False}]


def _is_odd(request: SignRequest) -> bool:
    return canonical.path(request.key) != request.key


def _anonymous(keys: str) -> str:
    return f"the storage asks without credentials, so it cannot sign URLs: give it {keys}"


def _refuse_headers(request: SignRequest, keys: str) -> None:
    if names := _headers(request):
        message = (
            "with credentials that only obstore sees, a URL cannot be signed with headers: give the storage "
            f"{keys}, or leave out {' and '.join(names)}"
        )
        raise NotImplementedError(message)


def _refuse_odd_names(request: SignRequest, keys: str) -> None:
    if _is_odd(request):
        message = (
            "with credentials that only obstore sees, a URL cannot be signed for a key that must be percent-encoded: "
            f"give the storage {keys}, or use keys of A-Z a-z 0-9 - _ . ~ /, as those that Holdfast makes"
        )
        raise NotImplementedError(message)
