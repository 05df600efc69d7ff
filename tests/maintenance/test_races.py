"""The world goes on while a run compares: what is committed in between loses nothing and is not complained about."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text

from holdfast import FileObject
from tests.maintenance.stacks import DAY, Box, Item, file, key, keys, lay, value

PHASES = ["list", "listed", "stat", "delete"]


@pytest.mark.parametrize("phase", PHASES)
async def test_an_old_object_that_gets_a_row_stays(world, stacks, cellar, phase: str) -> None:
    """A transaction that takes over an old object commits before, during and after the listing.

    Once the deletion of its chunk has begun it is too late for any look: there `before_commit` refuses the row.
    """
    adopted, garbage = lay(stacks, key(2 * DAY)), lay(stacks, key(DAY))
    stacks._plain.before[phase] = [lambda: world.insert(1, value(adopted))]
    report = await world.sweep()
    assert garbage not in keys(stacks)
    assert (adopted in keys(stacks)) == (phase in {"list", "listed"})
    assert report.counts["deleted"] == (1 if phase in {"list", "listed"} else 2)


async def test_an_object_that_gets_a_row_after_the_first_reading_stays(world, stacks, cellar) -> None:
    """All rows are read a second time, just before the deletion."""
    adopted = lay(stacks, key(2 * DAY))
    told = []

    def commit_then(event) -> None:
        if event.phase == "compare" and not told:
            told.append(event)
            world.insert(1, value(adopted))

    report = await world.sweep(progress=commit_then)
    assert told
    assert report.counts["unreferenced"] == 0
    assert keys(stacks) == {adopted}


async def test_a_file_that_moves_between_rows_stays(world, stacks, cellar) -> None:
    """The rows are read in one snapshot: a file that moves from a row not read yet to one already read is not lost."""
    moved = lay(stacks, key(2 * DAY))
    with world.engine.begin() as connection:
        rows = [{"number": number, "held": None} for number in range(2, 3000)] + [
            {"number": 3000, "held": value(moved)}
        ]
        connection.execute(text("INSERT INTO item (id, pages, file) VALUES (:number, '[]', :held)"), rows)
    moves = []

    def move(event) -> None:
        if event.phase in {"rows", "confirm"} and len(moves) < 2:
            moves.append(event)
            one, other = (3000, 2) if len(moves) == 1 else (2, 3000)
            with world.engine.begin() as connection:
                connection.execute(text("UPDATE item SET file = NULL WHERE id = :one"), {"one": one})
                update = text("UPDATE item SET file = :held WHERE id = :other")
                connection.execute(update, {"other": other, "held": value(moved)})

    report = await world.sweep(progress=move)
    assert moves
    assert report.counts["unreferenced"] == 0
    assert keys(stacks) == {moved}


async def test_an_object_that_is_written_anew_stays(driver, world, local, cellar) -> None:
    """It was old when it was listed, and is young when it would go."""
    name = lay(local, key(9 * DAY), age=9 * DAY)
    local._plain.before["listed"] = [lambda: lay(local, name, b"again")]
    report = await world.sweep(grace=timedelta(hours=1))
    assert report.counts["deleted"] == 0
    assert keys(local) == {name}


async def test_what_others_delete_meanwhile_is_no_error(world, stacks, cellar) -> None:
    """It is counted as gone."""
    name = lay(stacks, key())
    stacks._plain.before["stat"] = [lambda: stacks._plain.driver.delete([name])]
    report = await world.sweep()
    assert report.ok
    assert (report.counts["gone"], report.counts["deleted"]) == (1, 0)


async def test_a_row_deleted_while_verify_runs_is_no_finding(world, stacks, cellar) -> None:
    """Its object was there when the rows were read, or the row is gone when it is asked again."""
    await world.run(lambda session: (session.add(Item(id=1, file=file())), session.commit()))
    (name,) = keys(stacks)

    def delete() -> None:
        world.sql("DELETE FROM item")
        stacks._plain.driver.delete([name])

    stacks._plain.before["list"] = [delete]
    assert (await world.verify()).findings == []


@pytest.mark.parametrize("phase", ["list", "listed", "stat"])
async def test_a_file_stored_while_verify_runs_is_no_finding(world, stacks, cellar, phase: str) -> None:
    """An object that was uploaded after the listing is found when it is asked for."""
    late = key()
    gone = key()

    def store() -> None:
        lay(stacks, late)
        world.insert(1, value(late, size=1))
        world.sql("DELETE FROM item WHERE id = 2")

    world.insert(2, value(gone, size=1))
    stacks._plain.before[phase] = [store]
    report = await world.verify()
    assert report.findings == []


async def test_a_file_replaced_while_deep_reads_is_no_finding(world, stacks, cellar) -> None:
    """The old object is gone when it is read; the row holds another one by then."""
    await world.run(lambda session: (session.add(Item(id=1, file=file(b"old"))), session.commit()))
    (old,) = keys(stacks)

    def replace() -> None:
        new = lay(stacks, key(), b"newer")
        world.sql("UPDATE item SET file = :held", held=value(new, size=5))
        stacks._plain.driver.delete([old])

    stacks._plain.before["read"] = [replace]
    assert (await world.verify(deep=True)).findings == []


async def test_garbage_that_a_drain_removes_meanwhile_is_no_finding(world, stacks, cellar) -> None:
    """An unreferenced object is asked for again."""
    name = lay(stacks, key())
    stacks._plain.before["stat"] = [lambda: stacks._plain.driver.delete([name])]
    assert (await world.verify()).findings == []


async def test_a_file_that_moves_between_tables_is_no_finding(world, stacks, cellar) -> None:
    """All tables are read as one moment had them: it is found where it was."""
    moved = lay(stacks, key(2 * DAY))
    number = uuid.UUID(int=1)
    cover = FileObject(backend="stacks", filename=moved)
    await world.run(lambda session: (session.add(Box(number=number, name="a", lid=cover)), session.commit()))
    with world.engine.begin() as connection:
        rows = [{"number": number} for number in range(1, 3000)]
        connection.execute(text("INSERT INTO item (id, pages) VALUES (:number, '[]')"), rows)
    moves = []

    def move(event) -> None:
        if event.phase == "rows" and not moves:
            moves.append(event)
            with world.engine.begin() as connection:
                connection.execute(text("UPDATE box SET cover = NULL"))
                connection.execute(text("UPDATE item SET file = :held WHERE id = 1"), {"held": value(moved, size=1)})

    assert (await world.verify(progress=move)).findings == []
    assert moves
