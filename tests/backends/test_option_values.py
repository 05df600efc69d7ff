"""Options that cannot work are refused when a storage is declared, by name, and without showing what may be secret."""

import base64
import json
from pathlib import Path

import pytest

from holdfast.backends.base import StorageBackend
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.gcs_options import gcs_arguments
from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers.local import LocalDriver
from holdfast.errors import ConfigurationError

CANARY = "CANARY-secret"
ACCOUNT = {"type": "service_account", "client_email": "a@b", "private_key": f"{CANARY}\nx", "private_key_id": "1"}
CONNECTION = f"AccountName=a;AccountKey={CANARY}"
AZURE = {"azure_storage_account_name": "a"}


@pytest.mark.parametrize("name", ["google_service_account_key", "google_service_account"])
def test_a_service_account_of_many_lines(name):
    """As editors and Google's console write it."""
    store = gcs_arguments({name: json.dumps(ACCOUNT, indent=2)}).store
    assert json.loads(store["service_account_key"]) == ACCOUNT


@pytest.mark.parametrize(
    ("fs", "options"),
    [
        ("gs://b/", {"google_service_account": base64.b64encode(json.dumps(ACCOUNT).encode() * 2).decode()}),
        ("gs://b/", {"google_service_account": json.dumps(json.dumps(ACCOUNT))}),
        ("gs://b/", {"google_service_account": f"-----BEGIN\n{CANARY}"}),
        ("gs://b/", {"google_application_credentials": f"'{json.dumps(ACCOUNT)}'"}),
        ("az://c/", {**AZURE, "azure_storage_endpoint": f"a.blob.core.windows.net/?sig={CANARY}"}),
        ("az://c/", {**AZURE, "azure_storage_endpoint": f"http://a.blob.core.windows.net/?sig={CANARY}"}),
        (CONNECTION, {}),
        (f"BlobEndpoint=http://a;{CONNECTION}", {}),
        (f"{CONNECTION};BlobEndpoint=http://a", {}),
        (f"s3://AK:{CANARY}@bucket/../x", {}),
        (f"file://user:{CANARY}@host/x", {}),
    ],
    ids=str,
)
def test_secrets_in_the_wrong_place_are_not_shown(fs, options):
    """What a file of credentials holds, a signature, a connection string."""
    with pytest.raises(ConfigurationError) as caught:
        ObstoreBackend("docs", fs, **options)
    shown = f"{caught.value}{caught.value.__cause__}{caught.value.__context__}"
    assert CANARY not in shown
    assert base64.b64encode(json.dumps(ACCOUNT).encode()).decode()[:60] not in shown


def test_a_path_is_shown(tmp_path):
    """The one of a file that is not there, and the one that was meant by a folder."""
    with pytest.raises(ConfigurationError, match="no-such-file"):
        ObstoreBackend("docs", "gs://b/", google_service_account=str(tmp_path / "no-such-file.json"))
    with pytest.raises(ConfigurationError, match="file:///data/uploads/"):
        ObstoreBackend("docs", "/data/uploads")


@pytest.mark.parametrize(
    ("fs", "name", "value"),
    [
        ("az://c/", "azure_storage_sas_token", True),
        ("az://c/", "azure_storage_sas_token", {"sig": CANARY}),
        ("az://c/", "azure_storage_sas_token", Path("x")),
        ("az://c/", "azure_storage_account_key", 5),
        ("az://c/", "azure_storage_account_key", {}),
        ("az://c/", "azure_credential_type", "nonsense"),
        ("gs://b/", "google_service_account", True),
        ("gs://b/", "google_service_account_key", 5),
        ("gs://b/", "google_bearer_token", {"token": CANARY}),
        ("s3://b/", "aws_server_side_encryption", "nonsense"),
        ("s3://b/", "aws_checksum_algorithm", "MD5"),
        ("s3://b/", "aws_request_payer", "5"),
        ("s3://b/", "aws_region", {}),
        ("s3://b/", "aws_region", Path("eu")),
        ("s3://b/", "aws_session_token", True),
        ("s3://b/", "proxy_url", ""),
        ("s3://b/", "root_certificate", "x"),
        ("s3://b/", "root_certificate", Path("x")),
    ],
    ids=str,
)
def test_values_that_cannot_be(fs, name, value):
    """The message names the option."""
    with pytest.raises(ConfigurationError, match=name) as caught:
        ObstoreBackend("docs", fs, **{**(AZURE if fs.startswith("az") else {}), name: value})
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("fs", "options"),
    [
        ("s3://b/", {"aws_request_payer": True}),
        ("s3://b/", {"aws_request_payer": "REQUESTER"}),
        ("s3://b/", {"aws_server_side_encryption": "aws:kms", "aws_checksum_algorithm": "sha256"}),
        ("s3://b/", {"aws_web_identity_token_file": Path("/token"), "aws_region": "eu-west-1"}),
        ("az://c/", {**AZURE, "azure_credential_type": "managed_identity"}),
        ("az://c/", {**AZURE, "azure_federated_token_file": Path("/token")}),
    ],
    ids=str,
)
def test_values_that_obstore_takes(fs, options):
    """They pass, and a store can be made with them."""
    assert ObstoreBackend("docs", fs, **options).native is not None


@pytest.mark.parametrize("value", [0, -1, "5", 2.5, True, None, 2**70, CANARY])
def test_numbers_of_a_storage(tmp_path, value):
    """How much at once, and how large a chunk: whole numbers, at least 1; for a put, None leaves it to the storage."""
    driver = LocalDriver(tmp_path)
    with pytest.raises(ConfigurationError, match="max_concurrency") as caught:
        StorageBackend("docs", driver, max_concurrency=value)
    assert CANARY not in str(caught.value)
    storage = StorageBackend("docs", driver)
    storage.put("x", b"bytes", chunk_size=1, max_concurrency=1)
    with pytest.raises(ConfigurationError, match="chunk_size"):
        next(storage.stream("x", chunk_size=value))
    for name in ("chunk_size", "max_concurrency"):
        if value is None:
            storage.put("x", b"bytes", **{name: value})
            continue
        with pytest.raises(ConfigurationError, match=name):
            storage.put("x", b"bytes", **{name: value})


@pytest.mark.parametrize("value", [0, -1, "5"])
async def test_numbers_of_a_storage_that_is_awaited(tmp_path, value):
    """They are checked alike."""
    storage = StorageBackend("docs", LocalDriver(tmp_path))
    await storage.put_async("x", b"bytes")
    with pytest.raises(ConfigurationError, match="chunk_size"):
        await anext(storage.stream_async("x", chunk_size=value))
    with pytest.raises(ConfigurationError, match="chunk_size"):
        await storage.put_async("x", b"bytes", chunk_size=value)


@pytest.mark.parametrize(
    "settings", [{"storage_class": "nonsense"}, {"cache_control": "ü"}, {"tags": {"é": "x"}}], ids=str
)
def test_settings_that_azure_has_not(settings):
    """They are refused when a storage is declared, through either library, and at a put."""
    account = {"account_name": "a", "account_key": "a2V5"}
    with pytest.raises(ConfigurationError, match="object_settings"):
        ObstoreBackend("az", "az://c/", **account, object_settings=settings)
    with pytest.raises(ConfigurationError, match=r"object_settings|access tier"):
        FSSpecBackend("az", "abfs", "c", **account, object_settings=settings)
    with pytest.raises(ConfigurationError, match=r"object_settings|access tier"):
        FSSpecBackend("az", "abfs", "c", **account).put("x", b"bytes", object_settings=settings)
