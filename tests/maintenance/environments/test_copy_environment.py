"""Rows and files go into another environment."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, ForeignKey, create_engine, event, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StorageBackend, StoredObject, storages
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.errors import ConfigurationError
from holdfast.maintenance import CopyReport, copy_environment, copy_environment_async, verify


class Base(DeclarativeBase):
    """Tables of the shop."""


class Owner(Base):
    """A row without files, which others refer to."""

    __tablename__ = "copied_owner"
    id: Mapped[int] = mapped_column(primary_key=True)
    notes: Mapped[dict[str, Any] | None] = mapped_column(JSON)


class Paper(Base):
    """A row with files."""

    __tablename__ = "copied_paper"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("copied_owner.id"))
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="production"))
    pages: Mapped[list[FileObject] | None] = mapped_column(StoredObject(backend="production", multiple=True))


class Environments:
    """Two of everything."""

    def __init__(self, source: str, target: str, production: StorageBackend, staging: StorageBackend) -> None:
        self.source, self.target = create_engine(source), create_engine(target)
        self.production, self.staging = production, staging
        for engine in (self.source, self.target):
            Base.metadata.create_all(engine)

    def copy(self, **options: Any) -> CopyReport:
        """Copy all tables."""
        with Session(self.source) as session, Session(self.target) as target:
            return copy_environment(session, target, Base, storages={"production": self.staging}, **options)

    def fill(self, count: int) -> None:
        """Make some rows, each with a file and a list of two."""
        with Session(self.source) as session:
            session.add(Owner(id=1, notes={"a": 1}))
            session.add(Owner(id=2, notes=None))
            session.flush()
            for number in range(count):
                files = [
                    FileObject(filename=f"{number}-{each}.txt", content=b"%d-%d" % (number, each)) for each in (1, 2)
                ]
                paper = Paper(owner_id=1, file=FileObject(filename="é.txt", content=b"%d" % number), pages=files)
                session.add(paper)
            session.commit()

    def read(self) -> list[tuple[int, bytes, list[bytes]]]:
        """Return what the other environment says, from its own storage."""
        with storages_replaced(self.staging), Session(self.target) as session:
            papers = session.scalars(select(Paper).order_by(Paper.id))
            return [
                (
                    paper.id,
                    paper.file.get_content() if paper.file else b"",
                    [f.get_content() for f in paper.pages or []],
                )
                for paper in papers
            ]

    def dispose(self) -> None:
        """Close both databases."""
        self.source.dispose()
        self.target.dispose()


class storages_replaced:  # noqa: N801  # a context
    """What the other environment's processes see: its storage under the name that rows have."""

    def __init__(self, staging: StorageBackend) -> None:
        self._staging, self._before = staging, storages.get("production")

    def __enter__(self) -> None:
        storages._backends["production"] = self._staging

    def __exit__(self, *_: object) -> None:
        storages._backends["production"] = self._before


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def environments(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Environments]:
    """Production on a database of each kind and in memory; staging on SQLite and in a folder, or the other way."""
    file = f"sqlite:///{tmp_path}/shop.db"
    other = f"sqlite:///{tmp_path}/other.db"
    memory = ObstoreBackend("production", "memory://")
    (tmp_path / "staging").mkdir()
    folder = FSSpecBackend("production", "file", tmp_path / "staging")
    storages.register_backend(memory)
    postgres = request.getfixturevalue("postgres").url("psycopg") if request.param == "postgres" else other
    made = Environments(file, postgres, memory, folder)
    yield made
    made.dispose()
    storages._backends.pop("production", None)


def test_rows_and_files_come_with_what_they_refer_to(environments: Environments) -> None:
    """Owners come before papers, files lie in the other storage under their keys, and rows name it as before."""
    environments.fill(5)
    report = environments.copy(batch=2)
    assert report.ok, report.findings
    assert (report.counts["inserted"], report.counts["copied"]) == (7, 15)
    assert environments.read() == [(n + 1, b"%d" % n, [b"%d-1" % n, b"%d-2" % n]) for n in range(5)]
    keys = {info.key for info in environments.production.list()}
    assert {info.key for info in environments.staging.list()} == keys
    with Session(environments.target) as session:
        assert [owner.notes for owner in session.scalars(select(Owner).order_by(Owner.id))] == [{"a": 1}, None]
        assert session.scalar(select(func.count()).where(Owner.notes.is_(None))) == 1
        with storages_replaced(environments.staging):
            assert verify(session, Base, deep=True).ok


