"""Which credentials of fsspec's file systems sign, and what is said of the others."""

import asyncio
import base64

import pytest

from holdfast.backends.fsspec import FSSpecBackend
from holdfast.errors import UnsupportedError
from tests.drivers.signing.accounts import service_account
from tests.drivers.signing.strategies import DISPOSITION, ODD
from tests.drivers.signing.test_credentials import CANARY, alike, googles

KEY = base64.b64encode(CANARY.encode()).decode()


@pytest.mark.parametrize("half", ["sync", "async"])
def test_b17_gcsfs_with_a_service_account(half):
    """The URL is Google's own."""
    storage = FSSpecBackend("docs", "gcs", "bucket/pre", token=service_account(), project="project")
    for given, theirs in (
        ({}, {}),
        (
            {"content_type": "a/b", "content_disposition": DISPOSITION},
            {"response_type": "a/b", "response_disposition": DISPOSITION},
        ),
        ({"content_type": "a/b", "for_upload": True}, {"content_type": "a/b", "method": "PUT"}),
    ):
        url = storage.sign(ODD, **given) if half == "sync" else asyncio.run(storage.sign_async(ODD, **given))
        assert alike(url, googles(ODD, **theirs))


def test_gcsfs_at_an_endpoint():
    """It is in the URL."""
    options = {"token": service_account(), "project": "project", "endpoint_url": "http://localhost:4443"}
    storage = FSSpecBackend("docs", "gs", "bucket/pre", **options)
    assert alike(storage.sign("x"), googles("x", api_access_endpoint="http://localhost:4443"))


def test_gcsfs_that_cannot_sign(gcs_bucket):
    """It has no key."""
    storage = FSSpecBackend("docs", "gcs", gcs_bucket.name, **gcs_bucket.gcsfs)
    with pytest.raises(
        UnsupportedError, match="cannot sign as anybody; the file of a service account, given as token, can"
    ):
        storage.sign("x")


def test_b30_adlfs_cannot_sign_with_a_sas_token():
    """It is a signature itself, wherever it stands."""
    token = f"sv=2022-11-02&sig={CANARY}%3D"
    for options in (
        {"account_name": "account", "sas_token": token},
        {"connection_string": f"BlobEndpoint=https://account.blob.core.windows.net;SharedAccessSignature={token}"},
    ):
        storage = FSSpecBackend("docs", "abfs", "container", **options)
        with pytest.raises(UnsupportedError, match="cannot sign with a SAS token") as caught:
            storage.sign("x")
        assert CANARY not in repr(caught.value)


def test_adlfs_that_cannot_sign():
    """It asks as anybody, or with a token."""
    secret = {"client_id": "a", "client_secret": CANARY, "tenant_id": "b"}
    for options, what in (({"anon": True}, "asks without credentials"), (secret, "ClientSecretCredential")):
        storage = FSSpecBackend("docs", "abfs", "container", account_name="account", **options)
        with pytest.raises(
            UnsupportedError, match=rf"{what}.*: give it account_key, or a connection_string with one"
        ) as caught:
            storage.sign("x")
        assert CANARY not in str(caught.value)


def test_adlfs_with_an_account_key():
    """At the account's own address."""
    storage = FSSpecBackend("docs", "abfs", "container/pre", account_name="account", account_key=KEY)
    url = storage.sign(ODD, content_type="a/b")
    assert url.startswith("https://account.blob.core.windows.net/container/pre/a%20b/%C3%A9%2B%2541~")
    assert "rsct=a%2Fb" in url
    assert KEY not in url


def test_s3fs_that_cannot_sign(s3_bucket):
    """It asks as anybody."""
    options = {"anon": True, "endpoint_url": s3_bucket.server.endpoint}
    with pytest.raises(
        UnsupportedError, match=r"asks without credentials.*: give it a key and its secret \(username and password\)"
    ):
        FSSpecBackend("docs", "s3", s3_bucket.name, **options).sign("x")
