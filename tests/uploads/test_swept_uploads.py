"""What nobody claims is found by a sweep, and so are the markers, when no ticket can be used any more."""

import json
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StorageBackend, StoredObject, storages
from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.wrappers import PrefixBackend
from holdfast.drivers.local import LocalDriver
from holdfast.errors import NotFoundError
from holdfast.keys import default_key, new_id
from holdfast.maintenance import SweepReport, sweep, sweep_async
from tests.orm.conftest import Database
from tests.uploads.conftest import World

NAME = "parcels-unclaimed"
DAY = 24 * 3600
NOW = timedelta(0)


class Base(DeclarativeBase):
    pass


class Sack(Base):
    __tablename__ = "sack"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend=NAME))


@pytest.fixture(params=["pysqlite", "aiosqlite"])
async def post(request: pytest.FixtureRequest, tmp_path: Path, signing: None) -> Any:
    """A database, and a folder whose files can be aged."""
    database = Database(f"sqlite+{request.param}:///{tmp_path}/sacks.db", is_async=request.param == "aiosqlite")
    await database.create(Base)
    yield World(database, storages.register_backend(StorageBackend(NAME, LocalDriver(tmp_path / "a", durable=False))))
    await database.dispose()
    storages._backends.pop(NAME, None)


async def swept(world: World, **options: Any) -> SweepReport:
    """Sweep."""
    options = {"delete": True, **options}
    if world.database.is_async:
        async with AsyncSession(world.database.engine) as session:
            return await sweep_async(session, Base, **options)
    with Session(world.database.engine) as session:
        return sweep(session, Base, **options)


def laid(storage: StorageBackend, key: str, *, age: float) -> str:
    """Put an object that is older than it is."""
    storage.put(key, b"x")
    at = time.time() - age
    os.utime(storage.native / key, (at, at))
    return key


def old_key() -> str:
    """Return a key of a ticket that was issued the day before yesterday."""
    return default_key(new_id(time.time() - 2 * DAY), "hello.txt")


async def test_an_unclaimed_upload_goes(post: World) -> None:
    """When it is old; one that can still be claimed stays, and is claimed."""
    unclaimed = laid(post.storage, old_key(), age=2 * DAY)
    ticket = await post.uploaded(Sack.file)
    report = await swept(post)
    assert [finding.key for finding in report.findings] == [unclaimed]
    file = await post.claim(ticket, Sack.file)
    await post.commit(Sack(file=file))
    assert post.stored() == {file.path, f"{file.path}.claimed"}


async def test_a_marker_goes_when_it_is_old(post: World) -> None:
    """Although the row that it is of holds the file."""
    key = laid(post.storage, old_key(), age=2 * DAY)
    laid(post.storage, f"{key}.claimed", age=2 * DAY)
    await post.commit(Sack(file=FileObject(backend=NAME, filename="hello.txt", to_filename=key)))
    await swept(post)
    assert post.stored() == {key}


async def test_a_marker_stays_while_there_are_tickets(post: World) -> None:
    """However short the period of grace is: its ticket could be used again."""
    ticket = await post.uploaded(Sack.file)
    file = await post.claim(ticket, Sack.file)
    await post.commit(Sack(file=file))
    await swept(post, grace=NOW)
    assert post.stored() == {file.path, f"{file.path}.claimed"}


async def test_a_file_that_is_named_like_a_marker_is_none(post: World) -> None:
    """A row holds it, and a marker of its own goes."""
    ticket = await post.uploaded(Sack.file, filename="plan.claimed")
    file = await post.claim(ticket, Sack.file)
    await post.commit(Sack(file=file))
    key = laid(post.storage, default_key(new_id(time.time() - 2 * DAY), "old.claimed"), age=2 * DAY)
    laid(post.storage, f"{key}.claimed", age=2 * DAY)
    await post.commit(Sack(file=FileObject(backend=NAME, filename="old.claimed", to_filename=key)))
    await swept(post)
    assert post.stored() == {file.path, f"{file.path}.claimed", key}


async def test_a_malformed_value_protects_the_file_and_its_marker(post: World) -> None:
    """Both have the id that it mentions."""
    key = laid(post.storage, old_key(), age=2 * DAY)
    laid(post.storage, f"{key}.claimed", age=2 * DAY)

    def spoil(session: Session) -> None:
        value = json.dumps(f"it was {key}, I think")
        session.execute(text("INSERT INTO sack (id, file) VALUES (1, :value)"), {"value": value})
        session.commit()

    await post.run(spoil)
    await swept(post)
    assert post.stored() == {key, f"{key}.claimed"}


async def test_a_file_that_is_held_through_another_storage_stays(post: World) -> None:
    """Its marker has the same id, and does not take its protection away."""
    key = laid(post.storage, f"sub/{old_key()}", age=2 * DAY)
    laid(post.storage, f"{key}.claimed", age=2 * DAY)
    view = "parcels-unclaimed-view"
    storages.register_backend(PrefixBackend(view, post.storage, "sub"))
    try:
        inner = key.removeprefix("sub/")
        await post.commit(Sack(file=FileObject(backend=view, filename="hello.txt", to_filename=inner)))
        await swept(post, shared=True)
    finally:
        storages._backends.pop(view)
    assert key in post.stored()


@pytest.mark.s3
@pytest.mark.parametrize("is_async", [False, True])
async def test_unfinished_parts_go(is_async: bool, s3_bucket: Any, tmp_path: Path, signing: None) -> None:
    """Of an upload that nobody claimed."""
    driver = "aiosqlite" if is_async else "pysqlite"
    database = Database(f"sqlite+{driver}:///{tmp_path}/sacks.db", is_async=is_async)
    await database.create(Base)
    storage = storages.register_backend(ObstoreBackend(NAME, f"s3://{s3_bucket.name}/sub/", **s3_bucket.options))
    world = World(database, storage)
    try:
        ticket = await world.issue(Sack.file, protocol="parts")
        assert await world.upload(ticket) == 200
        assert (await swept(world)).counts["partial"] == 0  # it may still be claimed
        assert (await swept(world, grace=NOW)).counts["partial"] == 1
        with pytest.raises(NotFoundError):
            await world.claim(ticket, Sack.file)
    finally:
        storages._backends.pop(NAME)
        await database.dispose()
