"""Options of Google Cloud Storage."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.backends.option_values import shown_path
from holdfast.backends.options import Arguments, Vocabulary
from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

VOCABULARY = Vocabulary(
    service="GCS",
    prefixes=("google_",),
    names=frozenset(
        {
            "application_credentials",
            "base_url",
            "bearer_token",
            "service_account",
            "service_account_key",
            "skip_signature",
        }
    ),
    aliases={"service_account_path": "service_account"},
    switches=frozenset({"skip_signature"}),
    addresses=frozenset({"base_url"}),
    secrets=frozenset({"bearer_token", "service_account_key"}),
    texts=frozenset({"application_credentials", "service_account", "service_account_key"}),
    credentials="google_service_account",
)
"""The names of obstore's ``GCSConfig``, without the bucket, which the URL names."""

_FILES = ("service_account", "application_credentials")
_KEY = "service_account_key"
_USER = "authorized_user"
_KINDS = {
    "external_account": "google.auth can use it: credential_provider=obstore.auth.google.GoogleCredentialProvider()",
    "impersonated_service_account": "google.auth can use it: "
    "credential_provider=obstore.auth.google.GoogleCredentialProvider()",
}
"""Files of credentials that obstore cannot read, and what can."""


def gcs_arguments(options: Mapping[str, Any]) -> Arguments:
    """Return the arguments of ``obstore.store.GCSStore`` but for bucket and prefix.

    Without credentials, those of the machine are used (Application Default Credentials). A service account is a path,
    the JSON text of the file, or the mapping that it holds.

    Raises:
        ConfigurationError: An option is unknown, or cannot work; what a file of credentials holds is not shown.
    """
    arguments = VOCABULARY.read(options)
    store = arguments.store
    if len(found := [name for name in (*_FILES, _KEY) if name in store]) > 1:
        message = " and ".join(arguments.written[name] for name in found) + " are both credentials: give one of them"
        raise ConfigurationError(message)
    for plain in found:
        _account(arguments, plain)
    allow_http = arguments.client.get("allow_http", False)
    if "base_url" not in store and (variable := os.environ.get("GOOGLE_BASE_URL")):
        VOCABULARY.address("GOOGLE_BASE_URL", variable, allow_http=allow_http)
    return arguments


def _account(arguments: Arguments, plain: str) -> None:
    name, value = arguments.written[plain], arguments.store.pop(plain)
    if hasattr(value, "items"):
        text, path = json.dumps(dict(value)), None
    elif isinstance(value, str) and value.lstrip().startswith("{"):
        text, path = value, None
    elif plain == _KEY:
        message = (
            f"{name} must be the JSON text of a service account; for the path of a file write google_service_account"
        )
        raise ConfigurationError(message)
    else:
        path = Path(value).expanduser()
        text = _read(name, path)
    account = _parsed(name, text)
    if address := account.get("gcs_base_url"):
        allow_http = arguments.client.get("allow_http", False)
        VOCABULARY.address(f"gcs_base_url in {name}", address, allow_http=allow_http)
    if account.get("type") == _USER:
        if path is None:
            message = f"{name} holds a user's credentials, which must lie in a file: give its path"
            raise ConfigurationError(message)
        arguments.store["application_credentials"] = str(path)
    elif path is None:
        arguments.store[_KEY] = json.dumps(account)  # one line, however it was written
    else:
        arguments.store["service_account"] = str(path)


def _read(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        reason = error.strerror
    except ValueError:  # a null byte in it, or bytes that are no text
        reason = "it is not text"
    # Not from inside an except: the error holds the path, which may be no path but the secret itself.
    message = f"{name}={shown_path(path)} cannot be read: {reason}; give the path of a service account's JSON file"
    raise ConfigurationError(message)


def _parsed(name: str, text: str) -> dict[str, Any]:
    try:
        account = json.loads(text)
    except ValueError:
        account = None
    if not isinstance(account, dict):
        message = f"{name} is not the JSON of a service account, as Google's console gives it out"
        raise ConfigurationError(message)  # without the cause: it shows the text
    kind = account.get("type")
    if kind in _KINDS:
        message = f"{name} holds credentials of the type {kind!r}, which obstore does not read; {_KINDS[kind]}"
        raise ConfigurationError(message)
    if kind != _USER and (missing := {"client_email", "private_key", "private_key_id"} - account.keys()):
        message = f"{name} is not a service account: it has no {' and no '.join(sorted(missing))}"
        raise ConfigurationError(message)
    return account
