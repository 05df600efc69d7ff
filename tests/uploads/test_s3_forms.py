"""Signed forms of S3: the service holds them to the size, and the claim to the rest."""

import pytest

from holdfast.errors import FileRejectedError
from tests.uploads.conftest import S3, World, sha256

pytestmark = pytest.mark.parametrize("world", S3, indirect=True)


async def test_s8_other_bytes_are_refused_by_the_claim(world: World) -> None:
    """Not every copy of S3 looks at the checksum of a form; this one does not."""
    ticket = await world.issue(protocol="form", checksum=sha256(b"hello"))
    assert await world.upload(ticket, b"HELLO") == 204
    with pytest.raises(FileRejectedError) as caught:
        await world.claim(ticket)
    assert caught.value.code == "wrong_checksum"
    assert all(key.endswith(".claimed") for key in world.stored())


async def test_a_checksum_is_recorded(world: World) -> None:
    """The one of the ticket, which was checked."""
    file = await world.claim(await world.uploaded(protocol="form", checksum=sha256(b"hello")))
    assert file.checksum == sha256(b"hello")
    file.verify()
