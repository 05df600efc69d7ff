"""Python's sqlite3 commits at the RELEASE of a savepoint that only SELECTs came before."""

import logging
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from holdfast.orm import watching
from tests.faults.world import with_savepoints
from tests.orm.conftest import Database, stored
from tests.orm.documents import Base, Document, file


@pytest.fixture(autouse=True)
def unwarned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody was warned in this process."""
    monkeypatch.setattr(watching, "_warned", False)


def save_inside(session: Session) -> None:
    """Add a row inside a savepoint that only a SELECT came before, and roll back."""
    session.execute(select(1))
    with session.begin_nested():
        session.add(Document(id=1, file=file(b"kept by SQLite")))
    session.rollback()


async def test_the_trap_is_named_once(database: Database, docs: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The row outlived the rollback, its file with it, and one warning says why and what to do."""
    await database.create(Base)

    def work(session: Session) -> None:
        save_inside(session)
        row = session.get_one(Document, 1)
        assert row.file.get_content() == b"kept by SQLite"
        session.delete(row)
        session.commit()
        save_inside(session)

    with caplog.at_level(logging.WARNING, logger="holdfast"):
        await database.run(work)
    traps = [record for record in caplog.records if "SAVEPOINT" in record.message]
    assert len(traps) == 1
    assert "docs.sqlalchemy.org" in traps[0].message


async def test_the_recipe_is_no_trap(database: Database, docs: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Where SQLAlchemy sends BEGIN, nothing is warned of and the rollback rolls back."""
    with_savepoints(database.engine.sync_engine if database.is_async else database.engine)
    await database.create(Base)
    with caplog.at_level(logging.WARNING, logger="holdfast"):
        await database.run(save_inside)
    assert not caplog.records
    assert stored(docs) == []


async def test_only_savepoints_are_listened_for(database: Database, docs: Any) -> None:
    """Any listener of an engine makes all its statements slower: there is none before the first savepoint."""
    await database.create(Base)
    engine = database.engine.sync_engine if database.is_async else database.engine

    def save(session: Session) -> None:
        session.add(Document(id=1, file=file(b"no savepoint")))
        session.commit()

    await database.run(save)
    assert not event.contains(engine, "savepoint", watching._check_savepoint)
    await database.run(set_savepoint)
    assert event.contains(engine, "savepoint", watching._check_savepoint)


def set_savepoint(session: Session) -> None:
    """Set a savepoint in which nothing happens."""
    with session.begin_nested():
        pass
