"""Options of S3 and of the services that speak its protocol: MinIO, R2, Spaces and others."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from holdfast.backends.options import Vocabulary
from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SWITCHES = frozenset(
    {
        "disable_bulk_delete",
        "disable_tagging",
        "imdsv1_fallback",
        "s3_express",
        "skip_signature",
        "sse_bucket_key_enabled",
        "unsigned_payload",
        "virtual_hosted_style_request",
    }
)

VOCABULARY = Vocabulary(
    service="S3",
    prefix="aws_",
    switches=_SWITCHES,
    names=_SWITCHES
    | {
        "access_key_id",
        "checksum_algorithm",
        "conditional_put",
        "container_authorization_token_file",
        "container_credentials_full_uri",
        "container_credentials_relative_uri",
        "copy_if_not_exists",
        "default_region",
        "endpoint",
        "endpoint_url_sts",
        "metadata_endpoint",
        "region",
        "request_payer",
        "role_arn",
        "role_session_name",
        "secret_access_key",
        "server_side_encryption",
        "session_token",
        "sse_customer_key_base64",
        "sse_kms_key_id",
        "web_identity_token_file",
    },
    aliases={
        "endpoint_url": "endpoint",
        "endpoint_url_s3": "endpoint",
        "sts_endpoint": "endpoint_url_sts",  # as obstore documents it, but it does not know the name
        "token": "session_token",
    },
)
"""The names of obstore's ``S3Config``, without the bucket, which the URL names."""

_ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_R2 = ".r2.cloudflarestorage.com"


def s3_arguments(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``obstore.store.S3Store`` but for bucket and prefix.

    Without a region obstore takes ``us-east-1``; R2 knows only ``auto``.

    Raises:
        ConfigurationError: An option is unknown, or the endpoint cannot work.
    """
    arguments, client = VOCABULARY.read(options)
    name, endpoint = _endpoint(arguments)
    if endpoint is not None:
        endpoint = endpoint.rstrip("/")
        host = _check_endpoint(name, endpoint, allow_http=client.get("allow_http", False))
        # Under the name that outranks all others, or AWS_ENDPOINT_URL_S3 of the environment would win.
        arguments["aws_endpoint_url_s3"] = arguments["endpoint"] = endpoint
        if host.endswith(_R2):
            arguments.setdefault("region", "auto")
    return {**arguments, "client_options": client}


def _endpoint(arguments: Mapping[str, Any]) -> tuple[str, str | None]:
    if "endpoint" in arguments:
        return "aws_endpoint", str(arguments["endpoint"])
    for variable in _ENDPOINT_VARIABLES:
        if os.environ.get(variable):
            return variable, os.environ[variable]
    return "", None


def _check_endpoint(name: str, endpoint: str, *, allow_http: bool) -> str:
    """Refuse an endpoint with which every call would fail with "builder error"; return its host."""
    scheme, separator, rest = endpoint.partition("://")
    if "@" in rest or ("@" in scheme and not separator):
        message = f"{name} holds a user name or password: give aws_access_key_id and aws_secret_access_key instead"
        raise ConfigurationError(message)
    if not separator or scheme.lower() not in {"http", "https"}:
        address = rest or scheme
        message = (
            f'{name}="{endpoint}" needs a scheme: write {name}="https://{address}", '
            f'or {name}="http://{address}" with aws_allow_http=True'
        )
        raise ConfigurationError(message)
    if scheme.lower() == "http" and not allow_http:
        message = (
            f'{name}="{endpoint}" is not encrypted: add aws_allow_http=True if that is meant (a local server), '
            f'or write {name}="https://{rest}"'
        )
        raise ConfigurationError(message)
    return urlsplit(endpoint).hostname or ""
