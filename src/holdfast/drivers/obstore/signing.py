"""Signed URLs for the objects of obstore's stores.

obstore signs URLs itself, but sets no header with them, and for GCS and Azure it signs the wrong name where that must
be percent-encoded. So the signature is made here wherever the key can be had, and by obstore where only it can make
one: with the role of a machine, or any other token.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import obstore as obs
from obstore.store import AzureStore, S3Store

from holdfast.drivers import canonical, threads
from holdfast.drivers.azure import signature as azure
from holdfast.drivers.gcs import signature as gcs
from holdfast.drivers.obstore import s3_bucket
from holdfast.drivers.obstore.s3_bucket import is_true, setting
from holdfast.drivers.s3 import signature as s3
from holdfast.errors import ConfigurationError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.drivers.protocol import SignRequest
    from holdfast.drivers.s3.requests import Bucket

_GOOGLE = "https://storage.googleapis.com"
_S3_KEYS = "a credential_provider (obstore.auth.boto3), or aws_access_key_id and aws_secret_access_key"
_GCS_KEYS = "a service account with its private key (google_service_account)"
_AZURE_KEYS = "azure_storage_account_key"


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
    whole = request._replace(key=_below(store, request.key))
    if isinstance(store, S3Store):
        return _s3(store, whole, bucket)
    return _azure(store, whole) if isinstance(store, AzureStore) else _gcs(store, whole)


# --- S3


def _s3(store: Any, request: SignRequest, bucket: Bucket | None) -> str | None:
    if bucket is not None:
        return s3.presigned_url(bucket.url, request, bucket.region, bucket.credentials, datetime.now(UTC))
    if is_true(setting(store, "skip_signature", "AWS_SKIP_SIGNATURE")):
        raise NotImplementedError(_anonymous(_S3_KEYS))
    _refuse_headers(request, _S3_KEYS)
    return None


# --- Azure


def _azure(store: Any, request: SignRequest) -> str | None:
    if account := _azure_account(store):
        container = setting(store, "container_name", "AZURE_CONTAINER_NAME") or ""
        return azure.presigned_url(_azure_address(store, account), container, request, account, datetime.now(UTC))
    if _has_only_sas(store):
        message = f"the storage cannot sign with a SAS token, which is a signature itself: give it {_AZURE_KEYS}"
        raise NotImplementedError(message)
    if is_true(setting(store, "skip_signature", "AZURE_SKIP_SIGNATURE")):
        raise NotImplementedError(_anonymous(_AZURE_KEYS))
    _refuse_headers(request, _AZURE_KEYS)
    _refuse_odd_names(request, _AZURE_KEYS)
    return None


def _azure_account(store: Any) -> azure.Account | None:
    default = azure.EMULATOR if _is_emulated(store) else azure.Account("", "")
    # A key of the environment may be another account's where the store was given credentials that obstore prefers.
    is_preferred = store.credential_provider or setting(store, "token", "AZURE_STORAGE_TOKEN")
    names = () if is_preferred else ("ACCOUNT", "ACCESS", "MASTER")
    key = setting(store, "account_key", *(f"AZURE_STORAGE_{name}_KEY" for name in names)) or default.key
    name = setting(store, "account_name", "AZURE_STORAGE_ACCOUNT_NAME") or default.name
    return azure.Account(name, key) if name and key else None


def _azure_address(store: Any, account: azure.Account) -> str:
    if _is_emulated(store):
        return f"{os.environ.get('AZURITE_BLOB_STORAGE_URL', azure.EMULATOR_ADDRESS).rstrip('/')}/{account.name}"
    if endpoint := setting(store, "endpoint", "AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"):
        return endpoint.rstrip("/")
    is_fabric = is_true(setting(store, "use_fabric_endpoint", "AZURE_USE_FABRIC_ENDPOINT"))
    return f"https://{account.name}.blob.{'fabric.microsoft.com' if is_fabric else 'core.windows.net'}"


def _is_emulated(store: Any) -> bool:
    return is_true(setting(store, "use_emulator", "AZURE_STORAGE_USE_EMULATOR"))


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
    account = _gcs_account(store)
    key = account.get("private_key")
    if key:
        base = setting(store, "base_url", "GOOGLE_BASE_URL") or account.get("gcs_base_url") or _GOOGLE
        bucket = setting(store, "bucket", "GOOGLE_BUCKET", "GOOGLE_BUCKET_NAME")
        try:
            signer = gcs.ServiceAccount.with_key(account.get("client_email", ""), key)
        except MissingExtraError:
            if _has_headers(request) or _is_odd(request):
                raise
            return None
        return gcs.presigned_url(f"{base.rstrip('/')}/{bucket}", request, signer, datetime.now(UTC))
    if account.get("disable_oauth") or is_true(setting(store, "skip_signature", "GOOGLE_SKIP_SIGNATURE")):
        raise NotImplementedError(_anonymous(_GCS_KEYS))
    _refuse_headers(request, _GCS_KEYS)
    _refuse_odd_names(request, _GCS_KEYS)
    return None


def _gcs_account(store: Any) -> Mapping[str, Any]:
    """Return what the file of the service account says, or of whatever else there is."""
    if store.credential_provider is not None:
        return {}
    text = setting(store, "service_account_key", "GOOGLE_SERVICE_ACCOUNT_KEY")
    path = setting(store, "service_account", "GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH")
    path = path or setting(store, "application_credentials", "GOOGLE_APPLICATION_CREDENTIALS")
    if text is None and path is not None:
        return _parsed(_read(path), f"the service account's file {path!r}")
    return _parsed(text, "google_service_account_key") if text else {}


def _read(path: str) -> str | None:
    with suppress(OSError, UnicodeDecodeError):
        return Path(path).read_text(encoding="utf-8")
    return None


def _parsed(text: str | None, name: str) -> Mapping[str, Any]:
    found = None
    # Not from inside an except: the decoder's error holds the whole text, which has the private key.
    with suppress(ValueError):
        found = None if text is None else json.loads(text)
    if not isinstance(found, dict):
        message = (
            f"{name} cannot be read, to sign URLs with its key: it is not there, or not the JSON of a service account"
        )
        raise ConfigurationError(message)
    return found


# --- what obstore cannot sign


def _below(store: Any, key: str) -> str:
    return f"{store.prefix}/{key}" if store.prefix else key


def _has_headers(request: SignRequest) -> bool:
    return request.content_type is not None or request.content_disposition is not None


def _is_odd(request: SignRequest) -> bool:
    return canonical.path(request.key) != request.key


def _anonymous(keys: str) -> str:
    return f"the storage asks without credentials, so it cannot sign URLs: give it {keys}"


def _refuse_headers(request: SignRequest, keys: str) -> None:
    if _has_headers(request):
        message = (
            "with credentials that only obstore sees, a URL cannot be signed with headers: give the storage "
            f"{keys}, or leave out content_type and content_disposition"
        )
        raise NotImplementedError(message)


def _refuse_odd_names(request: SignRequest, keys: str) -> None:
    if _is_odd(request):
        message = (
            "with credentials that only obstore sees, a URL cannot be signed for a key that must be percent-encoded: "
            f"give the storage {keys}, or use keys of A-Z a-z 0-9 - _ . ~ /, as those that Holdfast makes"
        )
        raise NotImplementedError(message)
