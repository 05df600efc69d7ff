"""Uploads to Azure: a SAS token binds the blob, the time and that nothing is replaced; the rest is for the claim."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from holdfast.drivers.azure.signature import Account, presigned_url
from holdfast.drivers.optional import SignRequest
from holdfast.errors import AlreadyExistsError, NotFoundError, UnsupportedError
from tests.drivers.direct.clients import BODY, CHECKSUM, PART, TERMS, part_of, put, put_part
from tests.drivers.signing.http import send
from tests.drivers.signing.urls import parts

pytestmark = pytest.mark.usefixtures("small_parts")
BIG = bytes(range(256)) * (2 * PART // 256) + b"the rest"
PARTS = TERMS._replace(size=len(BIG), in_parts=True)


def upload(offer, *numbers):
    """Upload some parts."""
    for number in numbers:
        assert put_part(offer, number, part_of(BIG, number, offer)) == 201


def test_s8_an_upload_as_agreed(azure):
    """It is stored with its type, whatever its name; the token lets its holder create, and nothing else."""
    offer = azure.offer_upload(TERMS._replace(checksum=CHECKSUM))
    assert put(offer) == 201
    assert azure.read(TERMS.key) == BODY
    assert azure.stat(TERMS.key).content_type == "image/png"
    assert offer.headers == {"x-ms-blob-type": "BlockBlob", "x-ms-blob-content-type": "image/png"}
    assert (offer.creates_only, offer.checks_checksum) == (True, False)
    assert parts(offer.url)[2]["sp"] == "c"


def test_s8_another_key(azure):
    """The name is signed."""
    offer = azure.offer_upload(TERMS._replace(key="mine.png"))
    assert put(offer._replace(url=offer.url.replace("mine.png", "yours.png"))) == 403
    assert not azure.exists("yours.png")


def test_s8_a_replay(azure):
    """The second upload is refused; what was checked stays."""
    offer = azure.offer_upload(TERMS)
    assert put(offer) == 201
    assert put(offer, BODY[::-1]) in {403, 409}
    assert azure.read(TERMS.key) == BODY


def test_s8_other_methods(azure):
    """The URL neither reads nor deletes nor sets properties."""
    offer = azure.offer_upload(TERMS)
    put(offer)
    assert send("GET", offer.url)[0] == 403
    assert send("DELETE", offer.url)[0] == 403
    assert send("PUT", f"{offer.url}&comp=metadata", x_ms_meta_a="b")[0] == 403


def test_s8_an_offer_that_has_expired(azure_container):
    """Made an hour ago for a minute, it is refused."""
    server, then = azure_container.server, datetime.now(UTC) - timedelta(hours=1)
    for expires_in, status in ((60, 403), (7200, 201)):
        request = SignRequest("a", "PUT", expires_in, if_absent=True)
        account = Account(server.account, server.key)
        url = presigned_url(server.endpoint, azure_container.name, request, account, then)
        assert send("PUT", url, BODY, x_ms_blob_type="BlockBlob")[0] == status


def test_three_blocks(azure):
    """In any order, one of them twice; the type is the one that was agreed."""
    offer = azure.offer_upload(PARTS)
    assert (offer.method, offer.url, len(offer.parts), offer.part_size) == ("PUT", "", 3, PART)
    upload(offer, 3, 1, 2, 1)
    assert not azure.exists(PARTS.key)
    azure.finish_upload(PARTS.key, offer.upload_id)
    assert azure.read(PARTS.key) == BIG
    assert azure.stat(PARTS.key).content_type == "image/png"


def test_s8_blocks_can_be_replaced(azure):
    """To send a block is the right to write: the offer says that what was checked may change."""
    offer = azure.offer_upload(PARTS)
    assert not offer.creates_only
    upload(offer, 1, 2, 3)
    azure.finish_upload(PARTS.key, offer.upload_id)
    assert send("PUT", offer.parts[0].partition("&blockid=")[0], b"other", x_ms_blob_type="BlockBlob")[0] == 201


@pytest.mark.parametrize("there", [(), (1,), (1, 2), (1, 3), (2, 3)])
def test_s8_a_block_that_is_missing(azure, there):
    """Nothing is made of the others, and they can still be completed."""
    offer = azure.offer_upload(PARTS)
    upload(offer, *there)
    with pytest.raises(NotFoundError):
        azure.finish_upload(PARTS.key, offer.upload_id)
    assert not azure.exists(PARTS.key)
    upload(offer, *({1, 2, 3} - set(there)))
    azure.finish_upload(PARTS.key, offer.upload_id)
    assert azure.stat(PARTS.key).size == PARTS.size


def test_s8_a_block_of_another_size(azure):
    """Azure takes it, and nothing is made of it; a block that nobody asked for is left out."""
    offer = azure.offer_upload(PARTS)
    upload(offer, 1, 2)
    assert put_part(offer, 3, b"the rest, and more") == 201
    with pytest.raises(NotFoundError, match="others than were agreed"):
        azure.finish_upload(PARTS.key, offer.upload_id)
    upload(offer, 3)
    fourth = offer.parts[2].replace(*(quote(b64encode(f"{number:09}".encode())) for number in (3, 4)))
    assert fourth != offer.parts[2]
    assert send("PUT", fourth, b"foreign")[0] == 201
    azure.finish_upload(PARTS.key, offer.upload_id)
    assert azure.read(PARTS.key) == BIG


def test_finished_twice(azure):
    """The second time finds the blob."""
    offer = azure.offer_upload(PARTS)
    upload(offer, 1, 2, 3)
    azure.finish_upload(PARTS.key, offer.upload_id)
    azure.finish_upload(PARTS.key, offer.upload_id)
    assert azure.read(PARTS.key) == BIG


def test_s8_a_blob_that_is_in_the_way(azure):
    """It is not replaced."""
    azure.put(PARTS.key, b"precious")
    offer = azure.offer_upload(PARTS)
    upload(offer, 1, 2, 3)
    with pytest.raises(AlreadyExistsError):
        azure.finish_upload(PARTS.key, offer.upload_id)
    assert azure.read(PARTS.key) == b"precious"


def test_an_upload_that_does_not_exist(azure):
    """Neither blocks nor a blob: nothing is found."""
    with pytest.raises(NotFoundError):
        azure.finish_upload(PARTS.key, "id=&size=1")


def test_an_empty_file(azure):
    """No bytes are an upload, too."""
    assert put(azure.offer_upload(TERMS._replace(size=0)), b"") == 201
    assert azure.stat(TERMS.key).size == 0


def test_what_azure_has_not(azure):
    """Forms, and more than one request takes: it is said before a client begins."""
    with pytest.raises(UnsupportedError, match="no forms"):
        azure.offer_upload(TERMS._replace(as_form=True))
    with pytest.raises(UnsupportedError, match=r"at most 5242880000 bytes .* in parts"):
        azure.offer_upload(TERMS._replace(size=5000 * 1024**2 + 1))
