"""One description for both drivers."""

import json

import pytest

from holdfast.backends.fsspec import FSSpecBackend
from holdfast.config import load
from holdfast.config.forms.fsspec_names import for_fsspec
from holdfast.errors import ConfigurationError


def works(storage):
    """Write and read an object through fsspec."""
    assert isinstance(storage, FSSpecBackend)
    storage.put("a.txt", b"bytes")
    return storage.read("a.txt") == b"bytes"


def test_s3(s3_bucket):
    """By the documented names, and by type."""
    named = {name: value for name, value in s3_bucket.options.items() if name != "aws_allow_http"}
    for table in (
        {"uri": s3_bucket.url, "driver": "fsspec", **s3_bucket.options},
        {"type": "minio", "bucket": s3_bucket.name, "driver": "fsspec", **named},
        {"type": "minio", "bucket": s3_bucket.name, "driver": "fsspec", "options": s3_bucket.s3fs},
    ):
        assert works(load({"storages": {"docs": table}})[0])


@pytest.mark.parametrize("backend", ["s3", "minio"])
def test_variables(s3_bucket, backend):
    """``STORAGE_DRIVER`` is all that changes."""
    server = s3_bucket.server
    variables = {
        "s3": {
            "S3_BUCKET": s3_bucket.name,
            "AWS_ACCESS_KEY_ID": server.access_key,
            "AWS_SECRET_ACCESS_KEY": server.secret_key,
            "AWS_ENDPOINT_URL": server.endpoint,
            "AWS_ALLOW_HTTP": "true",
        },
        "minio": {
            "MINIO_BUCKET": s3_bucket.name,
            "MINIO_ACCESS_KEY": server.access_key,
            "MINIO_SECRET_KEY": server.secret_key,
            "MINIO_ENDPOINT": server.endpoint,
        },
    }[backend]
    assert works(load({"STORAGE_BACKEND": backend, "STORAGE_DRIVER": "fsspec", **variables})[0])


def test_minio_on_this_machine():
    """Without an endpoint it is the one that MinIO listens at."""
    (storage,) = load({"STORAGE_BACKEND": "minio", "MINIO_BUCKET": "b", "STORAGE_DRIVER": "fsspec"})
    assert storage.native.endpoint_url == "http://localhost:9000"


def test_gcs(write):
    """The path of a service account is the token."""
    path = write("account.json", json.dumps({"type": "service_account"}))
    variables = {"GCS_BUCKET": "b", "GOOGLE_APPLICATION_CREDENTIALS": str(path)}
    (storage,) = load({"STORAGE_BACKEND": "gcs", "STORAGE_DRIVER": "fsspec", **variables})
    assert isinstance(storage, FSSpecBackend)
    assert for_fsspec("gs", {"google_service_account": str(path)}) == {"token": str(path)}


def test_azure(azure_container):
    """A connection string."""
    server = azure_container.server
    string = (
        f"DefaultEndpointsProtocol=http;AccountName={server.account};AccountKey={server.key};"
        f"BlobEndpoint={server.endpoint};"
    )
    variables = {"AZURE_CONTAINER": azure_container.name, "AZURE_STORAGE_CONNECTION_STRING": string}
    assert works(load({"STORAGE_BACKEND": "azure", "STORAGE_DRIVER": "fsspec", **variables})[0])


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (
            {"aws_endpoint": "https://h", "endpoint_url": "https://h"},
            "endpoint_url and aws_endpoint say the same thing",
        ),
        ({"aws_allow_http": "flase"}, "neither true nor false"),
        ({"aws_imdsv1_fallback": True}, "'aws_imdsv1_fallback' is not an option of 's3'"),
    ],
)
def test_what_cannot_be(options, complaint):
    """Nothing is given twice, and what s3fs has no word for is refused."""
    with pytest.raises(ConfigurationError, match=complaint):
        load({"storages": {"docs": {"uri": "s3://b/", "driver": "fsspec", **options}}})


def test_the_names_of_s3fs():
    """They stay; the region joins what else the client is told."""
    options = {"key": "a", "aws_region": "eu-central-1", "client_kwargs": {"verify": False}}
    found = for_fsspec("s3", options)
    assert found == {"key": "a", "client_kwargs": {"region_name": "eu-central-1", "verify": False}}
    assert for_fsspec("sftp", {"aws_region": "x"}) == {"aws_region": "x"}