def test_the_next_row_there_gets_a_key_of_its_own(environments: Environments) -> None:
    """PostgreSQL's sequences know nothing of rows that came with their keys."""
    environments.fill(3)
    environments.copy()
    with storages_replaced(environments.staging), Session(environments.target) as session:
        session.add(Paper(owner_id=1, file=FileObject(filename="new.txt", content=b"new")))
        session.commit()
    assert [row[0] for row in environments.read()] == [1, 2, 3, 4]


def test_a_second_run_brings_what_is_new_and_changes_nothing(environments: Environments) -> None:
    """Rows that are there already are left alone, whatever they say."""
    environments.fill(2)
    environments.copy()
    with Session(environments.target) as session:
        session.execute(text("UPDATE copied_paper SET file = NULL WHERE id = 1"))
        session.commit()
    with Session(environments.source) as session:
        session.add(Paper(id=9, owner_id=2, pages=[]))
        session.commit()
    report = environments.copy()
    assert (report.counts["inserted"], report.counts["there"], report.counts["copied"]) == (1, 4, 0)
    assert environments.read() == [(1, b"", [b"0-1", b"0-2"]), (2, b"1", [b"1-1", b"1-2"]), (9, b"", [])]


def test_an_interrupted_run_copies_no_file_twice(environments: Environments) -> None:
    """A file whose row did not get there is found again under its key, by its bytes."""
    environments.fill(3)
    environments.copy()
    with Session(environments.target) as session:
        session.execute(text("DELETE FROM copied_paper WHERE id = 2"))
        session.commit()
    report = environments.copy()
    assert (report.counts["copied"], report.counts["adopted"], report.counts["inserted"]) == (3, 3, 1)
    assert len(list(environments.staging.list())) == 9
    assert len(environments.read()) == 3


def test_another_object_under_the_key_is_not_touched(environments: Environments) -> None:
    """A key that somebody chose may mean something else there: the copy gets a fresh one."""
    with Session(environments.source) as session:
        session.add(Owner(id=1))
        session.add(Paper(owner_id=1, file=FileObject(filename="logo", to_filename="logo.png", content=b"ours")))
        session.commit()
    environments.staging.put("logo.png", b"theirs")
    assert environments.copy().ok
    assert environments.read() == [(1, b"ours", [])]
    assert environments.staging.read("logo.png") == b"theirs"


def test_a_row_whose_file_is_missing_stays_behind_and_is_named(environments: Environments) -> None:
    """Its other files wait in the other storage for the next run, and all other rows go."""
    environments.fill(3)
    with Session(environments.source) as session:
        environments.production.delete(session.get_one(Paper, 2).file.path)
    report = environments.copy()
    assert not report.ok
    (finding,) = report.findings
    assert (finding.kind, finding.rows[0].table, finding.rows[0].key) == ("missing", "copied_paper", ("2",))
    assert [row[0] for row in environments.read()] == [1, 3]
    assert len(list(environments.staging.list())) == 8


def test_a_row_that_the_database_refuses_is_named_and_its_files_go_again(environments: Environments) -> None:
    """One row that breaks a rule there does not keep its neighbours away; what a next run would not find is deleted."""
    environments.fill(3)
    for page in (1, 2):
        with environments.source.begin() as connection:
            pages = json.dumps([{"backend": "production", "filename": f"{page}.txt"}])
            connection.execute(text("UPDATE copied_paper SET pages = :p WHERE id = :i"), {"p": pages, "i": page + 1})
        environments.production.put(f"{page}.txt", b"page")
    with environments.target.begin() as connection:
        connection.execute(text("CREATE UNIQUE INDEX one_owner ON copied_paper (owner_id)"))
    report = environments.copy()
    assert [finding.kind for finding in report.findings] == ["refused", "refused"]
    assert [row[0] for row in environments.read()] == [1]
    assert len(list(environments.staging.list())) == 3 + 2


