"""Rules of bulk statements, the outbox and the last look, switched off one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import literal

from holdfast.orm import affected, boxing, bulk, drain, flush, last_look, planning, rows
from holdfast.orm.ledger import Ledger
from tests.orm.model.mutants import MUTANTS, mutant, nothing, patched

__all__ = ["MUTANTS"]

Bulk = bulk._Bulk


@mutant
def rows_of_statements_are_not_read_again() -> AbstractContextManager[None]:
    """What rows held before a statement counts as dropped, and what they hold after it as nothing."""
    note = Bulk._note
    return patched(Bulk, "_note", lambda self, before, _: note(self, before, {}))


@mutant
def rows_of_statements_are_not_read_before() -> AbstractContextManager[None]:
    """What rows held before a statement is taken for nothing."""
    note = Bulk._note
    return patched(Bulk, "_note", lambda self, _, after: note(self, {}, after))


@mutant
def statements_copy_no_files() -> AbstractContextManager[None]:
    """A file of another row goes into a bulk statement as it is."""

    def carry_out(self: Any, edits: Any, before: Any) -> None:
        held = {ref for row in before for refs in row.values() for ref in refs}
        everything = {ref for edit in edits for file in edit.files for ref in rows.refs_of(file)} | held
        planning.carry_out(self._session, edits, lambda: everything)

    return patched(Bulk, "_carry_out", carry_out)


@mutant
def rows_of_a_statement_share_a_file() -> AbstractContextManager[None]:
    """An UPDATE of several rows gives all of them the file of the first."""

    def first(_: Any, column: Any, edits: Any, __: Any) -> Any:
        value = next(edit.value for row in edits for edit in row if edit.column is column)
        return literal(value, column.column.type)

    return patched(Bulk, "_by_row", first)


@mutant
def primary_keys_of_joined_tables_are_unknown() -> AbstractContextManager[None]:
    """A primary key is only found under the name of the base table's column."""

    def identity(mapper: Any, values: Any) -> Any:
        return tuple(values.get(key) for key in mapper.primary_key)

    return patched(affected, "identity", identity)


@mutant
def failed_statement_is_not_asked_for() -> AbstractContextManager[None]:
    """A statement that fails is taken for one that did nothing."""

    def invoked(self: Any, statement: Any, parameters: Any, _: Any) -> Any:
        return self._execution.invoke_statement(statement, parameters)

    return patched(Bulk, "_invoked", invoked)


@mutant
def failed_statement_holds_nothing() -> AbstractContextManager[None]:
    """What a failed statement wrote may move to any row, though one may hold it."""
    let_go = Ledger.let_go

    def all_let_go(self: Ledger) -> Any:
        return let_go(self) | {ref for frame in self.frames() for ref in frame.uncertain}

    return patched(Ledger, "let_go", all_let_go)


@mutant
def failed_statement_leaves_its_files_free() -> AbstractContextManager[None]:
    """The files of a failed statement may be given to a row as they are, though one may hold them."""
    invoked = Bulk._invoked

    def invoked_and_freed(self: Any, statement: Any, parameters: Any, edits: Any) -> Any:
        try:
            return invoked(self, statement, parameters, edits)
        except Exception:
            for edit in edits:
                for file in edit.files:
                    file._owned = False
            raise

    return patched(Bulk, "_invoked", invoked_and_freed)


@mutant
def deleted_rows_are_not_found() -> AbstractContextManager[None]:
    """The rows that a DELETE is about to find are taken for none."""
    return patched(affected, "select_where", lambda *_, **__: {})


@mutant
def outbox_is_told_after_the_commit() -> AbstractContextManager[None]:
    """Entries come when the transaction is committed already: too late for a process that dies there."""
    return patched(boxing, "write", nothing)


@mutant
def drain_does_not_ask_the_rows() -> AbstractContextManager[None]:
    """What was dropped is deleted, whoever holds it now."""
    return patched(drain, "_held", lambda *_: set())


@mutant
def drain_forgets_the_takes() -> AbstractContextManager[None]:
    """Only the rows that dropped a file are asked whether they hold it."""
    entries = drain._entries

    def drops(*args: Any) -> Any:
        return [entry for entry in entries(*args) if entry.kind == "drop"]

    return patched(drain, "_entries", drops)


@mutant
def takes_are_not_written() -> AbstractContextManager[None]:
    """The outbox does not hear which row takes up a file."""
    return patched(Ledger, "adopted", lambda _: iter(()))


@mutant
def memory_is_believed() -> AbstractContextManager[None]:
    """What the session remembers of a row counts as what the row holds."""
    edits = flush._edits

    def believed(session: Any) -> Iterator[Any]:
        for edit in edits(session):
            edit.old = rows.refs_of(edit.state.committed_state.get(edit.column.key))
            yield edit

    return patched(flush, "_edits", believed)


@mutant
def last_look_is_left_out() -> AbstractContextManager[None]:
    """Rows are committed though a sweep took their files."""
    return patched(last_look, "check", nothing)
