"""Where the buckets of obstore's stores are."""

from __future__ import annotations

from typing import Any

from holdfast.drivers.azure.signature import EMULATOR, EMULATOR_ADDRESS
from holdfast.drivers.obstore.accounts import gcs_file, is_emulated
from holdfast.drivers.obstore.s3_bucket import setting
from holdfast.drivers.places import Place, in_azure, in_gcs, in_s3


def s3_place(store: Any) -> Place:
    """Return the place of an ``S3Store``."""
    endpoint = setting(store, "endpoint", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    return in_s3(endpoint, setting(store, "bucket", "AWS_BUCKET", "AWS_BUCKET_NAME") or "", store.prefix)


def gcs_place(store: Any) -> Place:
    """Return the place of a ``GCSStore``."""
    endpoint = setting(store, "base_url", "GOOGLE_BASE_URL") or gcs_file(store).get("gcs_base_url")
    return in_gcs(endpoint, setting(store, "bucket", "GOOGLE_BUCKET", "GOOGLE_BUCKET_NAME") or "", store.prefix)


def azure_place(store: Any) -> Place:
    """Return the place of an ``AzureStore``."""
    account = setting(store, "account_name", "AZURE_STORAGE_ACCOUNT_NAME")
    endpoint = setting(store, "endpoint", "AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT")
    if is_emulated(store):
        endpoint = f"{EMULATOR_ADDRESS}/{account or EMULATOR.name}"
    return in_azure(endpoint, account, setting(store, "container_name", "AZURE_CONTAINER_NAME") or "", store.prefix)
