"""Connection strings of Azure Storage, as the portal shows them under "Access keys".

https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string
"""

from __future__ import annotations

from typing import Any

from holdfast.backends.option_values import header_text
from holdfast.errors import ConfigurationError

_OPTIONS = {"AccountName": "account_name", "AccountKey": "account_key", "SharedAccessSignature": "sas_key"}
_PROTOCOL, _SUFFIX, _BLOB = "DefaultEndpointsProtocol", "EndpointSuffix", "BlobEndpoint"
_EMULATOR, _PROXY = "UseDevelopmentStorage", "DevelopmentStorageProxyUri"
_OF_OTHER_SERVICES = ("QueueEndpoint", "TableEndpoint", "FileEndpoint", "BlobSecondaryEndpoint")
_KNOWN = {
    name.casefold(): name for name in (*_OPTIONS, _PROTOCOL, _SUFFIX, _BLOB, _EMULATOR, _PROXY, *_OF_OTHER_SERVICES)
}
_AZURE = "core.windows.net"
_EMULATED = {
    "account_name": "devstoreaccount1",
    # The same for everybody, as Microsoft documents it: no secret.
    "account_key": "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    "endpoint": "http://127.0.0.1:10000/devstoreaccount1",
    "allow_http": True,
}


def connection_options(name: str, text: Any) -> dict[str, Any]:
    """Return what a connection string says, by obstore's names.

    ``DefaultEndpointsProtocol=http`` and ``UseDevelopmentStorage=true`` mean that the connection is not encrypted.

    Args:
        name: Name of the option, for messages.
        text: The connection string.

    Raises:
        ConfigurationError: It cannot be read; no value of it is shown.

    Example:
        >>> connection_options("option", "AccountName=a;AccountKey=aw==;EndpointSuffix=core.chinacloudapi.cn")
        {'account_name': 'a', 'account_key': 'aw==', 'endpoint': 'https://a.blob.core.chinacloudapi.cn'}
    """
    parts = _parts(name, header_text(name, text))
    if _PROXY in parts:
        message = (
            f"{_PROXY} in {name} is not supported: write the emulator's address as {_BLOB}, with its account and key"
        )
        raise ConfigurationError(message)
    if parts.get(_EMULATOR, "").casefold() == "true":
        return dict(_EMULATED)
    found: dict[str, Any] = {option: parts[field] for field, option in _OPTIONS.items() if field in parts}
    protocol = parts.get(_PROTOCOL, "https").casefold()
    if protocol not in {"http", "https"}:
        message = f"{_PROTOCOL} in {name} must be https or http"
        raise ConfigurationError(message)
    account, suffix = parts.get("AccountName"), parts.get(_SUFFIX, _AZURE)
    if _BLOB in parts:
        found["endpoint"] = parts[_BLOB].rstrip("/")
    elif account is None:
        message = f"{name} has neither AccountName nor {_BLOB}: copy it as a whole"
        raise ConfigurationError(message)
    else:
        found["endpoint"] = f"{protocol}://{account}.blob.{suffix}"
    if protocol == "http":
        found["allow_http"] = True
    return found


def _parts(name: str, text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        field, separator, value = part.partition("=")
        if not separator:
            message = f'{name} is not a connection string: it is made of "Name=value" with semicolons between'
            raise ConfigurationError(message)
        known = _KNOWN.get(field.strip().casefold())
        if known is None:  # and not shown: it may be a part of the key
            message = f"{name} holds a field that there is not: there are {', '.join(_KNOWN.values())}"
            raise ConfigurationError(message)
        if known in parts:
            message = f"{name} holds {known} twice"
            raise ConfigurationError(message)
        if value.strip():
            parts[known] = value.strip()
    return parts
