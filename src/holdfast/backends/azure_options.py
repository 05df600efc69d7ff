"""Options of Azure Blob Storage."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from holdfast.backends.azure_connection import connection_options
from holdfast.backends.option_values import switch
from holdfast.backends.options import Arguments, Vocabulary, given
from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SWITCHES = frozenset({"disable_tagging", "skip_signature", "use_azure_cli", "use_emulator", "use_fabric_endpoint"})

VOCABULARY = Vocabulary(
    service="Azure",
    prefixes=("azure_storage_", "azure_"),
    switches=_SWITCHES,
    names=_SWITCHES
    | {
        "account_key",
        "account_name",
        "authority_host",
        "client_id",
        "client_secret",
        "connection_string",
        "credential_type",
        "encryption_key",
        "endpoint",
        "fabric_cluster_identifier",
        "fabric_session_token",
        "fabric_token_service_url",
        "fabric_workload_host",
        "federated_token_file",
        "msi_endpoint",
        "msi_resource_id",
        "object_id",
        "sas_key",
        "tenant_id",
        "token",
    },
    aliases={
        "access_key": "account_key",
        "authority_id": "tenant_id",
        "identity_endpoint": "msi_endpoint",
        "master_key": "account_key",
        "sas_token": "sas_key",
    },
    addresses=frozenset({"authority_host", "endpoint", "fabric_token_service_url"}),
    machine=frozenset({"msi_endpoint"}),
    secrets=frozenset(
        {
            "account_key",
            "client_secret",
            "connection_string",
            "encryption_key",
            "fabric_session_token",
            "sas_key",
            "token",
        }
    ),
    paths=frozenset({"federated_token_file"}),
    choices={
        "credential_type": (
            "auto",
            "bearer_token",
            "access_key",
            "client_secret",
            "workload_identity",
            "sas_token",
            "azure_cli",
            "managed_identity",
        )
    },
    credentials="azure_storage_account_name and azure_storage_account_key",
)
"""The names of obstore's ``AzureConfig``, without the container, which the URL names; and the connection string."""

_CONNECTION = "connection_string"
_ENDPOINT_VARIABLES = ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT")


def azure_arguments(options: Mapping[str, Any], account: str | None = None) -> Arguments:
    """Return the arguments of ``obstore.store.AzureStore`` but for container and prefix.

    Args:
        options: The options.
        account: Name of the account, where the URL of the storage has it.

    Raises:
        ConfigurationError: An option is unknown, or cannot work.
    """
    arguments = VOCABULARY.read(_with_connection(options))
    store = arguments.store
    if account is not None and store.setdefault("account_name", account) != account:
        message = f"the URL is of the account {account!r}, {arguments.written['account_name']} of another one"
        raise ConfigurationError(message)
    if "sas_key" in store:
        store["sas_key"] = store["sas_key"].lstrip("?")
    _check_secrets(arguments)
    allow_http = arguments.client.get("allow_http", False)
    for variable in _ENDPOINT_VARIABLES:
        if "endpoint" not in store and (address := os.environ.get(variable)):
            store["endpoint"] = VOCABULARY.address(variable, address, allow_http=allow_http)
    emulated = store.get("use_emulator") or switch(
        "use_emulator", os.environ.get("AZURE_STORAGE_USE_EMULATOR") or "false"
    )
    if not (store.get("account_name") or os.environ.get("AZURE_STORAGE_ACCOUNT_NAME") or emulated):
        message = (
            "Azure needs the name of the account: write azure_storage_account_name, or azure_storage_connection_string"
        )
        raise ConfigurationError(message)
    return arguments


def _with_connection(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with what the connection string says; what is written besides must say the same."""
    by_plain = {VOCABULARY.plain(name): name for name in given(options)}
    name = by_plain.pop(_CONNECTION, None)
    if name is None:
        return dict(options)
    parts = connection_options(name, options[name])
    if "account_name" not in by_plain:
        parts.setdefault("account_name", _account_of(parts["endpoint"]))
    for plain in by_plain.keys() & parts.keys():
        if parts.pop(plain) != options[by_plain[plain]] and plain != "allow_http":
            message = f"{by_plain[plain]} is not what {name} says: give one of them"
            raise ConfigurationError(message)
    return {**parts, **{other: options[other] for other in by_plain.values()}}


def _check_secrets(arguments: Arguments) -> None:
    """Refuse a key or a token that was cut off, without showing it."""
    for plain, what, fits in (("account_key", "base64", _is_base64), ("sas_key", "a SAS token", _is_query)):
        if plain in arguments.store and not fits(arguments.store[plain]):
            message = f"{arguments.written[plain]} is not {what}: copy it as a whole"
            raise ConfigurationError(message)


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except ValueError:
        return False


def _is_query(text: str) -> bool:
    return all("=" in part for part in text.split("&"))


def _account_of(endpoint: str) -> str:
    """Return the account's name, which an emulator has in the path and Azure in the host."""
    parts = urlsplit(endpoint)
    return parts.path.strip("/") or (parts.hostname or "").partition(".")[0]
