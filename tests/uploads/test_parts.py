"""Uploads in parts, which the claim joins."""

import pytest

from holdfast.drivers.protocol import MIB
from holdfast.errors import FileRejectedError, NotFoundError
from tests.uploads.conftest import S3, World, sha256
from tests.uploads.parcels import Parcel

pytestmark = pytest.mark.parametrize("world", S3, indirect=True)


async def test_large_files_go_in_parts(world: World) -> None:
    """Where the storage has them: above 100 MiB."""
    assert (await world.issue(size=100 * MIB)).protocol == "put"
    ticket = await world.issue(size=100 * MIB + 1)
    assert (ticket.protocol, ticket.url) == ("parts", "")
    assert ticket.part_size * (len(ticket.parts) - 1) < 100 * MIB + 1 <= ticket.part_size * len(ticket.parts)


async def test_parts_are_joined_by_the_claim(world: World) -> None:
    """All of them have to be there; until then the ticket is good."""
    body = b"01234567" * (2 * MIB + 1)
    ticket = await world.issue(body=body, protocol="parts")
    assert len(ticket.parts) == 2
    with pytest.raises(NotFoundError):
        await world.claim(ticket)
    assert await world.upload(ticket, body[: ticket.part_size]) == 200
    with pytest.raises(NotFoundError, match="parts are missing"):
        await world.claim(ticket)
    assert await world.upload(ticket, body) == 200
    file = await world.claim(ticket)
    await world.commit(Parcel(file=file))
    assert file.get_content() == body


async def test_s8_other_bytes_of_that_size_are_refused_by_the_claim(world: World) -> None:
    """Where the service does not look at the checksum, as with parts, the claim does."""
    ticket = await world.uploaded(protocol="parts", checksum=sha256(b"hello"))
    assert (await world.claim(ticket)).checksum == sha256(b"hello")
    others = world.stored()
    ticket = await world.uploaded(body=b"HELLO", protocol="parts", checksum=sha256(b"hello"))
    with pytest.raises(FileRejectedError) as caught:
        await world.claim(ticket)
    assert caught.value.code == "wrong_checksum"
    assert all(key.endswith(".claimed") for key in world.stored() - others)
