"""Sessions that touch no file: with SQLAlchemy alone, and as the base of players with a library.

The processor's time is taken, for it has the least noise; and the calls of functions are counted, which have none.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, delete, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import StaticPool

from benchmarks.measuring.race import SPEED, Player

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.measuring.race import Setting


class Base(DeclarativeBase):
    """The tables."""


class Note(Base):
    """A row without a file."""

    __tablename__ = "note"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


class Untouched(Player):
    """Short sessions in memory."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        Base.metadata.create_all(self.engine)
        self.calls = 0

    def session(self) -> Any:
        """Return a new session."""
        return Session(self.engine)

    def prepare(self) -> None:
        """Empty the table; in the first round, which is not measured, count the calls of one session."""
        with Session(self.engine) as session:
            session.execute(delete(Note))
            session.commit()
        if not self.calls:
            self.one(0)
            self.calls = calls_of(lambda: self.one(1))

    def run(self) -> None:
        """Open sessions one after the other."""
        for number in range(2, self.setting.amount):
            self.one(number)

    def one(self, number: int) -> None:
        """Add, flush, query and commit."""
        with self.session() as session:
            session.add(Note(title=f"note {number}"))
            session.flush()
            self.found = session.scalars(select(Note).where(Note.title == f"note {number}")).one()
            session.commit()

    def measure(self) -> dict[str, float]:
        """Return sessions for each second of the processor."""
        start = time.process_time()
        self.run()
        return {SPEED: self.setting.amount / (time.process_time() - start), "calls": self.calls}


def calls_of(work: Callable[[], None]) -> int:
    """Return how many functions are called, those written in C as well."""
    count = 0

    def note(_: Any, what: str, __: Any) -> None:
        nonlocal count
        count += what in {"call", "c_call"}

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count
