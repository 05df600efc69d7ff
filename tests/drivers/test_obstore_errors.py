"""What goes wrong with S3, Azure and GCS through obstore: the same trouble is the same class of error."""

from datetime import UTC, datetime, timedelta

import pytest
from azure.storage.blob import generate_container_sas
from obstore import exceptions

from holdfast import errors
from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers.obstore import failures
from holdfast.testing.half import Half

ONCE = {"retry_config": {"max_retries": 0}}
OPERATIONS = {
    "put": ("x", b"x"),
    "put in parts": ("x", b"x" * 9_000_000),
    "read": ("x",),
    "stat": ("x",),
    "exists": ("x",),
    "delete": (["x"],),
    "copy": ("x", "y"),
    "list": (),
}


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def fails(request):
    """Expect an error of a class, exactly, from every operation."""
    halves = []

    def check(storage, expected, operations=OPERATIONS):
        half = Half(storage, is_async=request.param, abilities=storage.abilities)
        halves.append(half)
        for operation in operations:
            with pytest.raises(errors.StorageError) as caught:
                half.call(operation.split()[0], *OPERATIONS[operation])
            assert type(caught.value) is expected, (operation, caught.value)

    yield check
    for half in halves:
        if half._runner is not None:
            half._runner.close()


def s3(bucket, name=None, **options):
    """Return a storage on S3."""
    return ObstoreBackend("s3", f"s3://{name or bucket.name}/", **{**bucket.options, **ONCE, **options})


def azure(container, name=None, **options):
    """Return a storage on Azure."""
    return ObstoreBackend("az", f"az://{name or container.name}/", **{**container.options, **ONCE, **options})


def with_sas(container, permission, seconds=600):
    """Return a storage on Azure that has a SAS token only."""
    server, expiry = container.server, datetime.now(UTC) + timedelta(seconds=seconds)
    token = generate_container_sas(server.account, container.name, server.key, permission=permission, expiry=expiry)
    return azure(container, azure_storage_account_key=None, azure_storage_sas_token=token)


def gcs(bucket, name=None, **options):
    """Return a storage on GCS."""
    account = {"google_service_account_key": bucket.service_account, "google_allow_http": True}
    return ObstoreBackend("gcs", f"gs://{name or bucket.name}/", **{**account, **ONCE, **options})


def test_wrong_credentials(fails, s3_bucket, azure_container):
    """An unknown key, a wrong secret, an expired token: also where the answer has no text, as to HEAD."""
    fails(s3(s3_bucket, aws_access_key_id="AKIAUNKNOWN"), errors.AuthenticationError)
    fails(s3(s3_bucket, aws_secret_access_key="wrong"), errors.AuthenticationError)
    fails(azure(azure_container, azure_storage_account_key="d3Jvbmc="), errors.AuthenticationError)
    fails(with_sas(azure_container, "rcwdl", seconds=-60), errors.AuthenticationError)


def test_credentials_without_permission(fails, azure_container):
    """They are known, but may not do that."""
    ObstoreBackend("az", f"az://{azure_container.name}/", **azure_container.options).put("x", b"x")
    fails(with_sas(azure_container, "r"), errors.AccessDeniedError, ["put", "put in parts", "delete", "copy", "list"])
    fails(with_sas(azure_container, "l"), errors.AccessDeniedError, ["put", "read", "stat", "delete"])


def test_no_credentials(fails, s3_bucket, azure_container):
    """A storage that asks without any is told that it is unknown, by whichever words."""
    fails(s3(s3_bucket, skip_signature=True), errors.AuthenticationError)
    fails(azure(azure_container, skip_signature=True), errors.AuthenticationError)


