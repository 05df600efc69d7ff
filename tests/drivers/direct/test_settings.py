"""What a storage is told with each write holds for the uploads of clients, too."""

from xml.etree import ElementTree as ET

import boto3
import fsspec
import pytest

from holdfast.backends.fsspec import FSSpecBackend
from holdfast.drivers.s3.headers import form_fields, setting_headers
from holdfast.errors import UnsupportedError
from holdfast.object_settings import ObjectSettings
from tests.drivers.direct.clients import BODY, TERMS, post, put, put_part
from tests.drivers.signing.places import adlfs, obstore_azure, obstore_s3

SETTINGS = ObjectSettings.of(
    {
        "storage_class": "STANDARD_IA",
        "encryption": "AES256",
        "tags": {"a b": "c&d", "<e>": ""},
        "cache_control": "private",
        "checksum_algorithm": "SHA256",
    }
)
ENCRYPTION = "x-amz-server-side-encryption"


@pytest.fixture
def about(s3_bucket):
    """A function that returns what S3 says of an object."""
    server = s3_bucket.server
    client = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name=server.region,
    )

    def told(key):
        found = client.head_object(Bucket=s3_bucket.name, Key=key)
        tags = client.get_object_tagging(Bucket=s3_bucket.name, Key=key)["TagSet"]
        names = ("StorageClass", "ServerSideEncryption", "CacheControl")
        return *(found.get(name) for name in names), {tag["Key"]: tag["Value"] for tag in tags}

    yield told
    client.close()


ALL = ("STANDARD_IA", "AES256", "private", dict(SETTINGS.tags))


def test_s3_settings_of_a_put(s3_bucket, about):
    """They are signed, so that the client cannot leave them out."""
    storage = obstore_s3(s3_bucket, "", object_settings=SETTINGS)
    offer = storage.offer_upload(TERMS._replace(key="x"))
    for name in offer.headers:
        assert put(offer, **{name.replace("-", "_"): None}) == 403
    assert put(offer) == 200
    assert about("x") == ALL


def test_s3_settings_of_parts(s3_bucket, about):
    """S3 is told them when the upload begins; the server here forgets the tags of parts."""
    storage = obstore_s3(s3_bucket, "", object_settings=SETTINGS)
    offer = storage.offer_upload(TERMS._replace(key="x", in_parts=True))
    assert put_part(offer, 1, BODY) == 200
    storage.finish_upload("x", offer.upload_id)
    assert about("x")[:3] == ALL[:3]


def test_s3_settings_of_a_form(s3_bucket, about):
    """They are fields; the server here does not know the one for tags."""
    storage = obstore_s3(s3_bucket, "", object_settings=SETTINGS)
    offer = storage.offer_upload(TERMS._replace(key="x", as_form=True))
    assert post(offer) in {200, 204}
    assert about("x")[:3] == ALL[:3]
    tags = ET.fromstring(offer.fields["tagging"])
    assert {tag.findtext("Key"): tag.findtext("Value") for tag in tags.iter("Tag")} == SETTINGS.tags


def test_s3_settings_of_one_upload(s3_bucket, about):
    """They go before the storage's, as with any write."""
    storage = obstore_s3(s3_bucket, "", object_settings={"storage_class": "STANDARD_IA", "cache_control": "private"})
    settings = ObjectSettings(cache_control="no-store")
    assert put(storage.offer_upload(TERMS._replace(key="x", settings=settings))) == 200
    assert about("x")[0::2] == ("STANDARD_IA", "no-store")


def test_s3_what_the_libraries_were_told_themselves(s3_bucket, about):
    """Encryption that a store or a file system has for all its writes holds here, too."""
    obstore = obstore_s3(s3_bucket, "", server_side_encryption="AES256")
    fs = fsspec.filesystem("s3", **s3_bucket.s3fs, s3_additional_kwargs={"ServerSideEncryption": "AES256"})
    for key, storage in (("a", obstore), ("b", FSSpecBackend("docs", fs, s3_bucket.name))):
        offer = storage.offer_upload(TERMS._replace(key=key))
        assert put(offer, x_amz_server_side_encryption=None) == 403
        assert put(offer) == 200
        assert about(key)[1] == "AES256"


def test_s3_a_key_alone_means_kms():
    """As with writes of our own."""
    settings = ObjectSettings(encryption_key="arn")
    expected = {ENCRYPTION: "aws:kms", f"{ENCRYPTION}-aws-kms-key-id": "arn"}
    assert setting_headers(settings) == form_fields(settings) == expected


@pytest.mark.parametrize("make", [obstore_azure, adlfs])
@pytest.mark.parametrize("in_parts", [False, True])
def test_azure_settings(azure_container, make, in_parts):
    """Headers and the tier are told; a client could leave them out of a PUT, but not of what finishes parts."""
    storage = make(azure_container, "")
    settings = ObjectSettings(cache_control="private", content_language="de", storage_class="Cool")
    offer = storage.offer_upload(TERMS._replace(key="x", settings=settings, in_parts=in_parts))
    if in_parts:
        assert put_part(offer, 1, BODY) == 201
        storage.finish_upload("x", offer.upload_id)
    else:
        assert put(offer) == 201
    found = azure_container.head("x")
    assert [found[name] for name in ("cache-control", "content-language", "x-ms-access-tier")] == [
        "private",
        "de",
        "Cool",
    ]


def test_azure_settings_that_only_its_owner_has(azure_container):
    """They are refused, not forgotten."""
    storage = obstore_azure(azure_container)
    with pytest.raises(UnsupportedError, match="no client set tags"):
        storage.offer_upload(TERMS._replace(settings=ObjectSettings(tags={"a": "b"})))
