"""Where the accounts of obstore's stores on Azure and GCS are, and the keys that they sign with."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.drivers.azure import signature as azure
from holdfast.drivers.gcs import signature as gcs
from holdfast.drivers.obstore.s3_bucket import is_true, setting
from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_GOOGLE = "https://storage.googleapis.com"


def azure_place(store: Any) -> tuple[str, str, azure.Account] | None:
    """Return address, container and account of an ``AzureStore``; None if it has no account key."""
    if account := _azure_account(store):
        container = setting(store, "container_name", "AZURE_CONTAINER_NAME") or ""
        return _azure_address(store, account), container, account
    return None


def _azure_account(store: Any) -> azure.Account | None:
    default = azure.EMULATOR if is_emulated(store) else azure.Account("", "")
    # A key of the environment may be another account's where the store was given credentials that obstore prefers.
    is_preferred = store.credential_provider or setting(store, "token", "AZURE_STORAGE_TOKEN")
    names = () if is_preferred else ("ACCOUNT", "ACCESS", "MASTER")
    key = setting(store, "account_key", *(f"AZURE_STORAGE_{name}_KEY" for name in names)) or default.key
    name = setting(store, "account_name", "AZURE_STORAGE_ACCOUNT_NAME") or default.name
    return azure.Account(name, key) if name and key else None


def _azure_address(store: Any, account: azure.Account) -> str:
    if is_emulated(store):
        return f"{os.environ.get('AZURITE_BLOB_STORAGE_URL', azure.EMULATOR_ADDRESS).rstrip('/')}/{account.name}"
    if endpoint := setting(store, "endpoint", "AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"):
        return endpoint.rstrip("/")
    is_fabric = is_true(setting(store, "use_fabric_endpoint", "AZURE_USE_FABRIC_ENDPOINT"))
    return f"https://{account.name}.blob.{'fabric.microsoft.com' if is_fabric else 'core.windows.net'}"


def is_emulated(store: Any) -> bool:
    """Return whether a store's service is the emulator of a developer's machine."""
    return is_true(setting(store, "use_emulator", "AZURE_STORAGE_USE_EMULATOR"))


def gcs_place(store: Any) -> tuple[str, str, gcs.ServiceAccount] | None:
    """Return endpoint, bucket and account of a ``GCSStore``; None if it has no private key.

    Raises:
        MissingExtraError: The package that can use the key is missing.
    """
    account = gcs_file(store)
    if key := account.get("private_key"):
        base = setting(store, "base_url", "GOOGLE_BASE_URL") or account.get("gcs_base_url") or _GOOGLE
        bucket = setting(store, "bucket", "GOOGLE_BUCKET", "GOOGLE_BUCKET_NAME") or ""
        return base.rstrip("/"), bucket, gcs.ServiceAccount.with_key(account.get("client_email", ""), key)
    return None


def gcs_file(store: Any) -> Mapping[str, Any]:
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
