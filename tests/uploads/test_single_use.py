"""A ticket is used up by the transaction that puts its file into a row: once, whoever tries how often."""

import asyncio
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from holdfast import StorageBackend
from holdfast.drivers.body import Body
from holdfast.drivers.local import LocalDriver
from holdfast.drivers.protocol import PutOptions
from holdfast.errors import FileRejectedError, FileStateError, InvalidTokenError, NotFoundError, StorageError
from holdfast.objects import ObjectInfo
from holdfast.testing.faults import Fault, FaultyDriver
from tests.faults.world import with_savepoints
from tests.uploads import parcels
from tests.uploads.conftest import World, marker
from tests.uploads.parcels import PNG, STORAGE, Parcel


@pytest.fixture
def faulty(tmp_path: Path) -> StorageBackend:
    """A storage that fails on cue."""
    return StorageBackend(STORAGE, FaultyDriver(LocalDriver(tmp_path / "faulty", durable=False)))


async def rows(world: World) -> list[str]:
    """Return the keys that rows hold, having seen that each is there."""

    def look(session: Session) -> list[str]:
        files = session.scalars(select(Parcel.file).where(Parcel.file.is_not(None))).all()
        assert all(file.exists() for file in files)
        return [file.path for file in files]

    return await world.run(look)


async def test_s8_a_ticket_is_claimed_once(world: World) -> None:
    """The second claim is refused, and the row keeps its file."""
    ticket = await world.uploaded()
    file = await world.claim(ticket)
    await world.commit(Parcel(file=file))
    for _ in range(2):
        with pytest.raises(InvalidTokenError, match="claimed before"):
            await world.claim(ticket)
    assert await rows(world) == [file.path]


async def test_s8_of_two_claims_one_gets_a_row(world: World) -> None:
    """They may both be checked before the first has its row; then the flush of the second fails."""
    ticket = await world.uploaded()
    first, second = await world.claim(ticket), await world.claim(ticket)
    await world.commit(Parcel(file=first))
    with pytest.raises(InvalidTokenError, match="claimed before"):
        await world.commit(Parcel(file=second))
    assert await rows(world) == [first.path]
    assert world.stored() == {first.path, marker(first)}


async def test_s8_two_claims_at_once(world: World) -> None:
    """In two transactions that are open at the same time: one is committed, the other fails."""
    ticket = await world.uploaded()
    files = [await world.claim(ticket) for _ in range(4)]
    outcomes = await (_in_tasks(world, files) if world.database.is_async else _in_threads(world, files))
    assert sorted(outcomes) == ["claimed before", "claimed before", "claimed before", "committed"]
    assert await rows(world) == [files[0].path]


async def _in_tasks(world: World, files) -> list[str]:
    together = asyncio.Barrier(len(files))

    async def insert_one(file) -> str:
        async with AsyncSession(world.database.engine) as session:
            session.add(Parcel(file=file))
            await together.wait()
            try:
                await session.commit()
            except InvalidTokenError:
                return "claimed before"
            return "committed"

    return await asyncio.gather(*map(insert_one, files))


