"""Services by the names of their environment variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Service(NamedTuple):
    """A service by the names of its variables.

    Attributes:
        type: The type, as in a table.
        options: For each option the names that give it; the first is shown in messages.
        defaults: What holds without them.
        needed: The option without which it cannot be.
    """

    type: str
    options: Mapping[str, tuple[str, ...]]
    defaults: Mapping[str, Any]
    needed: str = "bucket"


_AWS = {
    "aws_session_token": ("AWS_SESSION_TOKEN",),
    "aws_allow_http": ("AWS_ALLOW_HTTP", "S3_ALLOW_HTTP"),
}
SERVICES = {
    "s3": Service(
        "s3",
        {
            "bucket": ("S3_BUCKET",),
            "aws_access_key_id": ("AWS_ACCESS_KEY_ID", "S3_ACCESS_KEY_ID"),
            "aws_secret_access_key": ("AWS_SECRET_ACCESS_KEY", "S3_SECRET_ACCESS_KEY"),
            "aws_region": ("AWS_REGION", "S3_REGION", "AWS_DEFAULT_REGION"),
            "aws_endpoint": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT", "S3_ENDPOINT"),
            **_AWS,
        },
        {"aws_region": "us-east-1"},
    ),
    "minio": Service(
        "minio",
        {
            "bucket": ("MINIO_BUCKET",),
            "aws_access_key_id": ("MINIO_ACCESS_KEY",),
            "aws_secret_access_key": ("MINIO_SECRET_KEY",),
            "aws_region": ("MINIO_REGION",),
            "aws_endpoint": ("MINIO_ENDPOINT",),
        },
        {},
    ),
    "gcs": Service(
        "gcs",
        {"bucket": ("GCS_BUCKET",), "google_service_account": ("GOOGLE_APPLICATION_CREDENTIALS",)},
        {},
    ),
    "azure": Service(
        "azure",
        {
            "container": ("AZURE_CONTAINER",),
            "azure_storage_connection_string": ("AZURE_STORAGE_CONNECTION_STRING",),
            "azure_storage_account_name": ("AZURE_STORAGE_ACCOUNT_NAME",),
            "azure_storage_account_key": ("AZURE_STORAGE_ACCOUNT_KEY",),
            "azure_storage_sas_token": ("AZURE_STORAGE_SAS_TOKEN",),
        },
        {},
        "container",
    ),
    "local": Service("local", {"path": ("UPLOAD_DIR",)}, {"path": "/var/app/uploads"}, "path"),
    "memory": Service("memory", {}, {}, ""),
}
