"""URLs of Azure are signed as Microsoft's own client signs them."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from azure.storage.blob import BlobClient
from azure.storage.blob._shared_access_signature import BlobSharedAccessSignature
from hypothesis import example, given

from holdfast.drivers.azure.signature import Account, presigned_url
from holdfast.drivers.optional import SignRequest
from holdfast.errors import ConfigurationError
from tests.drivers.signing.strategies import AZURE_REQUESTS, CHECKSUM, DISPOSITION, ODD
from tests.drivers.signing.urls import parts

KEY = base64.b64encode(b"CANARY" * 10).decode()
ACCOUNT = Account("account", KEY)
NOW = datetime(2026, 11, 21, 10, 20, 30, tzinfo=UTC)


def microsofts(address, request, protocol):
    """Return the URL of Microsoft's client, for the same version of the service."""
    signatures = BlobSharedAccessSignature(ACCOUNT.name, ACCOUNT.key)
    signatures.x_ms_version = "2020-12-06"
    token = signatures.generate_blob(
        "container",
        request.key,
        permission="r" if request.method == "GET" else "c" if request.if_absent else "cw",
        expiry=NOW + timedelta(seconds=request.expires_in),
        protocol=protocol,
        content_disposition=request.content_disposition,
        content_type=request.content_type,
    )
    return BlobClient(address, "container", request.key, credential=token).url


@given(AZURE_REQUESTS)
@example(SignRequest(ODD, "GET", 60, "text/plain; charset=utf-8", DISPOSITION))
@example(SignRequest(ODD, "PUT", 7 * 24 * 3600))
@example(SignRequest(ODD, "PUT", 60, if_absent=True))
def test_a_url_is_microsofts(request):
    """For any name, type and disposition, GET and PUT."""
    address = "https://account.blob.core.windows.net"
    url = presigned_url(address, "container", request, ACCOUNT, NOW)
    assert parts(url) == parts(microsofts(address, request, "https"))


def test_a_url_is_microsofts_at_an_endpoint():
    """Where the account is in the path, and the connection is not encrypted."""
    address, request = "http://127.0.0.1:10000/account", SignRequest(ODD, "GET", 60, "a/b", DISPOSITION)
    url = presigned_url(address, "container", request, ACCOUNT, NOW)
    assert parts(url) == parts(microsofts(address, request, "https,http"))


@pytest.mark.parametrize(("name", "value"), [("content_type", "text/plain"), ("size", 0), ("checksum", CHECKSUM)])
def test_s8_what_of_an_upload_cannot_be_bound(name, value):
    """It is refused, instead of being dropped."""
    with pytest.raises(NotImplementedError, match=f"leave {name} out"):
        presigned_url("https://h", "container", SignRequest("x", "PUT", 60, **{name: value}), ACCOUNT, NOW)
    request = SignRequest("x", "GET", 60)._replace(**{name: value})
    assert presigned_url("https://h", "container", request, ACCOUNT, NOW)


def test_the_key_does_not_show():
    """Neither in `repr` nor in the URL, nor in the error for a wrong one."""
    assert KEY not in repr(ACCOUNT)
    assert KEY not in presigned_url("https://h", "container", SignRequest("x", "GET", 60), ACCOUNT, NOW)
    wrong = ACCOUNT._replace(key="CANARY!")
    with pytest.raises(ConfigurationError, match="base64") as caught:
        presigned_url("https://h", "container", SignRequest("x", "GET", 60), wrong, NOW)
    assert "CANARY" not in str(caught.value)
