"""Rules of the unit of work, switched off one at a time: the model test must notice each.

A mutant that nothing notices is a rule without a test, or a rule that nobody needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from holdfast import FileObject, storages
from holdfast.orm import attachment, filelist, flush, ledger, planning, rows, session_ledger, settlement, unit_of_work
from holdfast.orm.work import Work
from holdfast.saving import Saving
from holdfast.tracked import TrackedDict

Mutant = Callable[[], AbstractContextManager[None]]

MUTANTS: dict[str, Mutant] = {}


def nothing(*_: Any) -> None:
    """Do nothing."""


@contextmanager
def patched(target: Any, name: str, value: Any) -> Iterator[None]:
    """Give an attribute another value for a while."""
    before = target.__dict__[name]
    setattr(target, name, value)
    try:
        yield
    finally:
        setattr(target, name, before)


def within(module: ModuleType, used: ModuleType, **changes: Any) -> AbstractContextManager[None]:
    """Change functions of a module, as one other module sees them."""
    return patched(module, used.__name__.rpartition(".")[2], SimpleNamespace(**{**vars(used), **changes}))


def mutant(make: Mutant) -> Mutant:
    """Register a mutant under its name."""
    MUTANTS[make.__name__] = make
    return make


@mutant
def old_value_is_not_looked_up() -> AbstractContextManager[None]:
    """What a changed row holds in the database is taken for nothing."""
    return within(flush, rows, load=lambda *_, **__: {})


@mutant
def flush_is_not_noted() -> AbstractContextManager[None]:
    """What rows took and dropped is forgotten after the flush."""
    return patched(flush, "after", nothing)


@mutant
def deleted_row_is_not_noted() -> AbstractContextManager[None]:
    """What a deleted row drops is not noted."""
    return patched(flush, "before_deletion", nothing)


@mutant
def row_switch_is_not_noticed() -> AbstractContextManager[None]:
    """DELETE and INSERT of one primary key become an UPDATE that nobody notices."""
    return patched(flush, "_switched_with", nothing)


@mutant
@contextmanager
def created_is_noted_after_the_upload() -> Iterator[None]:
    """Objects are noted when all uploads have succeeded, too late for those beside one that failed."""
    announce, run, run_async = Work.announce, Work.run, Work.run_async
    late: list[Any] = []

    def run_first(work: Work) -> None:
        run(work)
        announce(work, late.pop())

    async def run_first_async(work: Work) -> None:
        await run_async(work)
        announce(work, late.pop())

    with (
        patched(Work, "announce", lambda _, frame: late.append(frame)),
        patched(Work, "run", run_first),
        patched(Work, "run_async", run_first_async),
    ):
        yield


@mutant
def savepoint_rollback_discards_nothing() -> AbstractContextManager[None]:
    """What was written inside a savepoint stays when it is rolled back."""
    return patched(ledger.Frame, "roll_back", _rolled_back_without_discard)


def _rolled_back_without_discard(frame: Any) -> list[Any]:
    for call in reversed(frame.undo):
        call()
    return []


@mutant
def savepoint_release_is_not_merged() -> AbstractContextManager[None]:
    """What happened inside a released savepoint is forgotten."""
    return patched(ledger.Frame, "merge", nothing)


@mutant
def savepoint_rollback_counts_as_release() -> AbstractContextManager[None]:
    """What happened inside a savepoint counts, also after it was rolled back."""
    end_nested = ledger.Ledger.end_nested

    def release(self: Any, boundary: Any, parent: Any) -> None:
        self.frame(boundary).committed = True
        end_nested(self, boundary, parent)

    return patched(ledger.Ledger, "end_nested", release)


@mutant
@contextmanager
def database_is_not_probed() -> Iterator[None]:
    """A transaction that PostgreSQL has given up is committed."""

    def before_commit(session: Any) -> None:
        session.flush()

    event.remove(Session, "before_commit", unit_of_work.before_commit)
    event.listen(Session, "before_commit", before_commit)
    try:
        yield
    finally:
        event.remove(Session, "before_commit", before_commit)
        event.listen(Session, "before_commit", unit_of_work.before_commit)


@mutant
def dropped_is_deleted_at_once() -> AbstractContextManager[None]:
    """What a row drops is deleted in the flush, not after the commit."""
    after = flush.after

    def delete_and_note(session: Any) -> None:
        held = session_ledger.current(session)
        for edit in held.edits.values() if held is not None else ():
            for ref in edit.dropped:
                storages.get(ref.backend).delete(ref.path)
        after(session)

    return patched(flush, "after", delete_and_note)


@mutant
def rollback_counts_as_commit() -> AbstractContextManager[None]:
    """What was uploaded stays after a rollback."""
    return patched(ledger.Ledger, "settle", lambda self: (ledger.Outcome.COMMITTED, self._root.dead()))


@mutant
def owner_is_not_asked() -> AbstractContextManager[None]:
    """Files are deleted without a look at the row that may hold them still."""
    return patched(settlement, "_held", lambda *_: set())


@mutant
def second_owner_gets_no_copy() -> AbstractContextManager[None]:
    """Two rows share one key."""

    class Everything:
        def __contains__(self, _: object) -> bool:
            return True

    return patched(flush, "_droppable", lambda *_: Everything())


@mutant
def list_edits_are_not_tracked() -> AbstractContextManager[None]:
    """A list that is changed in place stays as it was in the row."""
    return patched(filelist.FileList, "_tell", nothing)


@mutant
def metadata_edits_are_not_tracked() -> AbstractContextManager[None]:
    """Metadata that are changed in place stay as they were in the row."""
    return patched(TrackedDict, "_tell", nothing)


@mutant
def files_do_not_know_their_row() -> AbstractContextManager[None]:
    """New content of a file stays unknown to its row."""
    return patched(attachment.RowAttachment, "changed", nothing)


@mutant
def save_by_hand_is_not_noted() -> AbstractContextManager[None]:
    """What `save` wrote stays after a rollback."""
    return patched(attachment.RowAttachment, "saved", nothing)


@mutant
def delete_by_hand_acts_at_once() -> AbstractContextManager[None]:
    """`delete` of a file in a row does not wait for the commit."""
    return patched(FileObject, "_queue_delete", lambda _: False)


@mutant
def rollback_leaves_files_stored() -> AbstractContextManager[None]:
    """Files that were rolled back do not become pending again."""
    return patched(Saving, "undo", nothing)


@mutant
def rollback_leaves_copies_in_place() -> AbstractContextManager[None]:
    """A row that was rolled back keeps the copy, which is gone, instead of the original."""
    return patched(planning, "partial", lambda *_: nothing)
