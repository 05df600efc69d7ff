"""Options of S3, GCS and Azure by the names that fsspec's file systems have for them.

Only the documented names are translated, so that one description does for both drivers; what a file system has no word
for goes on to it, and is refused there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.backends.option_values import mapping, switch
from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_S3 = {
    "access_key_id": "username",  # not `key`: that is the storage's name
    "secret_access_key": "password",
    "session_token": "token",
    "endpoint": "endpoint_url",
    "endpoint_url": "endpoint_url",
}
_GCS = {
    "service_account": "token",
    "service_account_path": "token",
    "application_credentials": "token",
}
_AZURE = {
    "connection_string": "connection_string",
    "account_name": "account_name",
    "account_key": "account_key",
    "sas_token": "sas_token",
    "sas_key": "sas_token",
    "tenant_id": "tenant_id",
    "client_id": "client_id",
    "client_secret": "client_secret",
}
_SERVICES = {
    **dict.fromkeys(("s3", "s3a"), (("aws_",), _S3)),
    **dict.fromkeys(("gs", "gcs"), (("google_",), _GCS)),
    **dict.fromkeys(("az", "abfs", "abfss"), (("azure_storage_", "azure_"), _AZURE)),
}


def for_fsspec(scheme: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a storage by the names of its file system.

    Raises:
        ConfigurationError: Two of them say the same thing.
    """
    if scheme not in _SERVICES:
        return dict(options)
    prefixes, names = _SERVICES[scheme]
    found: dict[str, Any] = {}
    written: dict[str, str] = {}
    for name, value in (_s3_options(options) if names is _S3 else options).items():
        plain = next((name.removeprefix(each) for each in prefixes if name.startswith(each)), name)
        target = names.get(plain, name)
        if target in written:
            message = f"{name} and {written[target]} say the same thing: give one of them"
            raise ConfigurationError(message)
        found[target], written[target] = value, name
    return found


def _s3_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with the region where s3fs has it; that http:// is meant the endpoint says by itself."""
    found = dict(options)
    for name in {"allow_http", "aws_allow_http"} & found.keys():
        switch(name, found.pop(name))
    for name in {"region", "aws_region"} & found.keys():
        more = mapping("client_kwargs", found.get("client_kwargs"))
        found["client_kwargs"] = {"region_name": found.pop(name), **more}
    return found
