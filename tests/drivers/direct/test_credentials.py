"""Who can sign uploads, and what is said where nobody can."""

import asyncio

import pytest
from obstore.store import S3Store

from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.errors import UnsupportedError
from tests.drivers.direct.clients import TERMS, put, put_part
from tests.drivers.signing.accounts import as_json
from tests.drivers.signing.places import obstore_azure, obstore_s3

ALL_TERMS = [TERMS, TERMS._replace(as_form=True), TERMS._replace(in_parts=True)]
SAS = "sv=2020-12-06&sig=x"


def token():
    """Provide a token, which signs nothing."""
    return {"token": "t", "expires_at": None}


@pytest.mark.parametrize("terms", ALL_TERMS, ids=["put", "form", "parts"])
@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: ObstoreBackend("docs", "s3://bucket/", aws_skip_signature=True), "a credential_provider"),
        (lambda: ObstoreBackend("docs", "gs://bucket/", credential_provider=token), "google_service_account"),
        (
            lambda: ObstoreBackend("docs", "az://bucket/", azure_storage_account_name="a", azure_storage_sas_token=SAS),
            "azure_storage_account_key",
        ),
        (lambda: FSSpecBackend("docs", "s3", "bucket", anon=True), "a key and its secret"),
    ],
)
def test_who_cannot_sign(monkeypatch, make, what, terms):
    """It is said what can; nothing is sent."""
    for name in ("AWS_ACCESS_KEY_ID", "AZURE_STORAGE_ACCOUNT_KEY", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UnsupportedError, match=what):
        make().offer_upload(terms)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_keys_of_a_provider(s3_bucket, kind):
    """In both halves, from providers of both kinds."""
    server = s3_bucket.server
    answer = {"access_key_id": server.access_key, "secret_access_key": server.secret_key, "expires_at": None}

    def provide():
        return answer

    async def provide_async():
        return answer

    options = {name: value for name, value in s3_bucket.obstore.items() if "key" not in name and name != "bucket"}
    provider = {"sync": provide, "async": provide_async}[kind]
    storage = ObstoreBackend("docs", f"s3://{s3_bucket.name}/", **options, credential_provider=provider)
    assert put(storage.offer_upload(TERMS)) == 200

    async def in_parts():
        offer = await storage.offer_upload_async(TERMS._replace(key="b", in_parts=True))
        assert put_part(offer, 1, bytes(TERMS.size)) == 200
        await storage.finish_upload_async("b", offer.upload_id)
        return await storage.stat_async("b")

    assert asyncio.run(in_parts()).size == TERMS.size


def test_an_address_that_is_not_encrypted():
    """It is not spoken to without being told so, although the client may be sent there."""
    options = {"access_key_id": "k", "secret_access_key": "s", "endpoint": "http://s3.invalid"}
    storage = ObstoreBackend("docs", S3Store("bucket", **options))
    with pytest.raises(UnsupportedError, match=r"http://s3\.invalid is not encrypted: add aws_allow_http"):
        storage.offer_upload(TERMS._replace(in_parts=True))


def test_a_session_token_is_in_the_form(s3_bucket):
    """Without it temporary keys are of no use."""
    storage = obstore_s3(s3_bucket, aws_session_token="token/+")
    assert storage.offer_upload(TERMS._replace(as_form=True)).fields["x-amz-security-token"] == "token/+"


def test_no_secret_shows(s3_bucket, azure_container):
    """Neither in URLs nor in fields."""
    secrets = s3_bucket.server.secret_key, azure_container.server.key, "PRIVATE"
    gcs = ObstoreBackend("docs", "gs://bucket/", google_service_account_key=as_json())
    offers = [
        *(obstore_s3(s3_bucket).offer_upload(terms) for terms in ALL_TERMS),
        *(gcs.offer_upload(terms) for terms in ALL_TERMS[:2]),
        *(obstore_azure(azure_container).offer_upload(terms) for terms in ALL_TERMS[::2]),
    ]
    for offer in offers:
        assert not any(secret in str(tuple(offer)) for secret in secrets)
