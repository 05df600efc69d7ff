"""Going through rows in the order of their keys: all that are wanted, none twice, and each page along the index."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.orm import Session

from holdfast.maintenance.columns import Columns
from holdfast.maintenance.rewriting.walk import Span, Walk
from holdfast.maintenance.rows import Rows
from tests.maintenance.rewriting.moves import Base
from tests.servers import postgres as postgresql

SIZE = 5
OLD, OTHER = (json.dumps({"backend": name, "filename": "a"}) for name in ("the old storage", "another one"))


@pytest.fixture(params=["pysqlite", "psycopg", "pymysql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database of each kind with the tables."""
    servers = {"psycopg": "postgres", "pymysql": "mariadb"}
    if (name := request.param) in servers:
        engine = create_engine(request.getfixturevalue(servers[name]).url(name))
    else:
        engine = create_engine(f"sqlite:///{tmp_path}/walk.db")
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


def fill(engine: Engine, values: dict[int, str]) -> None:
    """Write rows."""
    with engine.begin() as connection:
        rows = [{"id": number, "file": value} for number, value in values.items()]
        connection.execute(text("INSERT INTO deed (id, file) VALUES (:id, :file)"), rows)


def walk(session: Session, span: Span | None = None, size: int = SIZE) -> Walk:
    """Return the walk of rows that name the old storage."""
    columns = Columns(Base)
    table = next(each for each in columns.tables if each.table.name == "deed")
    return Walk(Rows(session, columns), table, span=span, naming={"the old storage"}, size=size)


@pytest.mark.parametrize("every", [1, 2, 7, 61, 1000])
@pytest.mark.parametrize("span", [None, Span("deed", (20,), (333,))])
def test_rows_that_are_wanted_are_found_however_far_apart_they_lie(
    engine: Engine, every: int, span: Span | None
) -> None:
    """Whether all rows name the storage or hardly any does, each is found once, in pages that are not too large."""
    fill(engine, {number: OTHER if number % every else OLD for number in range(1, 401)})
    with Session(engine) as session:
        pages = list(walk(session, span).pages())
    numbers = range(1, 401) if span is None else range(21, 334)
    assert [row.identity[0] for page in pages for row in page] == [each for each in numbers if each % every == 0]
    assert all(0 < len(page) <= SIZE for page in pages)


def test_a_page_never_takes_going_through_all_rows(postgres: postgresql.Database) -> None:
    """PostgreSQL takes the index although it expects the text to be found in few rows."""
    engine = create_engine(postgres.url("psycopg"))
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO deed (id, file) SELECT number, CAST(:old AS json) FROM generate_series(1, 20000) number"),
            {"old": OLD},
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE deed"))
    plans: list[str] = []

    def explain(connection, cursor, statement, parameters, *_) -> None:  # type: ignore[no-untyped-def]  # SQLAlchemy's
        if statement.startswith("SELECT"):
            with connection.connection.cursor() as other:
                plans.append("\n".join(row[0] for row in other.execute(f"EXPLAIN {statement}", parameters)))

    event.listen(engine, "before_cursor_execute", explain)
    with Session(engine) as session:
        assert next(walk(session, size=200).pages())
    engine.dispose()
    assert any("Index" in plan for plan in plans)
    assert not any("Seq Scan" in plan for plan in plans), plans
