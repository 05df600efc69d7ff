"""Old objects stay when what replaced them is not there, or not held: nothing else has their bytes."""

import pytest
from sqlalchemy.orm import Session

from holdfast.maintenance.rewriting.migration import clear
from tests.maintenance.rewriting.moves import Base, Deed, Moves, file
from tests.maintenance.stacks import keys

SQLITE = pytest.mark.parametrize("driver", ["pysqlite", "aiosqlite"], indirect=True)


@SQLITE
@pytest.mark.parametrize("key", ["report.pdf", None])
async def test_a_copy_that_is_deleted_before_the_old_objects_go(moves: Moves, key: str | None) -> None:
    """Somebody who deletes the copy of a row that this run has switched does not take the last bytes away."""
    await moves.add(Deed(id=1, file=file(b"1", to_filename=key)), Deed(id=2, file=file(b"2")))
    lost = moves.json(1)["to_filename"]

    def told(step) -> None:
        if step.phase == "rows":
            moves.new.delete(lost)

    report = await moves.migrate(progress=told)
    assert (report.counts["deleted"], report.counts["needed"]) == (1, 1)
    assert keys(moves.old) == {lost}


@SQLITE
async def test_a_row_that_lets_its_copy_go_while_old_objects_are_deleted(moves: Moves) -> None:
    """Who has read it before it was switched gives the old file away: that one stays."""
    await moves.add(Deed(id=1, file=file(b"1")), Deed(id=2))
    before = moves.json(1)
    await moves.migrate(keep=True)

    def told(step) -> None:
        if step.phase == "confirm":
            value = f'{{"backend": "old", "filename": "a.txt", "to_filename": "{before["to_filename"]}"}}'
            moves.world.sql("UPDATE deed SET file = NULL WHERE id = 1")
            moves.world.sql("UPDATE deed SET file = :value WHERE id = 2", value=value)

    with Session(moves.world.engine) as session:
        report = clear(session, Base, source="old", target="new", shared=True, progress=told)
    assert (report.counts["deleted"], report.counts["kept"]) == (0, 1)
    assert moves.old.read(moves.json(2)["to_filename"]) == b"1"
