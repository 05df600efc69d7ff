"""Runs transactions in a world, and the same on paper."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from holdfast import FileObject
from holdfast.errors import HoldfastError
from tests.orm.model import operations as do
from tests.orm.model.bench import Bench, BrokenPromiseError
from tests.orm.model.model import Model, Piece, Row, pieces_of
from tests.orm.model.schema import CLASSES, DEFAULT_STORAGE, Document
from tests.orm.model.worlds import LeavingError, World


class SourceFailedError(Exception):
    """Raised by a content that fails while it is read."""


class FailingFile(io.BytesIO):
    """A file that fails halfway, each time it is read."""

    def read(self, size: int | None = -1) -> bytes:
        """Return a few bytes, then raise."""
        if self.tell():
            raise SourceFailedError
        return super().read(5)


class Run:
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
    """

    def __init__(self, world: World, bench: Bench, steps: Mapping[type, Any]) -> None:
        self.world, self.bench, self._steps, self.model = world, bench, steps, Model()
        self.instances: dict[int, Any] = {}
        self.released: dict[int, tuple[Any, Row]] = {}
        self.altered: set[int] = set()
        self.borrowed: set[int] = set()
        self.given: list[FileObject] = []
        self.savepoints: list[Any] = []
        self.broken: int | None = None
        self.over = False
        self.repair = False
        self._numbers = iter(range(1, 10**9))

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
            if not self.over and (self.broken is None or isinstance(operation, do.RollBack)):
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
            return await self._accepted(call)
        except SourceFailedError:
            if not self.repair:
                raise
        await self._repair()
        return await self._accepted(call)

    async def _accepted(self, call: Any) -> Any:
        """Call what has no reason to be refused by the library."""
        try:
            return await self.world.call(call)
        except HoldfastError as error:
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
        for label in before.keys() - self.model.view.keys():
            if label in self.instances:
                self.released[label] = self.instances.pop(label), before[label]

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
        if ending is do.Ending.COMMIT and not self.over:
            committed, unknown = await self._commit()
        if ending is do.Ending.CLOSE:
            await self.world.call(session.close)
        elif ending is do.Ending.RAISE:
            with suppress(LeavingError):
                await self.world.leave()
        elif not committed:
            await self.world.call(session.rollback)
        if ending in {do.Ending.CLOSE, do.Ending.RAISE}:
            self.instances.clear()  # all are detached
        if self.savepoints and not committed:
            self.altered |= self.model.view.keys()  # some are expired by the rollback of their savepoint
        self._release(lambda: self.model.end(committed=committed and self.broken is None))
        gone = self.released.keys() if unknown else self.altered | self.borrowed
        self.released = {label: held for label, held in self.released.items() if label not in gone}
        self.borrowed, self.altered, self.savepoints, self.broken, self.over = set(), set(), [], None, False
        self.bench.check(self.model.committed, unknown=unknown)

    async def _commit(self) -> tuple[bool, bool]:
        """Commit; return whether it succeeded, and whether the outcome is unknown."""
        try:
            await self._repaired(self.world.session.commit)
        except SourceFailedError:
            return False, False
        except DBAPIError:
            if self.broken is None and not self.model.labels("pledge"):
                raise
            return False, self.broken is None
        self.flushed()
        return True, False

    # --- rows and files

    async def find(self, label: int) -> Any:
        """Return a row's object."""
        if label not in self.instances:
            kind = CLASSES[self.model.view[label].kind]
            query = select(Document if issubclass(kind, Document) else kind).filter_by(label=label)
            self.instances[label] = await self.world.call(self.world.session.scalar, query)
        return self.instances[label]

    def label(self) -> int:
        """Return a label that no row has."""
        return next(self._numbers)

    def make_value(self, content: Any, column: str) -> tuple[Any, Any]:
        """Return the value of a column, really and on paper: a file, or a list of files."""
        if not isinstance(content, tuple):
            return self.make(content, column)
        made = [self.make(each, column) for each in content]
        return [file for file, _ in made], tuple(piece for _, piece in made)

    def make(self, content: do.Content, column: str) -> tuple[FileObject, Piece]:
        """Return a new file, really and on paper."""
        source, piece = self.make_source(content)
        key = f"named/{self.label()}.txt" if content.named else None
        file = FileObject(backend=content.storage, filename="file.txt", to_filename=key, content=source)
        return file, replace(piece, storage=content.storage or DEFAULT_STORAGE[column])

    def make_source(self, content: do.Content) -> tuple[Any, Piece]:
        """Return content that nobody had before, really and on paper."""
        data = b"content %d" % self.label()
        piece = Piece(data, "", once=content.kind == "once", fails=content.kind == "failing", named=content.named)
        sources = {
            "bytes": lambda: data,
            "file": lambda: io.BytesIO(data),
            "once": lambda: self.world.once([data[:5], data[5:]]),
            "failing": lambda: FailingFile(data),
        }
        return sources[content.kind](), piece
