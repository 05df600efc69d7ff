"""Storages whose services take uploads of clients, through each library."""

import pytest

from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers import direct
from tests.drivers.direct.clients import PART
from tests.drivers.signing.accounts import as_json, service_account
from tests.drivers.signing.places import PREFIX, adlfs, obstore_azure, obstore_s3, s3fs


@pytest.fixture
def small_parts(monkeypatch):
    """Have parts offered that are no larger than they must be."""
    monkeypatch.setattr(direct, "_LEAST_PART", PART)


@pytest.fixture(params=[pytest.param(make, id=make.__name__, marks=pytest.mark.s3) for make in (obstore_s3, s3fs)])
def s3(request):
    """S3, with a server that verifies signatures, conditions and policies."""
    return request.param(request.getfixturevalue("s3_bucket"))


@pytest.fixture(
    params=[pytest.param(make, id=make.__name__, marks=pytest.mark.azure) for make in (obstore_azure, adlfs)]
)
def azure(request):
    """Azure, with Microsoft's own emulator."""
    return request.param(request.getfixturevalue("azure_container"))


def obstore_gcs(endpoint, bucket):
    """Return a storage on GCS through obstore, with an account that signs."""
    account = as_json(gcs_base_url=endpoint)
    client = {"client_options": {"allow_http": True}}
    return ObstoreBackend("docs", f"gs://{bucket}/{PREFIX}", google_service_account_key=account, **client)


def gcsfs(endpoint, bucket):
    """Return one through gcsfs."""
    options = {"token": service_account(), "endpoint_url": endpoint, "project": "test"}
    return FSSpecBackend("docs", "gcs", f"{bucket}/{PREFIX}", **options)


@pytest.fixture(params=[obstore_gcs, gcsfs], ids=["obstore_gcs", "gcsfs"])
def gcs(request, gcs_xml_bucket):
    """GCS as far as its double goes: it takes requests without a look at their signatures, sizes and forms."""
    return request.param(gcs_xml_bucket.server.endpoint, gcs_xml_bucket.name)
