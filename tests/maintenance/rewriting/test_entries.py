"""What triggers write about switched rows is taken back, whatever the primary key; what others write stays."""

import json
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Connection, String, event, text
from sqlalchemy.dialects.mysql import DATETIME
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import DateTime

from holdfast import FileObject, Outbox, StoredObject
from tests.maintenance.rewriting.moves import Moves, file, name
from tests.maintenance.stacks import keys


class Kept(DeclarativeBase):
    pass


class Pair(Kept):
    """A primary key of two columns, one of them with letters beyond ASCII."""

    __tablename__ = "kept_pair"
    word: Mapped[str] = mapped_column(String(20), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="old"))


class Era(Kept):
    """A primary key that databases write in another way than drivers."""

    __tablename__ = "kept_era"
    at: Mapped[datetime] = mapped_column(
        DateTime(timezone=False).with_variant(DATETIME(fsp=6), "mysql", "mariadb"), primary_key=True
    )
    closed: Mapped[bool] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="old"))


class Bundle(Kept):
    __tablename__ = "kept_bundle"
    id: Mapped[int] = mapped_column(primary_key=True)
    pages: Mapped[list[FileObject] | None] = mapped_column(StoredObject(backend="old", multiple=True))


outbox = Outbox(Kept.metadata, triggers=True)


@pytest.fixture
async def kept(moves: Moves) -> Moves:
    """The tables with their triggers."""
    await moves.world.database.create(Kept)
    return Moves(moves.world, moves.old, moves.new, Kept)


async def test_old_objects_are_kept_for_rows_with_any_primary_key(kept: Moves) -> None:
    """No entry is left by which a drain would delete them: several columns, letters, times, truth values."""
    days = [datetime.fromisoformat(f"2024-01-02 03:04:05{part}") for part in ("", ".678")]
    await kept.add(
        Pair(word="Über'größe", number=1, file=file()),
        Pair(word='say "no"', number=1, file=file()),
        *(Era(at=day, closed=closed, file=file()) for day in days for closed in (True, False)),
    )
    await kept.world.run(outbox.drain)
    report = await kept.migrate(keep=True)
    assert (report.ok, report.counts["moved"]) == (True, 6)
    assert await kept.world.run(outbox.drain) == 0
    assert len(keys(kept.old)) == len(keys(kept.new)) == 6


@pytest.mark.parametrize("driver", ["pysqlite", "psycopg", "pymysql"], indirect=True)
async def test_what_others_note_about_the_same_rows_stays(kept: Moves) -> None:
    """A file that goes to another row and comes back, just when its first row is switched, is not deleted."""
    kept.old.put("1.txt", b"1"), kept.new.put("2026/01/02/06h01m5kj8o18eft4mt2octgerjqm-2.txt", b"2")
    other = name("2026/01/02/06h01m5kj8o18eft4mt2octgerjqm-2.txt", "new", size=1)
    kept.insert(1, f"[{name('1.txt')}, {other}]", "kept_bundle", "pages")
    kept.insert(2, "[]", "kept_bundle", "pages")
    value = json.dumps(kept.json(1, "kept_bundle", "pages"))
    kept.world.sql("UPDATE holdfast_outbox SET created_at = 0")
    await kept.world.run(outbox.drain)  # what was noted long ago is forgotten
    done: list[bool] = []

    def swap(*args: Any) -> None:
        if "max(" in args[2] and not done:
            done.append(True)
            _there_and_back(kept, value, other)

    event.listen(kept.world.database.engine, "after_cursor_execute", swap)
    await kept.migrate(keep=True)
    assert done
    await kept.world.run(outbox.drain)
    assert {page["backend"] for page in kept.json(1, "kept_bundle", "pages")} == {"new"}
    assert (await kept.verify()).ok


def _there_and_back(kept: Moves, value: str, other: str) -> None:
    """Give a page to the other row and take it back, if the rows are not locked."""
    with kept.world.engine.connect() as connection:
        _hurry(connection)
        statement = text("UPDATE kept_bundle SET pages = :pages WHERE id = :id")
        try:
            for number, pages in ((1, f"[{name('1.txt')}]"), (2, f"[{other}]"), (2, "[]"), (1, value)):
                connection.execute(statement, {"pages": pages, "id": number})
            connection.commit()
        except OperationalError:
            connection.rollback()


def _hurry(connection: Connection) -> None:
    """Let it wait for locks no longer than it must."""
    statement = {
        "sqlite": "PRAGMA busy_timeout = 1",
        "postgresql": "SET lock_timeout = '50ms'",
        "mariadb": "SET innodb_lock_wait_timeout = 1",
    }
    connection.exec_driver_sql(statement[connection.dialect.name])
