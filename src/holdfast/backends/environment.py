"""Credentials of the environment, where obstore reads them otherwise than is meant.

obstore takes a variable that is set but empty, as ``AWS_ACCESS_KEY_ID=${AWS_ACCESS_KEY_ID}`` in a Compose file leaves
it, for a key. And it adds the session token of the environment to a key that was given as an option. Nothing that it
is told makes it forget a variable, so that what cannot be said otherwise is refused, when a store is first used.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from holdfast.drivers.obstore.credentials import FixedKeys
from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping


_Names: TypeAlias = "Mapping[str, tuple[str, ...]]"


class Way(NamedTuple):
    """One way to have credentials, of which obstore takes the first that it finds.

    Attributes:
        names: Its options, and the variables of each.
        is_whole: Whether obstore takes it only if all of the options are there; else one is enough.
    """

    names: _Names
    is_whole: bool = True


_S3_KEYS = Way(
    {"access_key_id": ("AWS_ACCESS_KEY_ID",), "secret_access_key": ("AWS_SECRET_ACCESS_KEY",)}, is_whole=False
)
_S3 = (
    _S3_KEYS,
    Way({"web_identity_token_file": ("AWS_WEB_IDENTITY_TOKEN_FILE",), "role_arn": ("AWS_ROLE_ARN",)}),
    Way({"container_credentials_relative_uri": ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",)}),
)
_S3_TOKENS = ("AWS_SESSION_TOKEN", "AWS_TOKEN")
_S3_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
_S3_REGION = "us-east-1"  # obstore's default
_GCS_FILE: _Names = {"service_account": ("GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH")}
_GCS_KEY: _Names = {"service_account_key": ("GOOGLE_SERVICE_ACCOUNT_KEY",)}
_GCS_DEFAULT: _Names = {"application_credentials": ("GOOGLE_APPLICATION_CREDENTIALS",)}
_AZURE = (
    Way({"token": ("AZURE_STORAGE_TOKEN",)}),
    Way({"account_key": ("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_MASTER_KEY")}),
    Way(
        {
            "client_id": ("AZURE_STORAGE_CLIENT_ID", "AZURE_CLIENT_ID"),
            "tenant_id": ("AZURE_STORAGE_TENANT_ID", "AZURE_TENANT_ID"),
            "federated_token_file": ("AZURE_FEDERATED_TOKEN_FILE",),
        }
    ),
    Way(
        {
            "client_id": ("AZURE_STORAGE_CLIENT_ID", "AZURE_CLIENT_ID"),
            "client_secret": ("AZURE_STORAGE_CLIENT_SECRET", "AZURE_CLIENT_SECRET"),
            "tenant_id": ("AZURE_STORAGE_TENANT_ID", "AZURE_TENANT_ID"),
        }
    ),
    Way({"sas_key": ("AZURE_STORAGE_SAS_KEY", "AZURE_STORAGE_SAS_TOKEN")}),
)


def s3_settled(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``S3Store``, with which no variable is read that is not meant.

    Raises:
        ConfigurationError: obstore would take an empty variable for credentials.
    """
    found = _with_region(arguments)
    if "credential_provider" in found:
        return found
    if found.get("skip_signature"):
        # Both, or obstore misses the other one.
        empty = dict.fromkeys(_S3_KEYS.names, "") if _has_empty(_S3_KEYS.names) else {}
        return {**empty, **found}
    _refuse_empty(_S3, found)
    key, secret = (found.get(name) or os.environ.get(variables[0]) for name, variables in _S3_KEYS.names.items())
    tokens = [os.environ[name] for name in _S3_TOKENS if name in os.environ]
    token = found.get("session_token")
    is_others = key != os.environ.get("AWS_ACCESS_KEY_ID")  # whose token the environment's is
    is_unmeant = token is None and bool(tokens) and (is_others or not any(tokens))
    if key and secret and (is_unmeant or token == ""):
        found.pop("session_token", None)
        found["credential_provider"] = FixedKeys(key, secret)
    return found


def gcs_settled(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``GCSStore``.

    Raises:
        ConfigurationError: As in `s3_settled`.
    """
    # obstore opens these even where it has no use for them.
    for names in (_GCS_FILE, _GCS_KEY):
        _refuse_empty((Way(names),), arguments)
    better = {**_GCS_FILE, **_GCS_KEY}
    if not arguments.keys() & {*better, "credential_provider"} and not _are_set(better):
        _refuse_empty((Way(_GCS_DEFAULT),), arguments)
    return dict(arguments)


def azure_settled(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``AzureStore``.

    Raises:
        ConfigurationError: As in `s3_settled`.
    """
    if "credential_provider" not in arguments and not arguments.get("skip_signature"):
        _refuse_empty(_AZURE, arguments)
    return dict(arguments)


def _with_region(arguments: Mapping[str, Any]) -> dict[str, Any]:
    if "region" in arguments or not any(os.environ.get(name) == "" for name in _S3_REGIONS):
        return dict(arguments)
    others = (arguments.get("default_region"), *map(os.environ.get, _S3_REGIONS), _S3_REGION)
    return {**arguments, "region": next(filter(None, others))}


def _refuse_empty(ways: tuple[Way, ...], arguments: Mapping[str, Any]) -> None:
    for way in ways:
        there = [name for name, variables in way.names.items() if name in arguments or _first(variables) is not None]
        if len(there) < (len(way.names) if way.is_whole else 1):
            continue
        for name, variables in way.names.items():
            if name not in arguments and (empty := next((v for v in variables if os.environ.get(v) == ""), None)):
                message = (
                    f"the environment variable {empty} is set, but empty, and obstore would take that for credentials: "
                    "unset it, or give it a value"
                )
                raise ConfigurationError(message)
        return


def _first(variables: tuple[str, ...]) -> str | None:
    return next((os.environ[name] for name in variables if name in os.environ), None)


def _has_empty(names: _Names) -> bool:
    return any(os.environ.get(variable) == "" for variables in names.values() for variable in variables)


def _are_set(names: _Names) -> bool:
    return any(os.environ.get(variable) for variables in names.values() for variable in variables)
