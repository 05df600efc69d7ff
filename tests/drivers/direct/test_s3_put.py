"""A PUT to S3 is held to what was agreed, by a server that checks signatures."""

from datetime import UTC, datetime, timedelta

import pytest

from holdfast.drivers.optional import DirectUploads
from holdfast.drivers.s3.signature import Credentials, presigned_url
from holdfast.drivers.s3.uploads import put_request
from holdfast.errors import UnsupportedError
from tests.drivers.direct.clients import BODY, CHECKSUM, TERMS, put
from tests.drivers.signing.http import send
from tests.drivers.signing.urls import parts


@pytest.mark.parametrize("checksum", [None, CHECKSUM])
def test_s8_an_upload_as_agreed(s3, checksum):
    """It is stored with its type, whatever its name; nothing else of the offer is needed."""
    assert isinstance(s3._plain, DirectUploads)
    offer = s3.offer_upload(TERMS._replace(checksum=checksum))
    assert put(offer) == 200
    assert s3.read(TERMS.key) == BODY
    assert s3.stat(TERMS.key).content_type == "image/png"
    assert (offer.creates_only, offer.checks_checksum) == (True, checksum is not None)
    assert (offer.fields, offer.parts, offer.upload_id) == ({}, (), None)
    names = {"content-type", "if-none-match", "x-amz-checksum-sha256"}
    assert set(offer.headers) == (names if checksum else names - {"x-amz-checksum-sha256"})
    assert parts(offer.url)[2]["X-Amz-Expires"] == "300"


def test_s8_another_body(s3):
    """A larger one, a smaller one, and with a checksum one of the same size are refused."""
    offer = s3.offer_upload(TERMS._replace(checksum=CHECKSUM))
    assert put(offer, BODY + b"x") == 403
    assert put(offer, BODY[:-1]) == 403
    assert put(offer, b"") == 403
    assert put(offer, BODY[::-1]) == 400
    assert not s3.exists(TERMS.key)
    assert put(offer) == 200


@pytest.mark.parametrize("name", ["content_type", "if_none_match", "x_amz_checksum_sha256"])
def test_s8_a_header_that_was_changed(s3, name):
    """Another type, another checksum, leave to replace: with another value, or without the header, it is refused."""
    offer = s3.offer_upload(TERMS._replace(checksum=CHECKSUM))
    others = {
        "content_type": "text/html",
        "if_none_match": '"tag"',
        "x_amz_checksum_sha256": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    }
    assert put(offer, **{name: others[name]}) == 403
    assert put(offer, **{name: None}) == 403
    assert not s3.exists(TERMS.key)


def test_s8_another_key(s3):
    """The name is signed, and so is the bucket."""
    offer = s3.offer_upload(TERMS._replace(key="mine.png"))
    assert put(offer._replace(url=offer.url.replace("mine.png", "yours.png"))) == 403
    assert not s3.exists("yours.png")


def test_s8_a_replay(s3):
    """The second upload is refused, even of the same bytes; what was checked stays."""
    offer = s3.offer_upload(TERMS)
    assert put(offer) == 200
    assert put(offer, BODY[::-1]) == 412
    assert put(offer) == 412
    assert s3.read(TERMS.key) == BODY


def test_s8_an_object_that_was_there(s3):
    """It is not replaced."""
    s3.put(TERMS.key, b"precious")
    assert put(s3.offer_upload(TERMS)) == 412
    assert s3.read(TERMS.key) == b"precious"


def test_s8_other_methods(s3):
    """The URL neither reads nor deletes."""
    offer = s3.offer_upload(TERMS)
    put(offer)
    assert send("GET", offer.url)[0] == 403
    assert send("DELETE", offer.url)[0] == 403


def test_s8_an_offer_that_has_expired(s3_bucket):
    """Made an hour ago for a minute, it is refused."""
    server = s3_bucket.server
    credentials = Credentials(server.access_key, server.secret_key)
    request = put_request(TERMS._replace(expires_in=60))
    address, then = f"{server.endpoint}/{s3_bucket.name}", datetime.now(UTC) - timedelta(hours=1)
    headers = {"if_none_match": "*", "content_type": "image/png"}
    for expires_in, status in ((60, 403), (7200, 200)):
        url = presigned_url(address, request._replace(expires_in=expires_in), server.region, credentials, then)
        assert send("PUT", url, BODY, **headers)[0] == status


def test_an_empty_file(s3):
    """No bytes are a size, too."""
    offer = s3.offer_upload(TERMS._replace(size=0))
    assert put(offer, b"x") == 403
    assert put(offer, b"") == 200
    assert s3.stat(TERMS.key).size == 0


def test_more_than_one_request_takes(s3):
    """It is said before a client begins."""
    for terms in (TERMS, TERMS._replace(as_form=True)):
        with pytest.raises(UnsupportedError, match=r"at most 5368709120 bytes .* in parts"):
            s3.offer_upload(terms._replace(size=5 * 1024**3 + 1))


def test_s22_an_offer_does_not_show_its_url(s3):
    """Not even in `repr`: who has it may upload."""
    for terms in (TERMS, TERMS._replace(as_form=True), TERMS._replace(in_parts=True)):
        offer = s3.offer_upload(terms)
        assert "ignature" not in repr(offer)
        assert "http" not in repr(offer)
