"""Workers that do random transactions, and know afterwards what their rows may hold."""

import random
import time
from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from holdfast import FileObject
from holdfast.errors import HoldfastError
from tests.faults.world import Document

WORKERS = 2
TRANSACTIONS = 15  # of each worker
SIZES = [0, 10, 1000, 50_000, 50_000, 300_000, 300_000, 300_000, 9_000_000]

State = tuple[int, tuple[int, ...]] | None
"""What a row holds: the number of its file, and those of its pages; None for no row."""


def data(number: int) -> bytes:
    """Return the bytes of a file, which its number decides."""
    return random.Random(number).randbytes(random.Random(f"size {number}").choice(SIZES))


def file(number: int) -> FileObject:
    """Return a pending file."""
    return FileObject(filename=f"{number}.bin", content=data(number), metadata={"number": number})


@dataclass
class Worker:
    """Does transactions on rows of its own, and keeps account of what they may hold."""

    number: int
    random: random.Random
    errors: Counter[str] = field(default_factory=Counter)
    unclean: list[BaseException] = field(default_factory=list)
    committed: int = 0
    longest: float = 0.0
    known: dict[int, State] = field(default_factory=dict)
    unknown: dict[int, set[State]] = field(default_factory=dict)
    _last: int = 0

    def fresh(self) -> int:
        """Return a number that nobody else uses."""
        self._last += 1
        return self._last * WORKERS + self.number

    def change(self, session: Session) -> dict[int, State]:
        """Change a few rows; return what they hold then."""
        after: dict[int, State] = {}
        for _ in range(self.random.randint(1, 3)):
            rows = [row for row, state in ({**self.known, **after}).items() if state is not None]
            row = self.random.choice(rows) if rows else 0
            what = self.random.choice(["add", "add", "replace", "delete", "append", "remove", "savepoint"])
            if what == "savepoint":
                nested = session.begin_nested()
                session.add(Document(id=self.fresh(), file=file(self.fresh())))
                session.flush()
                nested.rollback()
            elif what == "add" or not rows:
                row, numbers = self.fresh(), [self.fresh() for _ in range(3)]
                session.add(Document(id=row, file=file(numbers[0]), pages=[file(each) for each in numbers[1:]]))
                after[row] = numbers[0], tuple(numbers[1:])
            else:
                after[row] = self._edit(session, what, row, after.get(row, self.known.get(row)))
            session.flush()
        return after

    def _edit(self, session: Session, what: str, row: int, state: State) -> State:
        assert state
        document, (single, pages) = session.get_one(Document, row), state
        new = self.fresh()
        if what == "delete":
            session.delete(document)
            return None
        if what == "replace":
            document.file = file(new)
            return new, pages
        if what == "append":
            document.pages.append(file(new))
            return single, (*pages, new)
        if pages:
            del document.pages[0]
        return single, pages[1:]

    def ended(self, started: float, after: dict[int, State], error: Exception | None, *, sent: bool) -> None:
        """Note how a transaction ended: after a COMMIT that raised, nobody knows."""
        self.longest = max(self.longest, time.monotonic() - started)
        if error is None:
            self.committed += 1
            self.known |= after
            return
        self.errors[type(error).__name__] += 1
        if not isinstance(error, SQLAlchemyError | HoldfastError | ConnectionError | TimeoutError):
            self.unclean.append(error)
        if sent:
            for row, state in after.items():
                self.unknown[row] = {self.known.pop(row, None), state}

    def work(self, engine: Engine) -> None:
        """Do transactions in a Session."""
        for _ in range(TRANSACTIONS):
            started, after, sent, failure = time.monotonic(), {}, False, None
            try:
                with Session(engine) as session:
                    after = self.change(session)
                    sent = True
                    session.commit()
            except Exception as error:  # noqa: BLE001  # looked at in `ended`
                failure = error
            self.ended(started, after, failure, sent=sent)

    async def work_async(self, engine: AsyncEngine) -> None:
        """Do transactions in an AsyncSession."""
        for _ in range(TRANSACTIONS):
            started, after, sent, failure = time.monotonic(), {}, False, None
            try:
                async with AsyncSession(engine) as session:
                    after = await session.run_sync(self.change)
                    sent = True
                    await session.commit()
            except Exception as error:  # noqa: BLE001  # looked at in `ended`
                failure = error
            self.ended(started, after, failure, sent=sent)
