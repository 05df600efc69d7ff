"""`backfill` fills in what old rows do not say, reads no more than it must, and spares what it cannot vouch for."""

import hashlib
import json
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from holdfast import StorageBackend
from holdfast.errors import ConfigurationError, UnknownStorageError
from holdfast.maintenance import BackfillReport, backfill, backfill_async
from tests.maintenance.conftest import World
from tests.maintenance.stacks import Base, Item, file, lay


def digest(content: bytes) -> str:
    """Return a checksum as rows hold it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


async def fill(world: World, **options: Any) -> BackfillReport:
    """Run it."""
    if world.database.is_async:
        async with AsyncSession(world.database.engine) as session:
            return await backfill_async(session, Base, **options)
    with Session(world.database.engine) as session:
        return backfill(session, Base, **options)


def old(name: str, storage: str = "stacks", **fields: Any) -> str:
    """Return a row's JSON without anything but a name, as advanced-alchemy writes the key."""
    return json.dumps({"backend": storage, "filename": name} | fields)


def raw(world: World, number: int) -> str:
    """Return an item's JSON."""
    with world.engine.connect() as connection:
        found = connection.execute(text("SELECT file FROM item WHERE id = :number"), {"number": number}).scalar_one()
    return found if isinstance(found, str) else json.dumps(found)


async def item(world: World, number: int) -> Item:
    """Load an item."""
    return await world.run(lambda session: session.get_one(Item, number))


async def test_everything_is_filled_in(world: World, stacks: StorageBackend) -> None:
    """Rows that say no more than a name get size, etag, checksum, type and time; and the file can be verified."""
    lay(stacks, "old/report.pdf", b"12345")
    lay(stacks, "old/page.txt", b"page")
    world.insert(1, old("old/report.pdf", size=None, etag=None, metadata={"by": "Ada"}, strange=1))
    world.insert(2, f"[{old('old/page.txt')}, {old('old/page.txt', size=4)}]", column="pages")
    report = await fill(world)
    assert (report.ok, report.counts["filled"], report.counts["read_bytes"]) == (True, 3, 13), report
    assert (report.counts["filled: size"], report.counts["filled: checksum"]) == (2, 3)
    filled = (await item(world, 1)).file
    info = stacks.stat("old/report.pdf")
    assert (filled.path, filled.filename, filled.metadata) == ("old/report.pdf", "old/report.pdf", {"by": "Ada"})
    assert (filled.size, filled.etag, filled.last_modified) == (5, info.etag, info.last_modified)
    assert (filled.checksum, filled.content_type) == (digest(b"12345"), "application/pdf")
    assert [page.checksum for page in (await item(world, 2)).pages] == [digest(b"page")] * 2
    assert '"strange"' in raw(world, 1)


async def test_a_finished_row_is_left_alone(world: World, stacks: StorageBackend) -> None:
    """A second run asks the storage for nothing, and a dry run says that nothing is to be done."""
    lay(stacks, "a.txt", b"12345")
    world.insert(1, old("a.txt"))
    dry = await fill(world, dry_run=True)
    assert (dry.counts["to_do"], dry.counts["filled"], dry.dry_run) == (1, 0, True)
    await fill(world)
    stacks._plain.calls.clear()
    again = await fill(world)
    assert (again.counts["to_do"], again.counts["rows"]) == (0, 1)
    assert stacks._plain.calls == []


async def test_rows_of_holdfast_have_nothing_missing(world: World, stacks: StorageBackend) -> None:
    """What was written here is complete: it asks for no work on any storage."""

    def add(session: Session) -> None:
        session.add(Item(file=file(b"new"), pages=[file(b"page")]))
        session.commit()

    await world.run(add)
    report = await fill(world)
    assert (report.counts["rows"], report.counts["to_do"]) == (1, 0)


async def test_no_bytes_are_read_for_what_a_look_tells(world: World, stacks: StorageBackend) -> None:
    """Where only size, etag or time are missing, one request describes the object."""
    lay(stacks, "a.txt", b"12345")
    world.insert(1, old("a.txt", checksum=digest(b"12345"), content_type="text/plain"))
    world.insert(2, old("a.txt"))
    stacks._plain.calls.clear()
    report = await fill(world, fields=["size", "etag", "last_modified"])
    assert (report.counts["filled"], report.counts["read_bytes"]) == (2, 0)
    assert set(stacks._plain.calls) == {"stat"}
    assert (await item(world, 1)).file.size == 5
    assert "checksum" not in json.loads(raw(world, 2))


