"""An upload that its client can replace, or that two may claim at once, is copied.

What was checked is what a row gets.
"""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from holdfast import StorageBackend
from holdfast.drivers.local import LocalDriver
from holdfast.errors import FileRejectedError, InvalidTokenError, NotFoundError
from tests.uploads.conftest import World
from tests.uploads.parcels import PNG, STORAGE, Parcel


class SharedFolder(LocalDriver):
    """A folder of a server that cannot tell two writers apart, as most WebDAV and FTP servers."""

    abilities = LocalDriver.abilities._replace(atomic_create=False)


@pytest.fixture
def shared(tmp_path: Any) -> StorageBackend:
    """A storage in such a folder."""
    return StorageBackend(STORAGE, SharedFolder(tmp_path / "shared", durable=False))


# A form on S3 is good for any number of uploads.
WORLDS = [
    pytest.param(("pysqlite", "s3"), id="form", marks=pytest.mark.s3),
    pytest.param(("asyncpg", "s3"), id="async form", marks=[pytest.mark.s3, pytest.mark.postgres]),
    pytest.param(("psycopg", "shared"), id="folder", marks=pytest.mark.postgres),
    pytest.param(("aiosqlite", "shared"), id="async folder"),
]
pytestmark = pytest.mark.parametrize("world", WORLDS, indirect=True)


async def test_s8_the_row_gets_the_copy_that_was_checked(world: World) -> None:
    """And the upload goes with the commit."""
    ticket = await world.uploaded(protocol="form")
    [upload] = world.stored()
    file = await world.claim(ticket)
    assert file.path != upload
    assert world.stored() == {file.path, upload}
    await world.commit(Parcel(id=1, file=file))
    assert world.stored() == {file.path, f"{upload}.claimed"}
    with pytest.raises(InvalidTokenError, match="claimed before"):
        await world.claim(ticket)


async def test_s8_what_is_uploaded_after_the_claim_changes_nothing(world: World) -> None:
    """The row has the bytes that were checked."""
    ticket = await world.uploaded(Parcel.photo, PNG, protocol="form", filename="a.png", content_type="image/png")
    [upload] = world.stored()
    file = await world.claim(ticket, Parcel.photo)
    world.storage.put(upload, b"<script>alert(1)</script>")
    await world.commit(Parcel(photo=file))
    assert file.get_content() == PNG
    assert world.stored() == {file.path, f"{upload}.claimed"}


async def test_s8_a_rollback_leaves_the_upload(world: World) -> None:
    """It can be claimed again, and makes another copy; the first is free again."""
    ticket = await world.uploaded(protocol="form")
    [upload] = world.stored()
    file = await world.claim(ticket)

    def roll_back(session: Session) -> None:
        session.add(Parcel(file=file))
        session.flush()
        session.rollback()

    await world.run(roll_back)
    assert world.stored() == {upload, file.path}
    again = await world.claim(ticket)
    await world.commit(Parcel(file=again))
    assert again.path not in {upload, file.path}
    with pytest.raises(InvalidTokenError):
        await world.commit(Parcel(file=file))


async def test_s8_two_claims_never_share_an_object(world: World) -> None:
    """Each has a copy, and one of them a row."""
    ticket = await world.uploaded(protocol="form")
    first, second = await world.claim(ticket), await world.claim(ticket)
    assert first.path != second.path
    await world.commit(Parcel(file=first))
    with pytest.raises((InvalidTokenError, NotFoundError)):
        await world.commit(Parcel(file=second))

    def look(session: Session) -> list[str]:
        return [file.path for file in session.scalars(select(Parcel.file))]

    assert await world.run(look) == [first.path]


@pytest.mark.parametrize("body", [b"hello and more", b"<html>"])
async def test_s8_what_is_refused_goes_with_its_copy(world: World, body: bytes) -> None:
    """Nothing of it stays."""
    ticket = await world.uploaded(Parcel.photo, b"<html>", protocol="form", filename="a.png", content_type="image/png")
    [upload] = world.stored()
    world.storage.put(upload, body)
    with pytest.raises(FileRejectedError):
        await world.claim(ticket, Parcel.photo)
    assert world.stored() == {f"{upload}.claimed"}
