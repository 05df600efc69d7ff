"""Two rows that hold one object: keys are file names in advanced-alchemy, so that happens. Neither loses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import MetaData, delete, event, select, text, update
from sqlalchemy import Table as CoreTable
from sqlalchemy.orm import Mapped, Session, mapped_column

from holdfast import FileObject, Outbox, StoredObject
from tests.advanced_alchemy.tables.conftest import Paper, Table
from tests.companions import UUIDAuditBase
from tests.orm.conftest import contents

NAME = "report.pdf"
SHARED = {"filename": NAME, "content": "shared"}


class Poster(UUIDAuditBase):
    """Another table of the same database."""

    __tablename__ = "poster"
    metadata = MetaData()
    picture: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))


class Ghost(UUIDAuditBase):
    """A table that is in no database."""

    __tablename__ = "ghost"
    metadata = MetaData()
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))


class Boxed(UUIDAuditBase):
    """The table in a MetaData that has an outbox."""

    __tablename__ = "paper"
    metadata = MetaData()
    title: Mapped[str] = mapped_column()
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))
    pages: Mapped[list[FileObject] | None] = mapped_column(StoredObject(backend="docs", multiple=True))


OUTBOX = Outbox(Boxed.metadata)


def titled(session: Session, title: str, model: Any = Paper) -> Any:
    """Return the row of a title."""
    return session.scalars(select(model).where(model.title == title)).one()


def _unset(session: Session, title: str, model: Any) -> None:
    titled(session, title, model).file = None


def _replace(session: Session, title: str, model: Any) -> None:
    titled(session, title, model).file = FileObject(filename="new.txt", content=b"new")


def _delete(session: Session, title: str, model: Any) -> None:
    session.delete(titled(session, title, model))


def _delete_file(session: Session, title: str, model: Any) -> None:
    row = titled(session, title, model)
    row.file.delete()
    row.file = None


def _bulk_delete(session: Session, title: str, model: Any) -> None:
    session.execute(delete(model).where(model.title == title))


def _bulk_update(session: Session, title: str, model: Any) -> None:
    session.execute(update(model).where(model.title == title).values(file=None))


@pytest.mark.parametrize("boxed", [False, True], ids=["plain", "outbox"])
@pytest.mark.parametrize("go", [_unset, _replace, _delete, _delete_file, _bulk_delete, _bulk_update])
async def test_the_last_row_takes_it_along(table: Table, go: Callable[..., None], boxed: bool) -> None:
    """What one row lets go of stays as long as another has it, and goes with that one."""
    model = Boxed if boxed else Paper
    table.add("first", file=SHARED)
    table.add("second", file=SHARED)

    def work(session: Session) -> None:
        if boxed:
            OUTBOX.table.create(session.connection())
            session.commit()
        go(session, "first", model)
        session.commit()
        assert contents(table.docs)[NAME] == b"shared"
        assert titled(session, "second", model).file.get_content() == b"shared"
        go(session, "second", model)
        session.commit()
        assert NAME not in contents(table.docs)
        if boxed:
            assert session.scalars(select(OUTBOX.table.c.id)).all() == []

    await table.run(work)


async def test_rows_that_go_together(table: Table) -> None:
    """Both in one transaction."""
    table.add("first", file=SHARED)
    table.add("second", file=SHARED)
    table.add("other", file=SHARED | {"filename": "other.pdf"})

    def work(session: Session) -> None:
        session.execute(delete(Paper).where(Paper.title != "other"))
        session.commit()

    await table.run(work)
    assert list(contents(table.docs)) == ["other.pdf"]


@pytest.mark.parametrize(
    "table",
    [
        pytest.param("psycopg", marks=pytest.mark.postgres),
        pytest.param("asyncpg", marks=pytest.mark.postgres),
        pytest.param("pymysql", marks=pytest.mark.mariadb),
    ],
    indirect=True,
)
async def test_rows_that_go_at_the_same_time(table: Table) -> None:
    """In two transactions: the one that is committed last deletes the object."""
    table.add("first", file=SHARED)
    table.add("second", file=SHARED)

    def work(session: Session) -> None:
        with Session(session.get_bind()) as other:
            _delete(session, "first", Paper)
            _delete(other, "second", Paper)
            session.flush()
            other.flush()
            session.commit()
            assert NAME in contents(table.docs)
            other.commit()
            assert contents(table.docs) == {}

    await table.run(work)


@pytest.mark.parametrize("name", [NAME, 'Ü "1" – 100%_\'.pdf', "/in/front.pdf"])
async def test_a_list_and_another_table(table: Table, name: str) -> None:
    """All columns of all tables are asked, one that is not there holds nothing."""
    key = name.removeprefix("/")
    table.add("row", file=SHARED | {"filename": name})
    table.add("list", pages=[SHARED | {"filename": "1.pdf"}, SHARED | {"filename": name}])

    def work(session: Session) -> None:
        poster: CoreTable = Poster.metadata.tables["poster"]
        poster.create(session.connection())
        session.commit()
        session.add(Poster(picture=FileObject(backend="docs", filename=key)))
        session.commit()
        _delete(session, "row", Paper)
        session.commit()
        assert key in contents(table.docs)
        titled(session, "list").pages.pop()
        session.commit()
        assert sorted(contents(table.docs)) == sorted(["1.pdf", key])
        session.delete(session.scalars(select(Poster)).one())
        session.commit()
        assert sorted(contents(table.docs)) == ["1.pdf"]

    await table.run(work)


async def test_a_row_that_took_it_over(table: Table) -> None:
    """A move within a transaction leaves the object to all that have it."""
    table.add("first", file=SHARED)
    table.add("second", file=SHARED)

    def work(session: Session) -> None:
        first = titled(session, "first")
        session.add(Paper(title="third", file=first.file))
        first.file = None
        session.commit()
        _delete(session, "third", Paper)
        session.commit()
        assert titled(session, "second").file.get_content() == b"shared"

    await table.run(work)


async def test_keys_with_an_id_ask_nobody_else(table: Table) -> None:
    """A key that Holdfast made has one owner, so no table is searched for it."""
    searches: list[str] = []

    def work(session: Session) -> None:
        def note(_: Any, __: Any, statement: str, *___: Any) -> None:
            searches.append(statement)

        session.add(Paper(title="ours", file=FileObject(filename=NAME, content=b"x")))
        session.commit()
        event.listen(session.get_bind(), "before_cursor_execute", note)
        _delete(session, "ours", Paper)
        session.commit()

    await table.run(work)
    assert contents(table.docs) == {}
    assert searches
    assert all("WHERE paper.id" in each or "WHERE paper.title" in each for each in searches if "SELECT paper" in each)
    assert not [each for each in searches if "filename" in each or "LIKE" in each]


@pytest.mark.parametrize("table", [pytest.param("psycopg", marks=pytest.mark.postgres)], indirect=True)
async def test_indexes_serve_the_search(table: Table) -> None:
    """The documented ones: without them each such deletion reads the table."""
    table.add("first", file=SHARED)
    searches: list[tuple[str, Any]] = []

    def work(session: Session) -> None:
        for name in ("filename", "to_filename"):
            session.execute(text(f"CREATE INDEX paper_{name} ON paper ((file ->> '{name}'))"))
        session.commit()
        event.listen(
            session.get_bind(),
            "before_cursor_execute",
            lambda _, __, statement, parameters, *___: searches.append((statement, parameters)),
        )
        _delete(session, "first", Paper)
        session.commit()
        search = next(each for each in searches if "to_filename" in str(each) and "paper.file" in each[0])
        session.execute(text("SET enable_seqscan = off"))
        plan = session.connection().exec_driver_sql("EXPLAIN " + search[0], search[1]).scalars().all()
        assert "paper_filename" in "".join(plan)
        assert "paper_to_filename" in "".join(plan)

    await table.run(work)