async def test_nothing_is_replaced_unless_that_is_asked_for(world: World, stacks: StorageBackend) -> None:
    """What a row says stays; with `overwrite` the storage's word goes before the row's."""
    lay(stacks, "a.txt", b"12345")
    wrong = {"etag": "old", "checksum": "sha256:00", "content_type": "image/png", "last_modified": 1.0}
    world.insert(1, old("a.txt", **wrong))
    await fill(world)
    kept = (await item(world, 1)).file
    assert (kept.size, kept.etag, kept.checksum, kept.content_type) == (5, "old", "sha256:00", "image/png")
    world.sql("UPDATE item SET file = :value WHERE id = 1", value=old("a.txt", size=9, **wrong))
    await fill(world, overwrite=True)
    replaced = (await item(world, 1)).file
    assert (replaced.size, replaced.checksum, replaced.content_type) == (5, digest(b"12345"), "text/plain")
    assert replaced.last_modified != 1.0


async def test_another_size_is_a_finding(world: World, stacks: StorageBackend) -> None:
    """A checksum of bytes that are not the row's would call a damaged file well: the row stays as it is."""
    lay(stacks, "short.txt", b"123")
    lay(stacks, "long.txt", b"1234567")
    world.insert(1, old("short.txt", size=5))
    world.insert(2, old("long.txt", size=5))
    before = raw(world, 1)
    report = await fill(world)
    assert {(found.kind, found.key, found.rows[0].key) for found in report.findings} == {
        ("truncated", "short.txt", ("1",)),
        ("corrupt", "long.txt", ("2",)),
    }
    assert (report.ok, raw(world, 1)) == (False, before)


async def test_what_cannot_be_done_is_no_end(world: World, stacks: StorageBackend) -> None:
    """A missing object, a storage that nobody registered and a malformed value are findings; the others are filled."""
    lay(stacks, "b.txt")
    world.insert(1, old("gone.txt"))
    world.insert(2, old("a.txt", storage="nobody"))
    world.insert(3, '{"filename": 1}')
    world.insert(4, f"[{old('gone.txt')}, {old('b.txt')}]", column="pages")
    report = await fill(world)
    assert sorted(found.kind for found in report.findings) == ["malformed", "missing", "missing", "unregistered"]
    assert [page.size for page in (await item(world, 4)).pages] == [None, 1]


async def test_a_row_that_is_changed_meanwhile(world: World, stacks: StorageBackend) -> None:
    """It is read and done again: what the application wrote is never written over."""
    lay(stacks, "a.txt", b"a")
    lay(stacks, "b.txt", b"bb")
    world.insert(1, old("a.txt"))
    change = "UPDATE item SET file = :value WHERE id = 1"
    stacks._plain.before["read"] = [lambda: world.sql(change, value=old("b.txt", metadata={"new": 1}))]
    report = await fill(world)
    filled = (await item(world, 1)).file
    assert (filled.path, filled.size, filled.checksum) == ("b.txt", 2, digest(b"bb"))
    assert (filled.metadata, report.counts["again"], report.counts["filled"]) == ({"new": 1}, 1, 1)


async def test_an_object_that_is_replaced_while_it_is_read(world: World, stacks: StorageBackend) -> None:
    """Its size and its checksum would belong to two files: the row stays as it is."""
    lay(stacks, "a.txt", b"a")
    world.insert(1, old("a.txt"))
    stacks._plain.before["read"] = [lambda: lay(stacks, "a.txt", b"longer")]
    report = await fill(world)
    assert [found.kind for found in report.findings] == ["busy"]
    assert (await item(world, 1)).file.size is None


async def test_an_interrupt(world: World, stacks: StorageBackend) -> None:
    """What is done is done: the next run goes on behind it."""
    for number in range(1, 7):
        lay(stacks, f"{number}.txt")
        world.insert(number, old(f"{number}.txt"))

    def stop(step: Any) -> None:
        if step.done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await fill(world, batch=2, progress=stop)
    report = await fill(world, batch=2)
    assert (report.counts["to_do"], report.counts["filled"]) == (2, 2)
    assert all([(await item(world, number)).file.checksum for number in range(1, 7)])


async def test_some_rows(world: World, stacks: StorageBackend, cellar: StorageBackend) -> None:
    """Models, a condition and storages choose; what does not exist is refused before anything is done."""
    lay(stacks, "a.txt")
    lay(cellar, "a.txt")
    for number in (1, 2):
        world.sql(
            "INSERT INTO item (id, file, spare) VALUES (:number, :one, :two)",
            number=number,
            one=old("a.txt"),
            two=old("a.txt", "cellar"),
        )
    assert (await fill(world, models="box")).counts["rows"] == 0
    assert (await fill(world, models=[Item], where="id = 2", storages="cellar")).counts["filled"] == 1
    second = await item(world, 2)
    assert (second.file.size, second.spare.size) == (None, 1)
    assert (await fill(world, models=Item, where=Item.id == 1)).counts["filled"] == 2
    for wrong in ({"fields": ["sise"]}, {"models": "nothing"}, {"concurrency": 0}):
        with pytest.raises(ConfigurationError):
            await fill(world, **wrong)
    with pytest.raises(UnknownStorageError):
        await fill(world, storages=["nobody"])
