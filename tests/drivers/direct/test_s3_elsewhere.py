"""The same on a server by other people, rclone: it knows no conditions and no forms."""

import pytest

from tests.drivers.direct.clients import BODY, PART, TERMS, part_of, put, put_part
from tests.drivers.signing.places import obstore_s3, s3fs


@pytest.mark.s3
@pytest.mark.parametrize("make", [obstore_s3, s3fs])
def test_s8_an_upload(rclone_bucket, make):
    """What is not as agreed is refused; what is comes in."""
    storage = make(rclone_bucket)
    offer = storage.offer_upload(TERMS)
    assert put(offer, BODY + b"x") == 403
    assert put(offer, content_type="text/html") == 403
    assert put(offer._replace(url=offer.url.replace("%C3%A9", "e"))) == 403
    assert put(offer) == 200
    assert storage.read(TERMS.key) == BODY


@pytest.mark.s3
@pytest.mark.parametrize("make", [obstore_s3, s3fs])
def test_parts(rclone_bucket, make, small_parts):
    """They become an object."""
    body = bytes(PART) + b"the rest"
    storage = make(rclone_bucket)
    offer = storage.offer_upload(TERMS._replace(size=len(body), in_parts=True))
    assert put_part(offer, 1, b"other") == 403
    assert [put_part(offer, number, part_of(body, number, offer)) for number in (2, 1)] == [200, 200]
    storage.finish_upload(TERMS.key, offer.upload_id)
    storage.finish_upload(TERMS.key, offer.upload_id)
    assert storage.read(TERMS.key) == body
