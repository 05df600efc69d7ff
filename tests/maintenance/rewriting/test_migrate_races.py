"""`migrate` while others change the same rows and storages: nothing is written over, lost, or copied in vain."""

import asyncio
import errno
import json
import threading

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from holdfast.errors import HoldfastError
from holdfast.maintenance import migrate
from holdfast.maintenance.rewriting.migration import clear
from tests.maintenance.rewriting.moves import Base, Deed, Moves, file
from tests.maintenance.stacks import keys

SQLITE = pytest.mark.parametrize("driver", ["pysqlite", "aiosqlite"], indirect=True)


BETWEEN = pytest.mark.parametrize("when", ["before it is read", "before it is written"])


def meanwhile(moves: Moves, change, when: str = "before it is read") -> None:
    """Let somebody else change the first row, in a session of its own, while its file is copied."""

    def work() -> None:
        with Session(moves.world.engine) as session:
            change(session, session.get_one(Deed, 1))
            session.commit()

    if when == "before it is read":
        moves.old._plain.before["read"] = [work]
    else:
        moves.new._plain.before["put"] = [work]


@BETWEEN
async def test_a_row_whose_file_is_replaced_meanwhile(moves: Moves, when: str) -> None:
    """It keeps its new file, which moves in its turn; the copy of the old one goes."""
    await moves.add(Deed(id=1, file=file(b"before")), Deed(id=2, file=file(b"other")))

    def replace(_, deed) -> None:
        deed.file = file(b"after")

    meanwhile(moves, replace, when)
    report = await moves.migrate(concurrency=1)
    assert report.ok
    assert (report.counts["moved"], report.counts["again"]) == (2, 1)
    assert moves.new.read(moves.json(1)["to_filename"]) == b"after"
    assert len(keys(moves.new)) == 2
    assert not keys(moves.old)


@BETWEEN
async def test_a_row_that_is_deleted_meanwhile(moves: Moves, when: str) -> None:
    """Its copy goes with it."""
    await moves.add(Deed(id=1, file=file(b"before")), Deed(id=2, file=file(b"other")))
    meanwhile(moves, lambda session, deed: session.delete(deed), when)
    report = await moves.migrate(concurrency=1)
    assert report.ok
    assert report.counts["moved"] == 1
    assert keys(moves.new) == {moves.json(2)["to_filename"]}
    assert not keys(moves.old)


async def test_a_row_of_which_something_else_changes_meanwhile(moves: Moves) -> None:
    """It is done again: the change stays, and the copy is used."""
    await moves.add(Deed(id=1, pages=[file(b"1"), file(b"2")]))

    def edit(_, deed) -> None:
        deed.pages[1].update_metadata({"seen": True})

    meanwhile(moves, edit)
    report = await moves.migrate()
    assert (report.counts["moved"], report.counts["again"], report.counts["adopted"]) == (2, 2, 2)
    assert [page["metadata"] for page in moves.json(1, column="pages")] == [{}, {"seen": True}]
    assert len(moves.copied) == 2
    assert (await moves.verify()).ok


@SQLITE
async def test_a_row_that_is_always_changed(moves: Moves) -> None:
    """It is given up after some tries, told, and stays as it is."""
    await moves.add(Deed(id=1, file=file(b"1")))
    times = iter(range(1000))

    def edit() -> None:
        value = moves.json(1) | {"metadata": {"times": next(times)}}
        moves.world.sql("UPDATE deed SET file = :value", value=json.dumps(value))
        moves.old._plain.before["read"] = [edit]
        moves.new._plain.before["stat"] = [edit]

    edit()
    report = await moves.migrate()
    assert [finding.kind for finding in report.findings] == ["busy"]
    assert moves.json(1)["backend"] == "old"
    assert len(keys(moves.old)) == 1


async def test_a_list_that_is_edited_meanwhile(moves: Moves) -> None:
    """No page is lost, and the one that was taken out is nowhere any more."""
    await moves.add(Deed(id=1, pages=[file(b"1"), file(b"2"), file(b"3")]))

    def edit(_, deed) -> None:
        del deed.pages[0]
        deed.pages.append(file(b"4"))

    meanwhile(moves, edit)
    assert (await moves.migrate(concurrency=1)).ok
    pages = moves.json(1, column="pages")
    assert [moves.new.read(page["to_filename"]) for page in pages] == [b"2", b"3", b"4"]
    assert len(keys(moves.new)) == 3
    assert not keys(moves.old)


@SQLITE
async def test_rows_that_come_meanwhile(moves: Moves) -> None:
    """Also what is written behind the walk has moved at the end."""
    await moves.add(Deed(id=5, file=file(b"5")))
    meanwhile_done = []

    def come() -> None:
        with Session(moves.world.engine) as session:
            session.add(Deed(id=1, file=file(b"1")))
            session.commit()
        meanwhile_done.append(True)

    moves.old._plain.before["read"] = [come]
    report = await moves.migrate()
    assert meanwhile_done
    assert report.counts["moved"] == 2
    assert moves.json(1)["backend"] == "new"


