"""Options of fsspec's file systems, checked when a storage is declared.

Most file systems take any name, and hand it on or forget it. Those of S3, GCS and Azure are known in full; of the
others only a slip of the pen can be told.
"""

from __future__ import annotations

import os
from difflib import get_close_matches
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from holdfast.backends.fsspec_services import SERVICES, UNKNOWN
from holdfast.backends.fsspec_values import google_token, typed
from holdfast.errors import ConfigurationError
from holdfast.names import check_name

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_PATH = 255  # longer ones are tokens
_EVERYWHERE = {"skip_instance_cache", "use_listings_cache", "listings_expiry_time", "max_paths"}
_HANDED_ON = {
    "s3": {"profile", "session_vars", "event_hooks", "include_builtin_handlers"},  # to aiobotocore's session
    "gcs": {"retry_timeout", "retry_initial", "retry_maximum", "retry_multiplier", "memmove_max_workers"},
    "azure": {  # to azure.identity
        *(
            "additionally_allowed_tenants",
            "authority",
            "interactive_browser_client_id",
            "interactive_browser_tenant_id",
        ),
        *("managed_identity_client_id", "process_timeout", "shared_cache_tenant_id", "shared_cache_username"),
        *("workload_identity_client_id", "workload_identity_tenant_id", "visual_studio_code_tenant_id"),
        *(f"exclude_{name}_credential" for name in ("cli", "developer_cli", "environment", "interactive_browser")),
        *(f"exclude_{name}_credential" for name in ("managed_identity", "powershell", "shared_token_cache")),
        *(f"exclude_{name}_credential" for name in ("visual_studio_code", "workload_identity", "broker")),
    },
}
"""What is an option all the same, by the extra that brings the file system."""

_OF_OBSTORE = {
    "aws_access_key_id": "username=…",
    "aws_secret_access_key": "password=…",
    "aws_session_token": "token=…",
    "aws_endpoint": "endpoint_url=…",
    "aws_endpoint_url": "endpoint_url=…",
    "aws_region": 'client_kwargs={"region_name": …}',
    "aws_allow_http": 'endpoint_url="http://…" alone',
    "google_service_account": "token=…, with the path of the file",
    "google_service_account_key": "token=…, with the file's contents as a dict",
    "azure_storage_account_name": "account_name=…",
    "azure_storage_account_key": "account_key=…",
    "azure_storage_connection_string": "connection_string=…",
    "azure_storage_sas_token": "sas_token=…",
}


def checked(protocol: str, kind: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options as the file system needs them, and refuse what is sure to be wrong.

    Args:
        protocol: As the user wrote it.
        kind: Class of the file system.
        options: Its options, maybe as text from the environment.

    Raises:
        ConfigurationError: One of them does not exist or cannot work, or one is missing.
    """
    _check_names(protocol, kind, options)
    extra = SERVICES.get(protocol, UNKNOWN).extra
    options = typed(kind, options) if extra in _HANDED_ON else dict(options)
    if options.get("asynchronous"):
        message = "leave out asynchronous=True: the storage can be awaited from any event loop all the same"
        raise ConfigurationError(message)
    more = options.get("client_kwargs")
    endpoint = options.get("endpoint_url") or (more.get("endpoint_url") if isinstance(more, dict) else None)
    if isinstance(endpoint, str) and urlsplit(endpoint).scheme not in {"http", "https"}:
        # What stands before an @ may be a password, and after a question mark a signature.
        shown = endpoint.rpartition("@")[2].partition("?")[0]
        message = f'endpoint_url={shown!r} has no scheme: write endpoint_url="https://{shown}"'
        raise ConfigurationError(message)
    if extra == "gcs" and "token" in options:
        options["token"] = google_token(options["token"])
        _check_file(options["token"])
    elif extra == "azure":
        _check_azure(protocol, options)
    return options


def _check_names(protocol: str, kind: Any, options: Mapping[str, Any]) -> None:
    names = {name for base in kind.__mro__ if base is not object for name in signature(base.__init__).parameters}
    names -= {"self", "args", "kwargs", "storage_options"}
    handed_on = _HANDED_ON.get(SERVICES.get(protocol, UNKNOWN).extra or "")
    for name in options:
        if name in names | _EVERYWHERE or name in (handed_on or ()):
            continue
        if handed_on is not None and name in _OF_OBSTORE:
            message = f"{name!r} is an option of ObstoreBackend: here it is {_OF_OBSTORE[name]}"
            raise ConfigurationError(message)
        if handed_on is not None or get_close_matches(name, names, cutoff=0.8):
            check_name(name, names | (handed_on or set()), f"{protocol!r}")


def _check_file(token: Any) -> None:
    if not isinstance(token, str) or len(token) > _LONGEST_PATH or "\n" in token:
        return
    if token.endswith(".json") or "/" in token.partition(".")[0]:
        # gcsfs would take the path for a token, and ask Google about it.
        path = Path(token).expanduser()
        if str(path) != token or not path.is_file():
            found = f'; write token="{path}"' if path.is_file() else ""
            # What neither ends nor begins like a path may be a token after all.
            told = repr(token) if token.endswith(".json") or token.startswith(("/", "~", ".")) else "…"
            message = f"token={told} is not a file that can be read{found}"
            raise ConfigurationError(message)


def _check_azure(protocol: str, options: Mapping[str, Any]) -> None:
    for name in ("connection_string", "account_name"):
        if options.get(name) or os.environ.get(f"AZURE_STORAGE_{name.upper()}"):
            return
    message = f'{protocol!r} needs connection_string="…", or account_name="…" with account_key="…" or other credentials'
    raise ConfigurationError(message)
