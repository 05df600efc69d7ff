"""Options of S3 and of the services that speak its protocol: MinIO, R2, Spaces and others."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from holdfast.backends.options import Arguments, Vocabulary
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
    prefixes=("aws_",),
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
    addresses=frozenset({"endpoint", "endpoint_url_sts"}),
    machine=frozenset({"container_credentials_full_uri", "metadata_endpoint"}),
    secrets=frozenset({"secret_access_key", "session_token", "sse_customer_key_base64"}),
    paths=frozenset({"container_authorization_token_file", "web_identity_token_file"}),
    choices={
        "checksum_algorithm": ("SHA256", "CRC64NVME"),
        "request_payer": ("requester", "true", "false"),
        "server_side_encryption": ("AES256", "aws:kms", "aws:kms:dsse", "sse:kms", "sse:kms:dsse", "sse-c"),
    },
    credentials="aws_access_key_id and aws_secret_access_key",
)
"""The names of obstore's ``S3Config``, without the bucket, which the URL names."""

_ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_R2 = ".r2.cloudflarestorage.com"
_SPACES = ".digitaloceanspaces.com"


def s3_arguments(options: Mapping[str, Any], bucket: str = "bucket") -> Arguments:
    """Return the arguments of ``obstore.store.S3Store`` but for bucket and prefix.

    Without a region obstore takes ``us-east-1``; R2 knows only ``auto``, and Spaces have it in the endpoint. The
    addresses that both show for a bucket, with its name in them, will do as an endpoint.

    Raises:
        ConfigurationError: An option is unknown, or cannot work.
    """
    arguments = VOCABULARY.read(options)
    store = arguments.store
    for name, other in (("access_key_id", "secret_access_key"), ("secret_access_key", "access_key_id")):
        if name in store and other not in store and f"AWS_{other}".upper() not in os.environ:
            message = f"{arguments.written[name]} was given without aws_{other}: give both, or neither"
            raise ConfigurationError(message)
    endpoint = store.get("endpoint") or _from_environment(allow_http=arguments.client.get("allow_http", False))
    if endpoint is not None:
        endpoint, region = _known_service(endpoint, bucket)
        # Under the name that outranks all others, or AWS_ENDPOINT_URL_S3 of the environment would win.
        store["aws_endpoint_url_s3"] = store["endpoint"] = endpoint
        if region and "default_region" not in store:
            store.setdefault("region", region)
    return arguments


def _from_environment(*, allow_http: bool) -> str | None:
    for variable in _ENDPOINT_VARIABLES:
        if value := os.environ.get(variable):
            return VOCABULARY.address(variable, value, allow_http=allow_http)
    return None


def _known_service(endpoint: str, bucket: str) -> tuple[str, str | None]:
    """Return the endpoint without the bucket, and the region that it implies."""
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    if host.endswith(_R2):
        return endpoint.removesuffix(f"/{bucket}"), "auto"
    if host.endswith(_SPACES):
        place = host.removesuffix(_SPACES).removeprefix(f"{bucket}.")
        return endpoint.replace(f"//{bucket}.", "//", 1), place.rpartition(".")[2]
    return endpoint, None
