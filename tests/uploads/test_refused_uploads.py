"""S8: what is uploaded is what was agreed on, or nothing of it stays."""

from dataclasses import replace

import pytest

from holdfast.errors import FileRejectedError, InvalidTokenError
from holdfast.uploads.terms import Terms
from tests.uploads.conftest import STORES, World, sha256
from tests.uploads.parcels import PNG, Parcel

pytestmark = pytest.mark.parametrize("world", STORES, indirect=True)

OK = {200, 201, 204}


async def refusal(world: World, ticket, column=Parcel.file) -> FileRejectedError:
    """Return why a claim is refused, having seen that nothing of the upload stays, and that this is the end of it."""
    with pytest.raises(FileRejectedError) as caught:
        await world.claim(ticket, column)
    assert all(key.endswith(".claimed") for key in world.stored())
    with pytest.raises(InvalidTokenError, match="claimed before"):
        await world.claim(ticket, column)
    return caught.value


async def test_s8_another_size_is_refused_where_it_is_uploaded(world: World) -> None:
    """Nothing is stored of a larger or smaller body."""
    for body in (b"hello and more", b"hell", b""):
        ticket = await world.issue()
        assert await world.upload(ticket, body) not in OK
    assert world.stored() == set()


async def test_s8_other_bytes_of_that_size_are_refused_where_they_are_uploaded(world: World) -> None:
    """If the client said which bytes it would be."""
    ticket = await world.issue(checksum=sha256(b"hello"))
    assert await world.upload(ticket, b"HELLO") not in OK
    assert world.stored() == set()
    assert await world.upload(ticket, b"hello") in OK


async def test_s8_an_upload_cannot_be_repeated(world: World) -> None:
    """What was checked stays as it is, until the ticket ends and after."""
    ticket = await world.uploaded()
    assert await world.upload(ticket, b"HELLO") not in OK
    file = await world.claim(ticket)
    await world.commit(Parcel(file=file))
    assert await world.upload(ticket, b"HELLO") not in OK
    assert file.get_content() == b"hello"


@pytest.mark.parametrize("body", [b"hello and more", b"hell", b""])
async def test_s8_another_size_is_refused_by_the_claim(world: World, body: bytes) -> None:
    """Whatever the service let through."""
    ticket = await world.uploaded()
    [key] = world.stored()
    world.storage.put(key, body)
    error = await refusal(world, ticket)
    assert (error.code, error.limit, error.found) == ("wrong_size", 5, len(body))
    assert (error.field, error.filename) == ("file", "hello.txt")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<!DOCTYPE html><script>alert(1)</script>", "type_mismatch"),
        (b"%PDF-1.7", "type_mismatch"),
        (b"GIF89a" + b"\0" * 20, "type_mismatch"),
        (b"", "type_mismatch"),
        (PNG + b"EICAR", "invalid"),
    ],
)
async def test_s7_s11_the_content_decides(world: World, body: bytes, code: str) -> None:
    """What was declared as a picture has to be one, and the application's own rules hold."""
    ticket = await world.uploaded(Parcel.photo, body, filename="a.png", content_type="image/png")
    assert (await refusal(world, ticket, Parcel.photo)).code == code


async def test_s7_the_type_is_that_of_the_content(world: World) -> None:
    """A client that does not know it may say so."""
    ticket = await world.uploaded(Parcel.photo, PNG, filename="a.png", content_type="application/octet-stream")
    assert (await world.claim(ticket, Parcel.photo)).content_type == "image/png"


async def test_s8_another_type_is_refused_where_it_is_uploaded(world: World) -> None:
    """The one that was agreed on is signed."""
    ticket = await world.issue(Parcel.photo, PNG, filename="a.png", content_type="image/png")
    assert await world.upload(replace(ticket, headers={**ticket.headers, "content-type": "text/html"}), PNG) not in OK
    assert world.stored() == set()


async def test_s8_another_type_is_refused_by_the_claim(world: World) -> None:
    """Azure lets the client choose it, and who reads the object from there, or through a CDN, gets a page."""
    ticket = await world.issue(Parcel.photo, PNG, filename="a.png", content_type="image/png")
    world.storage.put(Terms.read(ticket.token).key, PNG, content_type="text/html")
    if not world.storage.abilities.content_type:  # nor can anybody be told another one
        assert (await world.claim(ticket, Parcel.photo)).content_type == "image/png"
        return
    error = await refusal(world, ticket, Parcel.photo)
    assert (error.code, error.limit, error.found) == ("type_mismatch", "image/png", "text/html")


async def test_a_type_may_be_written_in_another_way(world: World) -> None:
    """Services have their own spelling."""
    ticket = await world.issue()
    world.storage.put(Terms.read(ticket.token).key, b"hello", content_type="Text/Plain; charset=utf-8")
    assert (await world.claim(ticket)).content_type == "text/plain"


async def test_s8_another_key_is_refused_where_it_is_uploaded(world: World) -> None:
    """A URL is good for one key."""
    first, second = await world.issue(), await world.issue(filename="b.txt")
    path, question, query = first.url.partition("?")
    other = second.url.partition("?")[0]
    if question:  # S3: the signature is in the query
        assert await world.upload(replace(first, url=f"{other}?{query}")) not in OK
    else:  # the token is the last folder
        token = path.split("/")[-2]
        changed = token[:120] + ("A" if token[120] != "A" else "B") + token[121:]
        assert await world.upload(replace(first, url=path.replace(token, changed))) not in OK
    assert world.stored() == set()
