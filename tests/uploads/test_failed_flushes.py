"""What a flush that failed, or that is not the only one with a file, means for the ticket of its upload."""

import asyncio
import threading

import pytest
from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from holdfast import FileObject, StorageBackend
from holdfast.errors import FileRejectedError, HoldfastError, InvalidTokenError
from holdfast.orm import session_ledger
from tests.uploads.conftest import World, marker
from tests.uploads.parcels import STORAGE, Parcel
from tests.uploads.test_copied_uploads import SharedFolder


@pytest.fixture
def shared(tmp_path) -> StorageBackend:
    """A storage whose uploads are copied."""
    return StorageBackend(STORAGE, SharedFolder(tmp_path / "shared", durable=False))


COPIED = [pytest.param(("pysqlite", "shared"), id="copied"), pytest.param(("aiosqlite", "shared"), id="async copied")]


async def held(world: World) -> list[str]:
    """Return the keys that rows hold, having seen that each is there."""

    def look(session: Session) -> list[str]:
        files = session.scalars(select(Parcel.file).where(Parcel.file.is_not(None))).all()
        assert all(file.exists() for file in files)
        return [file.path for file in files]

    return await world.run(look)


async def test_s8_what_failed_the_check_is_checked_again(world: World) -> None:
    """A transaction that goes on after a flush that failed does not get the changed upload either."""
    file = await world.claim(await world.uploaded())
    world.storage.put(file.path, b"HELLO", content_type="text/plain")

    def work(session: Session) -> None:
        session.add(Parcel(file=file))
        for _ in range(2):
            with pytest.raises(InvalidTokenError, match="changed"):
                session.flush()

    await world.run(work)
    assert await held(world) == []
    assert world.stored() == {file.path}


def fail(session: Session, file: FileObject) -> None:
    """Commit a transaction in which the flush failed that should have given the file to a row."""
    parcel = Parcel(file=file, photo=FileObject(filename="a.png", content=b"no picture"))
    session.add(parcel)
    with pytest.raises(FileRejectedError):
        session.flush()
    session.expunge(parcel)
    session.add(Parcel(id=2))
    session.commit()


async def test_a_flush_that_failed_gives_the_ticket_back(world: World) -> None:
    """Although its transaction is committed, without the row."""
    ticket = await world.uploaded()
    file = await world.claim(ticket)
    await world.run(lambda session: fail(session, file))
    assert world.stored() == {file.path}
    await world.commit(Parcel(file=await world.claim(ticket)))
    assert await held(world) == [file.path]


@pytest.mark.parametrize("world", COPIED, indirect=True)
async def test_a_flush_that_failed_leaves_the_original(world: World) -> None:
    """Where the row would have got a copy."""
    ticket = await world.uploaded()
    [original] = world.stored()
    file = await world.claim(ticket)
    await world.run(lambda session: fail(session, file))
    assert world.stored() == {original, file.path}
    again = await world.claim(ticket)
    await world.commit(Parcel(file=again))
    assert await held(world) == [again.path]


async def test_a_flush_that_is_tried_again_keeps_the_ticket(world: World) -> None:
    """In the same transaction, with what was wrong put right."""
    ticket = await world.uploaded()
    file = await world.claim(ticket)

    def work(session: Session) -> None:
        parcel = Parcel(file=file, photo=FileObject(filename="a.png", content=b"no picture"))
        session.add(parcel)
        with pytest.raises(FileRejectedError):
            session.flush()
        parcel.photo = None
        session.commit()

    await world.run(work)
    assert await held(world) == [file.path]
    assert world.stored() == {file.path, marker(file)}
    with pytest.raises(InvalidTokenError, match="claimed before"):
        await world.claim(ticket)


async def test_a_marker_that_is_there_already_from_the_same_transaction(world: World) -> None:
    """It finds it in its way when it tries again, and knows it by what it holds."""
    file = await world.claim(await world.uploaded())

    def work(session: Session) -> None:
        session.add(Parcel(file=file))
        world.storage.put(marker(file), session_ledger.open_ledger(session).nonce, if_absent=True)
        session.commit()

    await world.run(work)
    assert await held(world) == [file.path]


async def test_s8_one_file_in_several_transactions_at_once(world: World) -> None:
    """Whoever gets it, no two rows share it."""
    file = await world.claim(await world.uploaded())
    insert_all = _in_tasks if world.database.is_async else _in_threads
    outcomes = await insert_all(world, [Parcel(file=file) for _ in range(4)])
    paths = await held(world)
    assert len(set(paths)) == len(paths) == outcomes.count(None) > 0
    assert all("claimed before" in outcome for outcome in outcomes if outcome)


async def _in_tasks(world: World, parcels: list[Parcel]) -> list[str | None]:
    together = asyncio.Barrier(len(parcels))

    async def insert(parcel: Parcel) -> str | None:
        async with AsyncSession(world.database.engine) as session:
            session.add(parcel)
            await together.wait()
            try:
                await session.commit()
            except HoldfastError as error:
                return str(error)
            return None

    return await asyncio.gather(*map(insert, parcels))


async def _in_threads(world: World, parcels: list[Parcel]) -> list[str | None]:
    together, outcomes = threading.Barrier(len(parcels)), []

    def insert(parcel: Parcel) -> None:
        with Session(world.database.engine) as session:
            session.add(parcel)
            together.wait()
            try:
                session.commit()
            except HoldfastError as error:
                outcomes.append(str(error))
            else:
                outcomes.append(None)

    threads = [threading.Thread(target=insert, args=[parcel]) for parcel in parcels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.mark.parametrize("world", [("psycopg", "folder")], indirect=True)
@pytest.mark.postgres
async def test_s8_a_file_that_another_transaction_is_about_to_insert(world: World) -> None:
    """It has no row yet, and is no longer free."""
    file = await world.claim(await world.uploaded())

    def insert_another(*_) -> None:
        with Session(world.database.engine) as session:
            session.add(Parcel(id=2, file=file))
            with pytest.raises(InvalidTokenError, match="claimed before"):
                session.flush()

    event.listen(Parcel, "before_insert", insert_another)
    try:
        await world.commit(Parcel(id=1, file=file))
    finally:
        event.remove(Parcel, "before_insert", insert_another)
    assert await held(world) == [file.path]