@SQLITE
async def test_a_row_that_takes_an_old_object_back(moves: Moves) -> None:
    """An old object is looked at once more before it goes: somebody may hold it again."""
    await moves.add(Deed(id=1, file=file(b"1")))
    before = json.dumps(moves.json(1))
    await moves.migrate(keep=True)

    def restore() -> None:
        moves.world.sql("UPDATE deed SET file = :value", value=before)

    def told(step) -> None:
        if step.phase == "confirm":
            restore()

    with Session(moves.world.engine) as session:
        report = clear(session, Base, source="old", target="new", shared=True, progress=told)
    assert (report.counts["deleted"], report.counts["kept"]) == (0, 1)
    assert len(keys(moves.old)) == 1


# --- trouble


@SQLITE
async def test_files_that_cannot_be_written(moves: Moves) -> None:
    """A full disk and a refusal are told by kind; the next run does the rest."""
    await moves.add(*(Deed(id=number, file=file(b"x", filename=f"{number}.txt")) for number in range(1, 7)))
    errors = {"1.txt": OSError(errno.ENOSPC, "No space left on device"), "2.txt": PermissionError(13, "denied")}
    moves.new._plain.failing = lambda key: errors.get(key.rpartition("-")[2])
    report = await moves.migrate()
    assert not report.ok
    assert (report.counts["moved"], report.counts["failed"], report.counts["deleted"]) == (4, 2, 4)
    assert sum(count for kind, count in report.counts.items() if kind.startswith("failed: ")) == 2
    moves.new._plain.failing = lambda _: None
    report = await moves.migrate()
    assert (report.ok, report.counts["moved"], report.counts["deleted"]) == (True, 2, 2)


@SQLITE
async def test_a_target_that_goes_down(moves: Moves) -> None:
    """The run is given up with what the storage said, and the next one goes on where it was."""
    await moves.add(*(Deed(file=file(b"x")) for _ in range(250)))
    moves.new._plain.failing = lambda key: TimeoutError("down") if len(moves.copied) >= 50 else None
    with pytest.raises(HoldfastError, match="down"):
        await moves.migrate(batch=120)
    moves.new._plain.failing = lambda _: None
    report = await moves.migrate()
    assert report.ok
    assert sorted(moves.copied) == sorted(keys(moves.new))
    assert len(moves.copied) == 250


@SQLITE
async def test_old_objects_that_cannot_be_deleted(moves: Moves) -> None:
    """The files have moved all the same; that they are left is told."""
    await moves.add(Deed(id=1, file=file(b"x")))
    (key,) = keys(moves.old)

    def told(step) -> None:
        if step.phase == "confirm":
            moves.old._plain.broken.add(key)

    report = await moves.migrate(progress=told)
    assert not report.ok
    assert "old" in report.errors
    assert moves.json(1)["backend"] == "new"


@pytest.mark.parametrize("driver", ["psycopg", "pymysql"], indirect=True)
async def test_a_row_that_the_database_refuses(moves: Moves) -> None:
    """A constraint that one row breaks keeps the others from nothing."""
    await moves.add(*(Deed(id=number, file=file(), title=str(number)) for number in (1, 2, 3)))
    dialect = moves.world.engine.dialect.name
    like = "CAST(file AS CHAR)" if dialect != "postgresql" else "CAST(file AS TEXT)"
    moves.world.sql(f"ALTER TABLE deed ADD CONSTRAINT held CHECK (title <> '2' OR {like} LIKE '%old%')")
    report = await moves.migrate()
    assert [moves.json(number)["backend"] for number in (1, 2, 3)] == ["new", "old", "new"]
    assert report.counts["failed"] == 1
    assert len(keys(moves.old)) == 1


# --- two at once


@pytest.mark.parametrize("driver", ["pysqlite", "psycopg", "pymysql"], indirect=True)
async def test_two_runs_at_once(moves: Moves) -> None:
    """They share the work or do it side by side; every row has its bytes, and nothing is left over."""
    contents = {number: b"%d" % number for number in range(1, 81)}
    await moves.add(*(Deed(id=number, file=file(content)) for number, content in contents.items()))
    start = threading.Barrier(2)

    def run() -> bool:
        start.wait()
        with Session(moves.world.engine) as session:
            return migrate(session, Base, source="old", target="new", shared=True, batch=10, concurrency=4).ok

    assert await asyncio.gather(asyncio.to_thread(run), asyncio.to_thread(run)) == [True, True]
    for number, content in contents.items():
        assert moves.new.read(moves.json(number)["to_filename"]) == content
    assert len(keys(moves.new)) == 80
    assert not keys(moves.old)


# --- the database


@pytest.mark.parametrize("driver", ["psycopg", "pymysql"], indirect=True)
async def test_a_lost_connection_and_a_deadlock(moves: Moves) -> None:
    """A switch is tried again, and a COMMIT whose answer was lost counts as what it was."""
    await moves.add(*(Deed(file=file()) for _ in range(3)))
    faults = iter([True, True])

    def lose(connection) -> None:
        if next(faults, False):
            connection.connection.driver_connection.commit()
            raise OperationalError("COMMIT", None, Exception("server closed the connection unexpectedly"))

    engine = moves.world.database.engine
    event.listen(engine, "commit", lose)
    try:
        report = await moves.migrate()
    finally:
        event.remove(engine, "commit", lose)
    assert report.ok
    assert (report.counts["moved"], report.counts["deleted"], report.counts["again"]) == (3, 3, 0)
