"""Runs transactions in a world, and the same on paper."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext, suppress
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.exc import DBAPIError

from holdfast import FileObject
from holdfast.errors import HoldfastError, NotFoundError
from tests.orm.model import operations as do
from tests.orm.model.bench import Bench, BrokenPromiseError, Left
from tests.orm.model.dying import dying
from tests.orm.model.files import FileMaker, SourceFailedError
from tests.orm.model.model import Model, Row, pieces_of
from tests.orm.model.schema import CLASSES, Document
from tests.orm.model.worlds import LeavingError, World


class Run(FileMaker):
    """One run: a model, and a session that is to do the same.

    Args:
        world: The session's world, opened.
        bench: What to compare with the model.
        steps: How to do each kind of operation.

    Attributes:
        instances: The rows that the test holds, by label.
        released: Rows that a rollback made transient, and what they hold.
        altered: Rows of which it is not known what they hold once they are transient.
        borrowed: Rows that got a file of another row, which may be gone by the next transaction.
        given: Files that were moved since the last flush.
        broken: Number of savepoints below a statement that failed, where the database minds (PostgreSQL).
        over: The root transaction can only be rolled back.
        touched: Rows that the root transaction has changed, or tried to: they may be locked.
        stale: Rows that changed behind the session's back: what their objects hold is not what the tables hold.
        killed: A process died in this root transaction, before it deleted anything.
        swept: A sweep came in this root transaction; there is nothing to be done any more but to end it.
    """

    def __init__(self, world: World, bench: Bench, steps: Mapping[type, Any]) -> None:
        super().__init__(world)
        self.bench, self._steps, self.model = bench, steps, Model()
        self.instances: dict[int, Any] = {}
        self.released: dict[int, tuple[Any, Row]] = {}
        self.altered: set[int] = set()
        self.borrowed: set[int] = set()
        self.given: list[FileObject] = []
        self.savepoints: list[Any] = []
        self.broken: int | None = None
        self.over = False
        self.repair = False
        self.touched: set[int] = set()
        self.stale: set[int] = set()
        self.killed = False
        self.swept = False

    async def run(self, transactions: Sequence[do.Transaction]) -> None:
        """Run root transactions and compare after each."""
        try:
            for transaction in transactions:
                await self._run(transaction)
        finally:
            await self.world.call(self.world.session.close)

    async def _run(self, transaction: do.Transaction) -> None:
        self.repair = transaction.repair
        for operation in transaction.operations:
            if self.over or self.swept:
                break
            if self.broken is None or isinstance(operation, do.RollBack):
                await self._steps[type(operation)](self, operation)
        await self._end(transaction.ending)

    # --- boundaries

    async def flush(self) -> bool:
        """Flush; return whether that succeeded."""
        return await self.attempt(self.world.session.flush)

    async def attempt(self, call: Any) -> Any:
        """Call what flushes, and return its result or True; if an upload fails, repair that or roll back."""
        try:
            result = await self._repaired(call)
        except SourceFailedError:
            await self.roll_back()
            return False
        self.flushed()
        return result or True

    async def _repaired(self, call: Any) -> Any:
        try:
            return await self.accepted(call)
        except SourceFailedError:
            if not self.repair:
                raise
        await self._repair()
        return await self.accepted(call)

    async def accepted(self, call: Any, *args: Any) -> Any:
        """Call what has no reason to be refused by the library."""
        self.touched |= self.model.changed()
        try:
            return await self.world.call(call, *args)
        except HoldfastError as error:
            if self.swept and isinstance(error, NotFoundError):
                raise
            raise BrokenPromiseError([("refused", repr(error))]) from error

    def flushed(self) -> None:
        """Note that a flush succeeded."""
        for label in self.model.doomed:
            self.instances.pop(label, None)
        self.given.clear()
        self.model.flush()

    async def roll_back(self) -> None:
        """Roll back to the last savepoint; without one the transaction is over."""
        if not self.savepoints:
            self.over = True
            return
        await self.world.call(self.savepoints.pop().rollback)
        self._release(self.model.rollback)
        self.altered |= self.model.view.keys()
        if self.broken is not None and self.broken > self.model.depth:
            self.broken = None

    def _release(self, end: Any) -> None:
        """Note which rows a rollback makes transient."""
        before = self.model.view
        self.given.clear()
        end()
        for label in before.keys() & self.instances.keys() - self.model.view.keys():
            instance = self.instances.pop(label)
            if inspect(instance).transient:
                self.released[label] = instance, before[label]
            elif inspect(instance).persistent:
                # A statement inserted it, or SQLAlchemy takes a COMMIT for one that the database refused.
                self.world.session.expunge(instance)

    async def _repair(self) -> None:
        """Replace contents that fail."""
        for label, row in list(self.model.view.items()):
            for column, value in row.files.items():
                if any(piece.fails for piece in pieces_of(value)):
                    instance = await self.find(label)
                    good: Any = do.Content()
                    new, paper = self.make_value((good,) * len(value) if column == "pages" else good, column)
                    setattr(instance, column, new)
                    self.model.put(label, column, paper)

    async def _end(self, ending: do.Ending) -> None:
        session, committed, unknown = self.world.session, False, False
        if ending in {do.Ending.COMMIT, do.Ending.KILL} and not self.over:
            self.killed |= ending is do.Ending.KILL
            with dying() if ending is do.Ending.KILL else nullcontext():
                committed, unknown = await self._commit()
        if ending is do.Ending.RAISE:
            with suppress(LeavingError):
                await self.world.leave()
        elif ending is not do.Ending.CLOSE and not committed:
            await self.world.call(session.rollback)
        if ending in {do.Ending.CLOSE, do.Ending.KILL}:
            await self.world.call(session.close)
        if ending in {do.Ending.CLOSE, do.Ending.KILL, do.Ending.RAISE}:
            self.instances.clear()  # all are detached
        if self.savepoints and not committed:
            self.altered |= self.model.view.keys()  # some are expired by the rollback of their savepoint
        self._release(lambda: self.model.end(committed=committed and self.broken is None))
        if unknown or self.killed:
            self.released.clear()
        gone = self.altered | self.borrowed
        self.released = {label: held for label, held in self.released.items() if label not in gone}
        left = Left.ANYTHING if unknown else Left.NEW if self.killed else Left.NOTHING
        self.borrowed, self.altered, self.savepoints, self.broken, self.over = set(), set(), [], None, False
        self.touched, self.killed, self.swept = set(), False, False
        self.bench.check(self.model.committed, left)

    async def _commit(self) -> tuple[bool, bool]:
        """Commit; return whether it succeeded, and whether the outcome is unknown."""
        try:
            await self._repaired(self.world.session.commit)
        except (SourceFailedError, NotFoundError):  # a file was swept
            return False, False
        except DBAPIError:
            if self.broken is None and not self.model.labels("pledge"):
                raise
            return False, self.broken is None
        self.flushed()
        return True, False

    # --- rows

    async def find(self, label: int, *, stale: bool = False) -> Any:
        """Return a row's object; what it holds may be stale, if that does not matter."""
        row = self.model.view[label]
        if label not in self.instances:
            kind = CLASSES[row.kind]
            query = select(Document if issubclass(kind, Document) else kind).filter_by(label=label)
            self.instances[label] = await self.world.call(self.world.session.scalar, query)
        instance = self.instances[label]
        if label in self.stale and not stale:
            self.stale.discard(label)
            unchanged = [column for column in row.files if column not in inspect(instance).committed_state]
            if unchanged:
                self.world.session.expire(instance, unchanged)
        return instance

    def forget_rows(self, labels: Iterable[int], identities: Iterable[int]) -> None:
        """Forget rows that were deleted behind the session's back."""
        self.altered |= set(labels)
        for label in labels:
            self.instances.pop(label, None)
        gone = set(identities)
        for instance in list(self.world.session):
            identity = inspect(instance).identity
            if isinstance(instance, Document) and identity and identity[0] in gone:
                self.world.session.expunge(instance)