async def _in_threads(world: World, files) -> list[str]:
    together, outcomes = threading.Barrier(len(files)), []

    def insert_one(file) -> None:
        with Session(world.database.engine) as session:
            session.add(Parcel(file=file))
            together.wait()
            try:
                session.commit()
            except InvalidTokenError:
                outcomes.append("claimed before")
            else:
                outcomes.append("committed")

    threads = [threading.Thread(target=insert_one, args=[file]) for file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


async def test_s8_a_rollback_gives_the_ticket_back(world: World) -> None:
    """The upload can be claimed again, and so can the file that was claimed already."""
    ticket = await world.uploaded()
    file = await world.claim(ticket)

    def roll_back(session: Session) -> None:
        session.add(Parcel(file=file))
        session.flush()
        assert marker(file) in world.stored()
        session.rollback()

    await world.run(roll_back)
    assert world.stored() == {file.path}
    again = await world.claim(ticket)
    await world.commit(Parcel(file=file))
    with pytest.raises(InvalidTokenError):
        await world.commit(Parcel(file=again))
    assert await rows(world) == [file.path]


async def test_s8_a_deleted_row_does_not_give_the_ticket_back(world: World) -> None:
    """Its file is gone, and an upload that is repeated is no use to anybody."""
    ticket = await world.uploaded()
    file = await world.claim(ticket)
    await world.commit(Parcel(id=1, file=file))

    def delete(session: Session) -> None:
        session.delete(session.get(Parcel, 1))
        session.commit()

    await world.run(delete)
    assert world.stored() == {marker(file)}
    await world.upload(ticket)
    with pytest.raises(InvalidTokenError, match="claimed before"):
        await world.claim(ticket)


async def test_two_claims_in_one_flush(world: World) -> None:
    """Each is a use of the ticket; neither gets a row, and the upload stays."""
    ticket = await world.uploaded()
    first, second = await world.claim(ticket), await world.claim(ticket)
    with pytest.raises(InvalidTokenError, match="claimed before"):
        await world.commit(Parcel(file=first), Parcel(file=second))
    assert world.stored() == {first.path}
    await world.commit(Parcel(file=await world.claim(ticket)))


async def test_two_claims_in_one_transaction(world: World) -> None:
    """In two flushes, it is the same."""
    ticket = await world.uploaded()
    first, second = await world.claim(ticket), await world.claim(ticket)

    def work(session: Session) -> None:
        session.add(Parcel(file=first))
        session.flush()
        session.add(Parcel(file=second))
        with pytest.raises(InvalidTokenError, match="claimed before"):
            session.flush()
        session.rollback()

    await world.run(work)
    assert world.stored() == {first.path}


async def test_one_claim_for_two_rows(world: World) -> None:
    """It is one file: the second row gets a copy, as of any file."""
    file = await world.claim(await world.uploaded())
    await world.commit(Parcel(id=1, file=file), Parcel(id=2, file=file))
    paths = await rows(world)
    assert len(set(paths)) == 2
    assert file.path in paths


async def test_a_savepoint_gives_the_ticket_back(world: World) -> None:
    """To its transaction, at once; to others when that has ended."""
    engine = world.database.engine
    if engine.dialect.name == "sqlite":
        with_savepoints(engine.sync_engine if world.database.is_async else engine)
    ticket = await world.uploaded()
    file, other = await world.claim(ticket), await world.claim(ticket)

    def work(session: Session) -> None:
        with session.begin_nested() as savepoint:
            session.add(Parcel(file=file))
            session.flush()
            savepoint.rollback()
        with session.begin_nested():
            session.add(Parcel(file=other))
        session.commit()

    await world.run(work)
    assert world.stored() == {file.path, marker(file)}
    assert await rows(world) == [file.path]
    with pytest.raises(InvalidTokenError):
        await world.commit(Parcel(file=file))


async def test_a_savepoint_that_was_rolled_back_for_good(world: World) -> None:
    """After the transaction the upload can be claimed again."""
    ticket = await world.uploaded()
    file = await world.claim(ticket)

    def work(session: Session) -> None:
        session.add(Parcel(id=100))
        session.flush()
        with session.begin_nested() as savepoint:
            session.add(Parcel(file=file))
            session.flush()
            savepoint.rollback()
        session.commit()

    await world.run(work)
    assert world.stored() == {file.path}
    await world.commit(Parcel(file=await world.claim(ticket)))


@pytest.mark.parametrize("world", [("pysqlite", "memory"), ("aiosqlite", "memory")], indirect=True)
async def test_a_marker_stays_as_long_as_its_row(world: World, monkeypatch) -> None:
    """Where SQLite commits a savepoint, the row outlives the rollback: a second one must not get its file."""
    ticket = await world.uploaded()
    file = await world.claim(ticket)

    def work(session: Session) -> None:
        session.execute(select(1))
        with session.begin_nested():
            session.add(Parcel(file=file))
        session.rollback()

    await world.run(work)
    assert await rows(world) == [file.path]
    with pytest.raises(InvalidTokenError):
        await world.claim(ticket)


async def test_bulk_statements_use_tickets_up(world: World) -> None:
    """Inserts and updates of the ORM do what a flush does."""
    tickets = [await world.uploaded() for _ in range(3)]
    files = [await world.claim(ticket) for ticket in tickets]

    def work(session: Session) -> None:
        session.execute(insert(Parcel), [{"id": 1, "file": files[0]}, {"id": 2, "file": files[1]}])
        session.execute(update(Parcel).where(Parcel.id == 1).values(file=files[2]))
        session.commit()

    await world.run(work)
    for ticket in tickets:
        with pytest.raises(InvalidTokenError, match="claimed before"):
            await world.claim(ticket)
    assert sorted(await rows(world)) == sorted([files[1].path, files[2].path])


async def test_a_statement_without_the_unit_of_work_is_refused(world: World) -> None:
    """It could not use the ticket up."""
    file = await world.claim(await world.uploaded())

    def work(session: Session) -> None:
        with pytest.raises(FileStateError, match="session"):
            session.execute(Parcel.__table__.insert().values(id=1, file=file))
        session.rollback()
        with pytest.raises(FileStateError, match="session"):
            session.bulk_save_objects([Parcel(id=1, file=file)])

    await world.run(work)
    assert await rows(world) == []
    await world.commit(Parcel(file=file))


async def test_a_claim_must_not_be_kept(world: World) -> None:
    """A marker that was swept would let somebody else have the file meanwhile."""
    file = await world.claim(await world.uploaded())
    file._claim.deadline = time.time() - 1
    with pytest.raises(InvalidTokenError, match="too long ago"):
        await world.commit(Parcel(file=file))
    assert world.stored() == {file.path}


async def test_an_upload_that_changed_after_the_claim(world: World) -> None:
    """Nobody should be able to; then no row gets it."""
    file = await world.claim(await world.uploaded())
    world.storage.put(file.path, b"HELLO!")
    with pytest.raises(InvalidTokenError, match="changed"):
        await world.commit(Parcel(file=file))
    assert await rows(world) == []


async def test_an_upload_that_went_after_the_claim(world: World) -> None:
    """No row points at missing bytes."""
    file = await world.claim(await world.uploaded())
    world.storage.delete(file.path)
    with pytest.raises(NotFoundError):
        await world.commit(Parcel(file=file))
    assert world.stored() == set()


async def test_a_refused_claim_is_the_end_of_another(world: World, monkeypatch) -> None:
    """Which was accepted before, by a rule that has changed its mind, and has no row yet."""
    ticket = await world.uploaded(Parcel.photo, PNG, filename="a.png", content_type="image/png")
    file = await world.claim(ticket, Parcel.photo)
    await turned(world, ticket, monkeypatch, lambda: None)
    assert world.stored() == {marker(file)}
    with pytest.raises(InvalidTokenError, match="claimed before"):
        await world.commit(Parcel(photo=file))


@pytest.mark.parametrize("world", [("pysqlite", "folder"), ("psycopg", "folder")], indirect=True)
@pytest.mark.postgres
async def test_a_refused_claim_never_deletes_the_file_of_a_row(world: World, monkeypatch) -> None:
    """Not even that of a row which got it while the claim was being refused."""
    ticket = await world.uploaded(Parcel.photo, PNG, filename="a.png", content_type="image/png")
    file = await world.claim(ticket, Parcel.photo)

    def commit() -> None:
        with Session(world.database.engine) as session:
            session.add(Parcel(id=1, photo=file))
            session.commit()

    await turned(world, ticket, monkeypatch, commit)
    assert world.stored() == {file.path, marker(file)}
    assert file.get_content() == PNG


async def turned(world: World, ticket, monkeypatch, meanwhile) -> None:
    """Have a claim refused by a rule of the application's, and something happen while it is asked."""

    def judge(candidate):
        monkeypatch.setattr(parcels, "verdict", lambda candidate: None)
        meanwhile()
        return "no more"

    monkeypatch.setattr(parcels, "verdict", judge)
    with pytest.raises(FileRejectedError, match="no more"):
        await world.claim(ticket, Parcel.photo)


@pytest.mark.parametrize("world", [("pysqlite", "faulty"), ("aiosqlite", "faulty")], indirect=True)
async def test_a_marker_whose_answer_was_lost(world: World) -> None:
    """It goes with the rollback: the ticket is good again."""
    ticket = await world.uploaded()
    file = await world.claim(ticket)
    world.storage._plain.fail(Fault("put", when="after"))

    def work(session: Session) -> None:
        session.add(Parcel(file=file))
        with pytest.raises(StorageError):
            session.flush()
        assert world.stored() == {file.path, marker(file)}
        session.rollback()

    await world.run(work)
    assert world.stored() == {file.path}
    await world.commit(Parcel(file=await world.claim(ticket)))


class Stuck(FaultyDriver):
    """A driver whose next put takes effect, and never answers."""

    def __init__(self, driver: LocalDriver) -> None:
        super().__init__(driver)
        self.is_stuck, self.has_put = False, asyncio.Event()

    async def put_async(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write."""
        info = await super().put_async(key, body, options)
        if self.is_stuck:
            self.is_stuck = False
            self.has_put.set()
            await asyncio.Event().wait()
        return info


@pytest.fixture
def stuck(tmp_path: Path) -> StorageBackend:
    """A storage that gets stuck on cue."""
    return StorageBackend(STORAGE, Stuck(LocalDriver(tmp_path / "stuck", durable=False)))


@pytest.mark.parametrize("world", [("aiosqlite", "stuck")], indirect=True)
async def test_a_marker_whose_flush_was_cancelled(world: World) -> None:
    """It goes with the rollback."""
    ticket = await world.uploaded()
    file = await world.claim(ticket)
    driver = world.storage._plain
    driver.is_stuck = True

    async def insert_one() -> None:
        async with AsyncSession(world.database.engine) as session:
            session.add(Parcel(file=file))
            await session.commit()

    task = asyncio.create_task(insert_one())
    await driver.has_put.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.stored() == {file.path}
    await world.commit(Parcel(file=await world.claim(ticket)))