def test_nothing_but_the_machine(fails, azure_container, gcs_xml_bucket, monkeypatch):
    """Credentials are asked for where the machine has them, and it has none."""
    nowhere = {"azure_storage_account_key": None, "azure_msi_endpoint": "http://127.0.0.1:1/token"}
    fails(azure(azure_container, **nowhere), errors.AuthenticationError, ["put", "stat", "list"])
    monkeypatch.setenv("GCE_METADATA_HOST", "127.0.0.1:1")
    monkeypatch.setenv("GCE_METADATA_IP", "127.0.0.1:1")
    there = {"google_service_account_key": None, "google_base_url": gcs_xml_bucket.server.endpoint}
    fails(gcs(gcs_xml_bucket, **there), errors.AuthenticationError, ["put", "stat", "list"])


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        ("400 Bad Request", "ExpiredToken", errors.AuthenticationError),
        ("403 Forbidden", "AccessDenied", errors.AccessDeniedError),
        ("403 Forbidden", "RequestTimeTooSkewed", errors.AuthenticationError),
        ("403 Forbidden", "InvalidObjectState", errors.StorageError),
        ("409 Conflict", "BlobArchived", errors.StorageError),
        ("409 Conflict", "ContainerBeingDeleted", errors.UnavailableError),
        ("412 Precondition Failed", "PreconditionFailed", errors.PreconditionFailedError),
        ("429 Too Many Requests", "", errors.ThrottledError),
        ("500 Internal Server Error", "InternalError", errors.UnavailableError),
        ("503 Service Unavailable", "SlowDown", errors.ThrottledError),
        ("503 Service Unavailable", "ServerBusy", errors.ThrottledError),
        ("503 Service Unavailable", "", errors.ThrottledError),
        ("418 I'm a teapot", "", errors.StorageError),
    ],
)
def test_what_answers_mean(status, code, expected):
    """The code goes before obstore's class, which is too broad for some, and that before the status."""
    kind = exceptions.AlreadyExistsError if status.startswith("409") else exceptions.GenericError
    request = "Error performing PUT http://host/b/x in 2.1s, after 2 retries, max_retries: 2, retry_timeout: 180s "
    answer = f" - Server returned non-2xx status code: {status}: <Error>\n<Code>{code}</Code></Error>"
    debug = '\n\nDebug source:\nGeneric { path: "<Code>NoSuchBucket</Code>" }'
    assert failures.classify(kind(f"Generic S3 error: {request}{answer}{debug}")) is expected


def test_a_missing_bucket(fails, s3_bucket, azure_container, gcs_xml_bucket):
    """It is told from a missing object, by every operation."""
    fails(s3(s3_bucket, "no-such-bucket"), errors.BucketNotFoundError)
    fails(azure(azure_container, "no-such-container"), errors.BucketNotFoundError)
    fails(gcs(gcs_xml_bucket, "no-such-bucket"), errors.BucketNotFoundError)
    for storage in (s3(s3_bucket), azure(azure_container), gcs(gcs_xml_bucket)):
        fails(storage, errors.NotFoundError, ["read", "stat", "copy"])
        assert not storage.exists("x")
    fails(s3(s3_bucket, "no-such-bucket"), errors.BucketNotFoundError, ["exists"])


def test_a_bucket_that_is_gone(fails, s3_bucket, monkeypatch):
    """It was there, and is asked for again after a while."""
    storage = s3(s3_bucket)
    assert not storage.exists("x")
    s3_bucket.server.request("DELETE", f"/{s3_bucket.name}")
    assert not storage.exists("x")
    monkeypatch.setattr(storage._plain, "_bucket_until", 0.0)
    fails(storage, errors.BucketNotFoundError, ["stat", "exists"])


def test_nobody_there(fails, s3_bucket, azure_container, gcs_xml_bucket):
    """A port where nothing listens, and a name that does not exist."""
    fails(s3(s3_bucket, aws_endpoint="http://127.0.0.1:1"), errors.UnavailableError)
    fails(azure(azure_container, azure_storage_endpoint="http://127.0.0.1:1/a"), errors.UnavailableError)
    account = gcs_xml_bucket.service_account.replace(gcs_xml_bucket.server.endpoint, "http://127.0.0.1:1")
    fails(gcs(gcs_xml_bucket, google_service_account_key=account), errors.UnavailableError)
    fails(s3(s3_bucket, aws_endpoint="http://no-such-host.invalid"), errors.UnavailableError, ["read"])
