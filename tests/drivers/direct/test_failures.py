"""What goes wrong between Holdfast and the service has a class that says whether to try again, and shows no URL."""

import pytest

from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.errors import AccessDeniedError, UnavailableError, UnsupportedError
from tests.drivers.direct.clients import TERMS
from tests.drivers.s3.double import make_certificate, serving
from tests.servers.ports import free_port

PARTS = TERMS._replace(in_parts=True)
BEGUN = "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
KEYS = {"aws_access_key_id": "k", "aws_secret_access_key": "CANARY", "aws_region": "r", "aws_allow_http": True}


def storage_at(url):
    """Return a storage on a server."""
    return ObstoreBackend("docs", "s3://bucket/", aws_endpoint=url, **KEYS)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((503, "<Error><Code>SlowDown</Code><Message>busy</Message></Error>"), UnavailableError),
        ((500, ""), UnavailableError),
        ((429, ""), UnavailableError),
        ((403, "<Error><Code>AccessDenied</Code></Error>"), AccessDeniedError),
        ((501, "<Error><Code>NotImplemented</Code></Error>"), UnsupportedError),
    ],
)
def test_an_answer_that_is_an_error(answer, kind):
    """It is told with the service's own words."""
    with serving() as double:
        double.answers = [answer]
        with pytest.raises(kind, match=f"S3 answered {answer[0]}") as caught:
            storage_at(double.url).offer_upload(PARTS)
    assert "CANARY" not in str(caught.value)


def test_nobody_is_there():
    """The network may be better the next time."""
    with pytest.raises(UnavailableError, match="no answer") as caught:
        storage_at(f"http://127.0.0.1:{free_port()}").offer_upload(PARTS)
    assert "Signature" not in str(caught.value)


def test_half_an_answer():
    """A connection that ends too early is no answer."""
    with serving() as double:
        double.answers = [(200, "half", ("Content-Length", "100"))]
        with pytest.raises(UnavailableError, match="no answer"):
            storage_at(double.url).offer_upload(PARTS)


@pytest.mark.parametrize("verify", ["path", False, None])
def test_s3fs_trusts_whom_it_was_told_to(tmp_path, verify):
    """A certificate of the user's own, or any; else none that nobody signed."""
    path = make_certificate(tmp_path / "both.pem")
    client = {"verify": str(path) if verify == "path" else verify, "region_name": "r"}
    with serving(path) as double:
        keys = {"username": "k", "password": "s", "endpoint_url": double.url}
        storage = FSSpecBackend("docs", "s3", "bucket", **keys, client_kwargs=client)
        if verify is None:
            with pytest.raises(UnavailableError, match="CERTIFICATE_VERIFY_FAILED"):
                storage.offer_upload(PARTS)
            return
        double.answers = [(200, BEGUN)]
        assert storage.offer_upload(PARTS).parts


def test_s3fs_goes_through_its_proxy():
    """The request that begins an upload goes where those of s3fs go."""
    with serving() as double:
        double.answers = [(200, BEGUN)]
        keys = {"username": "k", "password": "s", "endpoint_url": "http://nowhere.invalid"}
        config = {"proxies": {"http": double.url}}
        storage = FSSpecBackend("docs", "s3", "bucket", **keys, config_kwargs=config)
        assert storage.offer_upload(PARTS).parts[0].startswith("http://nowhere.invalid/bucket/")
        assert double.seen[0][1].startswith("http://nowhere.invalid/bucket/")
