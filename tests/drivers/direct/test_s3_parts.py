"""Parts sent to S3 become an object when all of them are there, and not before."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from holdfast.errors import AlreadyExistsError, NotFoundError
from tests.drivers.direct.clients import PART, TERMS, part_of, put_part
from tests.drivers.signing.http import send

pytestmark = pytest.mark.usefixtures("small_parts")
BIG = bytes(range(256)) * (2 * PART // 256) + b"the rest"
PARTS = TERMS._replace(size=len(BIG), in_parts=True)


def upload(offer, *numbers):
    """Upload some parts."""
    for number in numbers:
        assert put_part(offer, number, part_of(BIG, number, offer)) == 200


def test_three_parts(s3):
    """In any order, one of them twice, as clients do whose network fails; the type is the one that was agreed."""
    offer = s3.offer_upload(PARTS)
    assert (offer.method, offer.url, len(offer.parts), offer.part_size) == ("PUT", "", 3, PART)
    assert (offer.creates_only, offer.headers) == (True, {})
    upload(offer, 3, 1, 2, 1)
    assert not s3.exists(PARTS.key)
    s3.finish_upload(PARTS.key, offer.upload_id)
    assert s3.read(PARTS.key) == BIG
    assert s3.stat(PARTS.key).content_type == "image/png"


@pytest.mark.parametrize("there", [(), (1,), (1, 2), (1, 3), (2, 3)])
def test_s8_a_part_that_is_missing(s3, there):
    """Nothing is made of the others, and they can still be completed."""
    offer = s3.offer_upload(PARTS)
    upload(offer, *there)
    with pytest.raises(NotFoundError, match="missing"):
        s3.finish_upload(PARTS.key, offer.upload_id)
    assert not s3.exists(PARTS.key)
    upload(offer, *({1, 2, 3} - set(there)))
    s3.finish_upload(PARTS.key, offer.upload_id)
    assert s3.stat(PARTS.key).size == PARTS.size


def test_s8_a_part_of_another_size(s3):
    """The size of each part is signed."""
    offer = s3.offer_upload(PARTS)
    assert put_part(offer, 1, bytes(PART + 1)) == 403
    assert put_part(offer, 2, bytes(PART - 1)) == 403
    assert put_part(offer, 3, b"the rest!") == 403


def test_s8_a_part_more(s3):
    """The number is signed: no fourth one can be sent."""
    offer = s3.offer_upload(PARTS)
    url = offer.parts[2].replace("partNumber=3", "partNumber=4")
    assert url != offer.parts[2]
    assert send("PUT", url, b"the rest")[0] == 403


def test_finished_twice(s3):
    """The second time finds the object, and what comes after it is of no use."""
    offer = s3.offer_upload(PARTS)
    upload(offer, 1, 2, 3)
    s3.finish_upload(PARTS.key, offer.upload_id)
    s3.finish_upload(PARTS.key, offer.upload_id)
    assert put_part(offer, 1, bytes(PART)) == 404
    assert s3.read(PARTS.key) == BIG


def test_finished_at_the_same_time(s3):
    """Of several that finish it none fails."""
    offer = s3.offer_upload(PARTS)
    upload(offer, 1, 2, 3)
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(s3.finish_upload, PARTS.key, offer.upload_id) for _ in range(4)]:
            done.result()
    assert s3.read(PARTS.key) == BIG


def test_s8_an_object_that_is_in_the_way(s3):
    """It is not replaced."""
    offer = s3.offer_upload(PARTS)
    upload(offer, 1, 2, 3)
    s3.put(PARTS.key, b"precious")
    with pytest.raises(AlreadyExistsError):
        s3.finish_upload(PARTS.key, offer.upload_id)
    assert s3.read(PARTS.key) == b"precious"


@pytest.mark.parametrize("name", ["", "nonsense", "id=x&size=1", "id=x&size=many"])
def test_an_upload_that_does_not_exist(s3, name):
    """Neither an upload nor an object: nothing is found."""
    with pytest.raises(NotFoundError):
        s3.finish_upload(PARTS.key, name)


def test_an_empty_upload_in_parts(s3):
    """It has one part, which is empty."""
    offer = s3.offer_upload(PARTS._replace(size=0))
    assert len(offer.parts) == 1
    assert put_part(offer, 1, b"") == 200
    s3.finish_upload(PARTS.key, offer.upload_id)
    assert s3.stat(PARTS.key).size == 0


def test_an_upload_that_is_never_finished(s3):
    """It is found and cleared like any other that was cut off."""
    offer = s3.offer_upload(PARTS)
    upload(offer, 1)
    later = time.time() + 3600
    assert s3.clear_partial_uploads(time.time() - 3600, delete=True) == []
    assert s3.clear_partial_uploads(later, delete=True) == [PARTS.key]
    assert s3.clear_partial_uploads(later, delete=True) == []
    assert put_part(offer, 2, bytes(PART)) == 404
    with pytest.raises(NotFoundError):
        s3.finish_upload(PARTS.key, offer.upload_id)
