"""What a client uploaded by itself is checked against its ticket, and becomes a file of a row."""

import time

import pytest
from sqlalchemy import Column, MetaData, Table

from holdfast import StoredObject, storages
from holdfast.errors import ConfigurationError, InvalidTokenError, NotFoundError
from holdfast.tokens import TokenKeys
from holdfast.uploads.terms import Terms
from tests.uploads.conftest import BASE_URL, STORES, World, marker, sha256
from tests.uploads.parcels import STORAGE, Letter, Parcel

pytestmark = pytest.mark.parametrize("world", STORES, indirect=True)


async def test_b38_s8_from_the_ticket_to_the_row(world: World) -> None:
    """The claimed file is what the row holds; with the row it goes."""
    file = await world.claim(await world.uploaded())
    assert (file.filename, file.size, file.content_type) == ("hello.txt", 5, "text/plain")
    await world.commit(Parcel(id=1, file=file))

    def look(session) -> None:
        parcel = session.get(Parcel, 1)
        assert parcel.file.get_content() == b"hello"
        assert parcel.file.path == file.path
        session.delete(parcel)
        session.commit()

    await world.run(look)
    assert world.stored() == {marker(file)}


async def test_a_checksum_is_recorded(world: World) -> None:
    """The one of the ticket, which was checked."""
    file = await world.claim(await world.uploaded(checksum=sha256(b"hello")))
    assert file.checksum == sha256(b"hello")
    file.verify()


async def test_nothing_was_uploaded(world: World) -> None:
    """Which can change: the ticket is still good."""
    ticket = await world.issue()
    with pytest.raises(NotFoundError, match="nothing was uploaded"):
        await world.claim(ticket)
    assert await world.upload(ticket) in {200, 201, 204}
    assert (await world.claim(ticket)).size == 5


async def test_a_ticket_for_a_list(world: World) -> None:
    """Of several files each has a ticket of its own."""
    files = [await world.claim(await world.uploaded(Parcel.pages), Parcel.pages) for _ in range(2)]
    await world.commit(Parcel(id=1, pages=files))

    def look(session) -> None:
        assert [file.get_content() for file in session.get(Parcel, 1).pages] == [b"hello"] * 2

    await world.run(look)


async def test_an_empty_file(world: World) -> None:
    """It is a file like any other."""
    file = await world.claim(await world.uploaded(body=b""))
    await world.commit(Parcel(file=file))
    assert file.get_content() == b""


async def test_a_form_is_an_upload_too(world: World) -> None:
    """What a page without scripts can send."""
    file = await world.claim(await world.uploaded(protocol="form"))
    await world.commit(Parcel(file=file))
    assert file.get_content() == b"hello"


async def test_s8_a_ticket_is_good_for_one_purpose(world: World) -> None:
    """Whoever gets hold of somebody's ticket cannot claim it, and the upload stays."""
    ticket = await world.uploaded()
    with pytest.raises(InvalidTokenError, match="something else"):
        await world.claim(ticket, purpose="user:eve")
    assert (await world.claim(ticket)).get_content() == b"hello"


@pytest.mark.parametrize("column", [Parcel.photo, Letter.file, Parcel.elsewhere])
async def test_s8_a_ticket_is_good_for_one_column(world: World, column) -> None:
    """Another one may have other rules, or another storage."""
    ticket = await world.uploaded()
    with pytest.raises(InvalidTokenError, match="something else"):
        await world.claim(ticket, column)
    assert (await world.claim(ticket)).get_content() == b"hello"


async def test_s8_a_ticket_is_good_for_one_schema(world: World) -> None:
    """Tables of one name may be others."""
    metadata = MetaData()
    shop, archive = (
        Table("parcel", metadata, Column("file", StoredObject(backend=STORAGE)), schema=name)
        for name in ("shop", "archive")
    )
    ticket = await world.uploaded(shop.c.file)
    with pytest.raises(InvalidTokenError, match="something else"):
        await world.claim(ticket, archive.c.file)
    assert (await world.claim(ticket, shop.c.file)).get_content() == b"hello"


async def test_the_column_of_the_table_is_the_same_column(world: World) -> None:
    """As the one of the model."""
    ticket = await world.uploaded(Parcel.__table__.c.file)
    assert (await world.claim(ticket)).get_content() == b"hello"


async def test_s8_a_ticket_ends(world: World) -> None:
    """With its time."""
    ticket = await world.uploaded()
    ended = Terms.read(ticket.token)._replace(expires_at=int(time.time()) - 1).signed()
    with pytest.raises(InvalidTokenError, match="expired"):
        await world.claim(ended)


@pytest.mark.parametrize("token", ["", "x", "é", "A" * 10_000, 5, None, b"token"])
async def test_s8_what_is_no_ticket_is_refused(world: World, token) -> None:
    """With the same error, whatever it is."""
    with pytest.raises(InvalidTokenError):
        await world.claim(token)


async def test_s8_a_forged_ticket_is_refused(world: World) -> None:
    """One that another secret signed, one that was changed, and a token for something else."""
    ticket = await world.uploaded()
    terms = Terms.read(ticket.token)
    for forged in (
        TokenKeys("the secret of somebody else").sign("holdfast-ticket", ["x"] * 13, expires_at=terms.expires_at),
        storages.signed_urls.keys.sign("holdfast-url", ["x"] * 13, expires_at=terms.expires_at),
        ticket.token[:-1] + ("A" if ticket.token[-1] != "A" else "B"),
    ):
        with pytest.raises(InvalidTokenError):
            await world.claim(forged)


async def test_a_rotated_secret_still_reads_old_tickets(world: World) -> None:
    """As long as it is among them."""
    ticket = await world.uploaded()
    storages.sign_urls(base_url=BASE_URL, secret=["a newer secret of ours", "parcels, and what is in them"])
    assert (await world.claim(ticket)).get_content() == b"hello"


@pytest.mark.parametrize("purpose", ["", None])
async def test_a_claim_has_a_purpose(world: World, purpose) -> None:
    """An empty one is a mistake of the application's, and no answer to a client."""
    with pytest.raises(ConfigurationError, match="purpose"):
        await world.claim("token", purpose=purpose)