def test_two_runs_at_once(environments: Environments) -> None:
    """A row that the other run brings first keeps its files: they are the same copies."""
    environments.fill(1)
    other = create_engine(environments.target.url)
    runs: list[CopyReport] = []

    def run_first(*args: Any) -> None:
        if args[2].startswith("INSERT INTO copied_paper") and not runs:
            with Session(environments.source) as session, Session(other) as target:
                staging = {"production": environments.staging}
                runs.append(copy_environment(session, target, Base, storages=staging))

    # The other run needs the lock that SQLite's driver takes right before the statement.
    event.listen(environments.target, "before_cursor_execute", run_first)
    environments.copy()
    other.dispose()
    assert (runs[0].counts["inserted"], runs[0].counts["adopted"]) == (1, 3)
    assert environments.read() == [(1, b"0", [b"0-1", b"0-2"])]


@pytest.mark.parametrize("environments", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_a_sequence_does_not_go_back(environments: Environments) -> None:
    """Keys that it has given may be in transactions that are still open there."""
    environments.fill(3)
    with environments.target.begin() as connection:
        connection.execute(text("SELECT setval('copied_paper_id_seq', 100)"))
    environments.copy()
    with environments.target.connect() as connection:
        assert connection.execute(text("SELECT nextval('copied_paper_id_seq')")).scalar() == 101


def test_some_rows_of_one_model(environments: Environments) -> None:
    """`models` and `where` choose; a dry run only counts."""
    environments.fill(4)
    assert environments.copy(models=[Owner]).counts["inserted"] == 2
    dry = environments.copy(models="Paper", where="id > 2", dry_run=True)
    assert (dry.counts["to_do"], dry.counts["inserted"]) == (2, 0)
    assert not environments.read()
    assert environments.copy(models="copied_paper", where=Paper.id > 2).counts["inserted"] == 2
    assert [row[0] for row in environments.read()] == [3, 4]


def test_a_malformed_value_is_a_finding(environments: Environments) -> None:
    """What cannot be read stays behind, and is no reason to stop."""
    environments.fill(1)
    with environments.source.begin() as connection:
        connection.execute(insert(Paper.__table__).values(id=7, owner_id=1))
        connection.execute(text("UPDATE copied_paper SET file = '[3]' WHERE id = 7"))
    report = environments.copy()
    assert [finding.kind for finding in report.findings] == ["malformed"]
    assert len(environments.read()) == 1


def test_what_cannot_work_is_refused_before_anything_is_done(environments: Environments, tmp_path: Path) -> None:
    """The same place, the same database, a storage without another one, a model that does not exist."""
    environments.fill(1)
    with Session(environments.source) as session, Session(environments.target) as target:
        with pytest.raises(ConfigurationError, match="the same place"):
            copy_environment(session, target, Base, storages={"production": environments.production})
        with pytest.raises(ConfigurationError, match="the same database"):
            copy_environment(session, session, Base, storages={"production": environments.staging})
        with pytest.raises(ConfigurationError, match="does not say where files of 'production' go"):
            copy_environment(session, target, Base, storages={})
        with pytest.raises(ConfigurationError, match="no model or table called 'Papr'"):
            copy_environment(session, target, Base, storages={"production": environments.staging}, models="Papr")
        with pytest.raises(ConfigurationError, match="a condition on one model"):
            copy_environment(session, target, Base, storages={"production": environments.staging}, where="id = 1")
    assert not list(environments.staging.list())


async def test_async_sessions_do_the_same(environments: Environments, tmp_path: Path) -> None:
    """Both databases, or one of them, through an async driver."""
    environments.fill(2)
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/shop.db")
    url = environments.target.url
    name = "postgresql+asyncpg" if url.get_backend_name() == "postgresql" else "sqlite+aiosqlite"
    other = create_async_engine(url.set(drivername=name))
    async with AsyncSession(engine) as session, AsyncSession(other) as target:
        report = await copy_environment_async(session, target, Base, storages={"production": environments.staging})
    await engine.dispose()
    await other.dispose()
    assert (report.counts["inserted"], report.counts["copied"]) == (4, 6)
    assert [row[0] for row in environments.read()] == [1, 2]
