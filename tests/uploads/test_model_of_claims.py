"""Tickets, uploads, claims, rows and sweeps in any order: no row points at missing bytes, and no two rows at the same.

A claim that is refused never costs a row its file.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StorageBackend, StoredObject, storages
from holdfast.drivers.local import LocalDriver
from holdfast.errors import AlreadyExistsError, FileRejectedError, InvalidTokenError, NotFoundError
from holdfast.maintenance import sweep
from holdfast.rules import Candidate
from holdfast.uploads import claim, issue
from holdfast.uploads.terms import Terms
from tests.faults.world import with_savepoints

NAME = "parcels-modelled"
GOOD, BAD = b"good", b"evil"
REFUSALS = (InvalidTokenError, NotFoundError, FileRejectedError)

mood = {"refuses": False}


def moody(candidate: Candidate) -> str | None:
    """A rule that knows what is bad, and changes its mind about the rest."""
    return "no" if mood["refuses"] or candidate.head != GOOD else None


class Base(DeclarativeBase):
    pass


class Crate(Base):
    __tablename__ = "crate"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend=NAME, validators=[moody]))


class Shared(LocalDriver):
    """A folder of a server that cannot tell two writers apart."""

    abilities = LocalDriver.abilities._replace(atomic_create=False)


class Bench:
    """One session over one storage, and all tickets and claimed files of a run.

    Args:
        folder: Where everything lies.
        driver: The storage's.
    """

    def __init__(self, folder: Path, driver: type[LocalDriver]) -> None:
        self.replaces = not driver.abilities.atomic_create  # whether clients can upload again
        self.storage = storages.register_backend(StorageBackend(NAME, driver(folder / "objects", durable=False)))
        self.engine = create_engine(f"sqlite:///{folder}/crates.db")
        with_savepoints(self.engine)
        Base.metadata.create_all(self.engine)
        self.session = Session(self.engine)
        self.savepoints: list[Any] = []
        self.tickets: list[str] = []
        self.files: list[FileObject] = []

    def issue(self, which: int) -> None:
        """Issue a ticket, and upload what it is for."""
        ticket = issue(Crate.file, filename="a", size=4, content_type="a/b", purpose="p", protocol="put")
        self.tickets.append(ticket.token)
        self._put(ticket.token, BAD if which == 0 else GOOD)

    def upload_again(self, which: int) -> None:
        """Upload with a ticket of before, whatever became of it."""
        if self.tickets:
            self._put(self.tickets[which % len(self.tickets)], BAD if which > 1 else GOOD)

    def claim(self, which: int) -> None:
        """Claim an upload, maybe again."""
        if self.tickets:
            with suppress(*REFUSALS):
                self.files.append(claim(self.tickets[which % len(self.tickets)], Crate.file, purpose="p"))

    def refuse(self, which: int) -> None:
        """Claim an upload, and have it refused."""
        mood["refuses"] = True
        self.claim(which)
        mood["refuses"] = False

    def insert(self, which: int) -> None:
        """Put a claimed file into a row, maybe into another one already."""
        if self.files:
            self.session.add(Crate(file=self.files[which % len(self.files)]))
            self._try(self.session.flush)

    def replace(self, which: int) -> None:
        """Give a row another file."""
        if self.files and (row := self._row(which)) is not None:
            row.file = self.files[which % len(self.files)]
            self._try(self.session.flush)

    def delete(self, which: int) -> None:
        """Delete a row."""
        if (row := self._row(which)) is not None:
            self.session.delete(row)
            self._try(self.session.flush)

    def begin(self, _: int) -> None:
        """Begin a savepoint."""
        self.savepoints.append(self.session.begin_nested())

    def end(self, which: int) -> None:
        """Release a savepoint, or roll it back."""
        if self.savepoints:
            savepoint = self.savepoints.pop()
            self._try(savepoint.commit if which % 2 else savepoint.rollback)

    def commit(self, _: int) -> None:
        """Commit."""
        self.savepoints.clear()
        self._try(self.session.commit)
        self.check()

    def roll_back(self, _: int) -> None:
        """Roll back."""
        self.savepoints.clear()
        self.session.rollback()
        self.check()

    def sweep(self, which: int) -> None:
        """Delete all that no row holds; between transactions, as SQLite has one writer."""
        self.commit(which)
        assert sweep(self.session, Base, grace=timedelta(0), delete=True).ok
        self.check()

    def check(self) -> None:
        """See that the promises hold, for the rows that the database has."""
        with Session(self.engine) as other:
            found = [file for file in other.scalars(select(Crate.file)) if file is not None]
        assert [file.get_content() for file in found] == [GOOD] * len(found)
        assert len({file.path for file in found}) == len(found)

    def _row(self, which: int) -> Crate | None:
        rows = self.session.scalars(select(Crate).order_by(Crate.id)).all()
        return rows[which % len(rows)] if rows else None

    def _put(self, token: str, body: bytes) -> None:
        with suppress(AlreadyExistsError):
            self.storage.put(Terms.read(token).key, body, if_absent=not self.replaces)

    def _try(self, call: Callable[[], Any]) -> None:
        try:
            call()
        except REFUSALS:
            self.roll_back(0)


@contextmanager
def opened(driver: type[LocalDriver]) -> Iterator[Bench]:
    """Make a bench."""
    folder, before = Path(mkdtemp(prefix="holdfast-claims-")), storages.signed_urls
    storages.sign_urls(base_url="https://crates.example.com/files", secret="crates, and what is in them")
    bench = Bench(folder, driver)
    try:
        yield bench
    finally:
        bench.session.close()
        bench.engine.dispose()
        storages._backends.pop(NAME)
        storages.signed_urls = before
        shutil.rmtree(folder)


class Step(NamedTuple):
    """What to do, and to which ticket, file or row."""

    name: str
    which: int


OFTEN = ("claim", "claim", "insert", "insert", "commit")
STEPS = st.builds(
    Step,
    st.sampled_from(
        [*OFTEN, "upload_again", "refuse", "replace", "delete", "begin", "end", "end", "roll_back", "sweep"]
    ),
    st.integers(0, 3),
)
FIRST = [Step("issue", 1), Step("claim", 0), Step("claim", 0)]


def run(driver: type[LocalDriver], steps: list[Step]) -> None:
    """Do it all, in one session."""
    with opened(driver) as bench:
        for step in [*FIRST, *steps]:
            getattr(bench, step.name)(step.which)
        bench.commit(0)


@pytest.mark.parametrize("driver", [LocalDriver, Shared], ids=["in place", "copied"])
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, min_size=4, max_size=20))
def test_s8_every_row_has_a_file_of_its_own(driver: type[LocalDriver], steps: list[Step]) -> None:
    """Which is there, and has the bytes that were checked."""
    run(driver, steps)
