"""Variables of the environment that are set but empty, as a Compose file leaves them."""

import base64
import os

import pytest

from holdfast.backends.obstore import ObstoreBackend
from holdfast.errors import ConfigurationError
from tests.drivers.signing.accounts import as_json

KEY = base64.b64encode(b"key").decode()
SAS = "sv=2022-11-02&sig=x"
S3_KEYS = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}
ACCOUNT = {"azure_storage_account_name": "account"}


@pytest.fixture(autouse=True)
def _nothing_else(monkeypatch):
    """Only what a test sets is there."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "GOOGLE_", "AZURE_")):
            monkeypatch.delenv(name)


def declared(fs, options):
    """Return a storage; the account of Google's, whose key takes its time, is made here."""
    made = {name: value() if value is as_json else value for name, value in options.items()}
    return ObstoreBackend("docs", f"{fs}://bucket/", **made)


def provider():
    """Return credentials of any service."""
    return {"access_key_id": "p", "secret_access_key": "s", "token": "t", "expires_at": None}


@pytest.mark.parametrize(
    ("variables", "fs", "options"),
    [
        (["AWS_ACCESS_KEY_ID"], "s3", {}),
        (["AWS_SECRET_ACCESS_KEY"], "s3", {}),
        (["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"], "s3", {}),
        (["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"], "s3", {}),
        (["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"], "s3", {}),
        (["GOOGLE_APPLICATION_CREDENTIALS"], "gs", {}),
        (["GOOGLE_SERVICE_ACCOUNT"], "gs", {}),
        (["GOOGLE_SERVICE_ACCOUNT_PATH"], "gs", {"credential_provider": provider}),
        (["GOOGLE_SERVICE_ACCOUNT_KEY"], "gs", {}),
        (["GOOGLE_SERVICE_ACCOUNT"], "gs", {"google_service_account_key": as_json}),
        (["AZURE_STORAGE_ACCOUNT_KEY"], "az", ACCOUNT),
        (["AZURE_STORAGE_ACCESS_KEY"], "az", {**ACCOUNT, "azure_storage_sas_token": SAS}),
        (["AZURE_STORAGE_TOKEN"], "az", {**ACCOUNT, "azure_storage_account_key": KEY}),
        (["AZURE_STORAGE_SAS_TOKEN"], "az", ACCOUNT),
        (["AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"], "az", ACCOUNT),
    ],
)
def test_what_obstore_would_take_for_credentials(monkeypatch, variables, fs, options):
    """It is named at the first use, not before: a program may set it until then."""
    for name in variables:
        monkeypatch.setenv(name, "")
    storage = declared(fs, options)
    with pytest.raises(ConfigurationError, match=f"the environment variable ({'|'.join(variables)}) is set, but empty"):
        storage.read("x")
    for name in variables:
        monkeypatch.delenv(name)
    assert storage.native


@pytest.mark.parametrize(
    ("variables", "fs", "options"),
    [
        (["AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"], "s3", S3_KEYS),
        (["AWS_ACCESS_KEY_ID"], "s3", {"credential_provider": provider}),
        (["AWS_ROLE_ARN"], "s3", S3_KEYS),
        (["GOOGLE_APPLICATION_CREDENTIALS"], "gs", {"google_service_account_key": as_json}),
        (["AZURE_STORAGE_ACCOUNT_KEY"], "az", {**ACCOUNT, "azure_storage_account_key": KEY}),
        (["AZURE_STORAGE_SAS_TOKEN", "AZURE_CLIENT_SECRET"], "az", {**ACCOUNT, "azure_storage_account_key": KEY}),
    ],
)
def test_what_other_credentials_go_before(monkeypatch, variables, fs, options):
    """It does no harm: the storage signs as if it were not there."""
    for name in variables:
        monkeypatch.setenv(name, "")
    url = declared(fs, options).sign("x", content_type="a/b")
    assert "Credential=k%2F" in url or "Credential=p%2F" in url or "sig=" in url or "X-Goog-Signature=" in url


@pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_a_public_bucket(monkeypatch, variable):
    """It needs no key, so that half of one is no matter."""
    monkeypatch.setenv(variable, "")
    assert ObstoreBackend("docs", "s3://bucket/", aws_skip_signature=True).native


def test_an_empty_region(monkeypatch):
    """It is none: the other variable counts, else the default."""
    monkeypatch.setenv("AWS_REGION", "")
    assert "%2Fus-east-1%2F" in ObstoreBackend("docs", "s3://bucket/", **S3_KEYS).sign("x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert "%2Feu-west-1%2F" in ObstoreBackend("docs", "s3://bucket/", **S3_KEYS).sign("x")
    assert "%2Fmine%2F" in ObstoreBackend("docs", "s3://bucket/", **S3_KEYS, aws_region="mine").sign("x")
