"""Rules switched off, one at a time: the bench must notice each.

A mutant is made before the processes are forked, which then all have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from holdfast.drivers.local import LocalDriver
from holdfast.drivers.protocol import Put
from holdfast.object_settings import NO_SETTINGS, ObjectSettings
from holdfast.orm import drain
from tests.crash import process
from tests.orm.model.mutants import dropped_is_deleted_at_once, patched

Mutant = Callable[[], AbstractContextManager[None]]


class LateDisk:
    """Content that waits in memory for the end of its transaction."""

    def __init__(self) -> None:
        self._waiting: dict[Path, bytes] = {}
        self._put_many, self._copy, self._delete = LocalDriver.put_many, LocalDriver.copy, LocalDriver.delete

    def put_many(self, driver: LocalDriver, puts: Sequence[Put]) -> list[Any]:
        """Answer as if all was written."""
        answers = self._put_many(driver, puts)
        for path in (driver.native / put.key for put in puts):
            self._waiting[path] = path.read_bytes()
            path.unlink()
        return answers

    def write(self, *paths: Path) -> None:
        """Write what waits."""
        for path in paths or list(self._waiting):
            if path in self._waiting:
                path.write_bytes(self._waiting.pop(path))

    def copy(self, driver: LocalDriver, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Copy, for which the source has to be written."""
        self.write(driver.native / source)
        self._copy(driver, source, target, settings)

    def delete(self, driver: LocalDriver, keys: Sequence[str]) -> None:
        """Delete, also what waits."""
        for key in keys:
            self._waiting.pop(driver.native / key, None)
        self._delete(driver, keys)


@contextmanager
def uploads_come_after_commit() -> Iterator[None]:
    """Content is written when the row is committed: a crash in between leaves a row without bytes."""
    disk = LateDisk()

    def write(_: Session, transaction: Any) -> None:
        if transaction.parent is None:
            disk.write()

    event.listen(Session, "after_transaction_end", write)
    with ExitStack() as stack:
        for name in ("put_many", "copy", "delete"):
            method = getattr(disk, name)
            stack.enter_context(patched(LocalDriver, name, lambda driver, *rest, method=method: method(driver, *rest)))
        yield
    event.remove(Session, "after_transaction_end", write)


@contextmanager
def entries_go_before_their_files() -> Iterator[None]:
    """A drain forgets what it is about to delete: a crash in between leaves files that no drain finds again."""
    work_off, remove = drain._work_off, drain.remove
    later: list[Any] = []

    def forget(dead: Any) -> set[Any]:
        later.append(dead)
        return set()

    def work_off_and_remove(*arguments: Any) -> Any:
        answer = work_off(*arguments)
        while later:
            remove(later.pop())
        return answer

    with patched(drain, "remove", forget), patched(drain, "_work_off", work_off_and_remove):
        yield


def unfinished_uploads_stay() -> AbstractContextManager[None]:
    """A sweep leaves what uploads left that were cut off."""
    return patched(LocalDriver, "clear_partial_uploads", lambda *_, **__: [])


def nothing_is_swept() -> AbstractContextManager[None]:
    """A sweep only looks."""
    sweep = process.sweep
    return patched(process, "sweep", lambda *arguments, **options: sweep(*arguments, **options | {"delete": False}))


MUTANTS: dict[str, Mutant] = {
    "none": nullcontext,
    "uploads_come_after_commit": uploads_come_after_commit,
    "files_go_before_commit": dropped_is_deleted_at_once,
    "entries_go_before_their_files": entries_go_before_their_files,
    "unfinished_uploads_stay": unfinished_uploads_stay,
    "nothing_is_swept": nothing_is_swept,
}
