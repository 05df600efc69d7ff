"""Bulk statements of the ORM: ``session.execute(update(…))``, ``insert``, ``delete``, ``Query.update``, upserts.

They send SQL for rows that the session does not know. So the rows that may be affected are selected and locked first,
content is uploaded, the statement is executed, and the rows are selected again: what they hold less is dropped, what
they hold more is taken. Nothing is guessed from the statement's own conditions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import case, false, literal

from holdfast.errors import ColumnValueError
from holdfast.orm import affected, boxing, planning, rows, session_ledger
from holdfast.orm.coercion import coerced
from holdfast.orm.ledger import Change
from holdfast.orm.row_edit import RowEdit, new_values
from holdfast.orm.statements import ValuedStatement
from holdfast.orm.tracking import table_columns
from holdfast.orm.watching import watch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Result
    from sqlalchemy.orm import Mapper, ORMExecuteState, Session

    from holdfast.orm.attachment import FileColumn
    from holdfast.orm.ledger import Owner
    from holdfast.orm.rows import Held
    from holdfast.saving import Ref

_MOST_COPIES = 500
"""Rows that one UPDATE may give files to: each gets a file of its own."""

_MOST_CONFINED = 500
"""Rows that a statement names by their keys, beside its own condition."""


def execute(execution: ORMExecuteState) -> Result[Any] | None:
    """Execute a bulk statement on rows with files; None leaves any other to SQLAlchemy."""
    mapper = execution.bind_mapper
    if mapper is None or not execution.is_orm_statement:
        return None
    mapper.registry.configure(cascade=True)  # it may be the first that the process does with its models
    if not table_columns(mapper):
        return None
    if execution.is_delete:
        return _Bulk(execution, mapper).delete()
    if execution.is_update:
        return _Bulk(execution, mapper).update()
    return _Bulk(execution, mapper).insert() if execution.is_insert else None


class _Bulk:
    """One bulk statement."""

    def __init__(self, execution: ORMExecuteState, mapper: Mapper[Any]) -> None:
        self._execution, self._mapper = execution, mapper
        self._session: Session = execution.session
        self._columns = table_columns(mapper)
        self._own = [column for column in self._columns if column.column.table is mapper.local_table]
        self._whole = ValuedStatement(execution, mapper, self._columns)
        self._connection: Connection

    def delete(self) -> Result[Any] | None:
        """Delete rows, and note what they held."""
        if not self._own:
            return None
        self._begin()
        before = self._matching(self._own)
        result = self._execution.invoke_statement(self._confined(before))
        self._note(before, self._load(before, self._own))
        return result

    def update(self) -> Result[Any] | None:
        """Update rows, each with files of its own, and note what they held and hold."""
        values = self._whole.files()
        columns = list(dict.fromkeys(column for row in values for column in row))
        if not columns:
            return None
        if self._whole.sets_primary_key() and not self._whole.is_many:
            message = f"primary key and files of {self._mapper.class_.__name__} cannot be set in one statement: use two"
            raise ColumnValueError(message)
        for row in values:
            self._whole.refuse_doubles(row)
        self._begin()
        if self._whole.is_many:  # a condition beside it can only leave rows as they are
            return self._update_by_key(values, columns)
        return self._update_where(values, columns)

    def insert(self) -> Result[Any] | None:
        """Insert rows with their files; those that are skipped or replaced by an upsert give theirs up."""
        values, rows_values = self._whole.files(), self._whole.rows()
        if not any(values) and not self._whole.may_skip_or_replace:
            return None
        self._begin()
        edits = [self._edits(row, {}) for row in values]
        fixed = self._conflict_edits(edits)
        before: dict[Any, Held] = {}
        if self._whole.may_skip_or_replace:
            for row_values in rows_values:
                before |= affected.select_conflicting(self._connection, self._mapper, self._own, row_values)
        self._carry_out([*(edit for row in edits for edit in row), *fixed], before.values())
        statement, parameters = self._whole.with_files([new_values(row) for row in edits])
        result = self._invoked(statement, parameters, [*(edit for row in edits for edit in row), *fixed])
        if not self._whole.may_skip_or_replace:
            for row, row_values in zip(edits, rows_values, strict=True):
                self._take(row, affected.identity(self._mapper, row_values))
            return result
        after = self._load(before, self._own)
        for row, row_values in zip(edits, rows_values, strict=True):
            there = affected.select_conflicting(self._connection, self._mapper, self._own, row_values)
            after |= there
            if not there:  # nobody can say which row it is, or whether there is one
                self._doubt(row)
        self._ask(fixed, None)
        self._note(before, after)
        return result

    # --- updates

    def _update_by_key(self, values: list[dict[FileColumn, Any]], columns: list[FileColumn]) -> Result[Any]:
        """Execute an UPDATE of which each set of parameters names its row."""
        identities = [affected.identity(self._mapper, row) for row in self._whole.rows()]
        known = [identity for identity in identities if identity is not None]
        before = self._load(known, columns)
        edits = [self._edits(row, before.get(key, {})) for row, key in zip(values, identities, strict=True)]
        self._carry_out([edit for row in edits for edit in row], before.values())
        for row, key in zip(edits, identities, strict=True):
            self._ask(row, key)
        statement, parameters = self._whole.with_files([new_values(row) for row in edits])
        result = self._invoked(statement, parameters, [edit for row in edits for edit in row])
        self._note(before, self._load(known, columns))
        return result

    def _update_where(self, values: list[dict[FileColumn, Any]], columns: list[FileColumn]) -> Result[Any]:
        """Execute an UPDATE with a condition, or of all rows."""
        before = self._matching(columns)
        group = [self._edits(values[0], held) for held in before.values()]
        edits = [edit for row in group for edit in row]
        brings_files = any(edit.files for edit in edits)
        if brings_files and len(before) > _MOST_COPIES:
            message = (
                f"files would go to {len(before)} rows of {self._mapper.class_.__name__}, and each needs its own: "
                f"{_MOST_COPIES} rows at most in one statement"
            )
            raise ColumnValueError(message)
        self._carry_out(edits, before.values())
        for row, key in zip(group, before, strict=True):
            self._ask(row, key)
        statement, parameters = self._whole.with_files([self._value_of(group, list(before), values[0])])
        statement = self._confined(before, statement, always=brings_files or not before)
        result = self._invoked(statement, parameters, edits)
        self._note(before, self._load(before, columns))
        return result

    def _value_of(
        self, group: list[list[RowEdit]], keys: list[tuple[Any, ...]], values: dict[FileColumn, Any]
    ) -> dict[FileColumn, Any]:
        """Return the values that the rows of one set of parameters get."""
        if not group:
            return dict.fromkeys(values)  # of no row: nothing was uploaded for it
        if len(group) == 1 or not any(edit.files for row in group for edit in row):
            return new_values(group[0])
        return {column: self._by_row(column, group, keys) for column in values}

    def _by_row(self, column: FileColumn, group: list[list[RowEdit]], keys: list[tuple[Any, ...]]) -> Any:
        values = [edit.value for row in group for edit in row if edit.column is column]
        if not any(rows.files_of(value) for value in values):
            return values[0]
        names, dialect = affected.key_columns(self._mapper), self._connection.dialect
        kind = column.column.type
        return case(
            *((rows.are(names, [key], dialect), literal(value, kind)) for key, value in zip(keys, values, strict=True))
        )

    # --- the steps

    def _begin(self) -> None:
        """Send what is pending, as SQLAlchemy is about to, and watch the connection."""
        wanted = self._session.autoflush and self._execution.execution_options.get("autoflush", True)
        if wanted and not self._session._flushing:  # a listener of a flush may execute statements, too
            self._session.flush()
        session_ledger.open_ledger(self._session)
        self._connection = self._session.connection(bind_arguments=self._execution.bind_arguments)
        watch(self._connection, self._session)

    def _matching(self, columns: Sequence[FileColumn]) -> dict[Any, Held]:
        """Return what the rows hold that the statement's condition is true for."""
        where = self._whole.statement.whereclause
        parameters = self._whole.parameters[0] if self._whole.parameters else {}
        return affected.select_where(self._connection, self._mapper, columns, where, parameters)

    def _load(self, identities: Iterable[tuple[Any, ...]], columns: Sequence[FileColumn]) -> dict[Any, Held]:
        """Return what rows hold now. Locked, so that a database with snapshots tells what is true."""
        return rows.load(self._connection, self._mapper, columns, list(identities), lock=True)

    def _confined(self, before: dict[Any, Held], statement: Any = None, *, always: bool = False) -> Any:
        """Return the statement for just the rows that were found, where there are not too many.

        Rows that came since would share files, or lose theirs without notice.
        """
        statement = self._whole.statement if statement is None else statement
        if not (always or len(before) <= _MOST_CONFINED):
            return statement
        inner = getattr(statement, "element", statement)
        keys, dialect = affected.key_columns(self._mapper), self._connection.dialect
        inner = inner.where(rows.are(keys, list(before), dialect) if before else false())
        return self._whole.wrapped(inner)

    def _edits(self, values: dict[FileColumn, Any], held: Held) -> list[RowEdit]:
        return [
            RowEdit(column, coerced(column, self._mapper, value), held.get(column, frozenset()))
            for column, value in values.items()
        ]

    def _conflict_edits(self, edits: list[list[RowEdit]]) -> list[RowEdit]:
        """Return the files in an upsert's SET that are not those of the row anyway."""
        own = [file for row in edits for edit in row for file in edit.files if len(edits) == 1]
        found = [
            RowEdit(column, coerced(column, self._mapper, value), is_fixed=True)
            for column, value in self._whole.conflict_files()
        ]
        fixed = [edit for edit in found if not all(any(file is each for each in own) for file in edit.files)]
        if fixed and len(edits) > 1:
            message = (
                f"one file in the SET of an upsert cannot go to {len(edits)} rows of {self._mapper.class_.__name__}: "
                "write excluded there, and a file into the values of each"
            )
            raise ColumnValueError(message)
        return fixed

    def _carry_out(self, edits: Sequence[RowEdit], before: Iterable[Held]) -> None:
        old = {ref for held in before for ref in rows.all_refs(held)}

        def droppable() -> set[Ref]:
            # What the statement's rows hold is no use here: a row may be left as it is.
            return session_ledger.open_ledger(self._session).let_go() - old

        planning.carry_out(self._session, edits, droppable)
        for edit in edits:
            for file in edit.files:
                file._owned = True

    def _invoked(self, statement: Any, parameters: Any, edits: Sequence[RowEdit]) -> Result[Any]:
        try:
            return self._execution.invoke_statement(statement, parameters)
        except BaseException:
            self._doubt(edits)  # some of several rows may be in the database all the same (SQLite)
            raise

    def _doubt(self, edits: Iterable[RowEdit]) -> None:
        """Have new files searched in the whole table before they are deleted or given to another row."""
        frame = session_ledger.frame(self._session)
        frame.uncertain |= {ref for edit in edits for ref in edit.taken}
        self._ask(edits, None)

    def _ask(self, edits: Iterable[RowEdit], identity: tuple[Any, ...] | None) -> None:
        """Have a row asked before its new files are deleted, whatever else is known of it."""
        taken = [ref for edit in edits for ref in edit.taken]
        owner = self._owner(identity)
        session_ledger.frame(self._session).asked += [(ref, owner) for ref in taken]

    def _note(self, before: dict[Any, Held], after: dict[Any, Held]) -> None:
        """Note what rows took and dropped, by what they held before and hold now."""
        changes = session_ledger.frame(self._session).changes
        for identity in {**before, **after}:
            old, new = rows.all_refs(before.get(identity)), rows.all_refs(after.get(identity))
            owner = self._owner(identity)
            changes += [Change(-1, ref, owner) for ref in old - new]
            changes += [Change(+1, ref, owner) for ref in new - old]
        self._tell_outbox()

    def _take(self, edits: list[RowEdit], identity: tuple[Any, ...] | None) -> None:
        """Note what an inserted row took."""
        owner = self._owner(identity)
        changes = session_ledger.frame(self._session).changes
        changes += [Change(+1, ref, owner) for edit in edits for ref in edit.taken]
        self._tell_outbox()

    def _tell_outbox(self) -> None:
        ledger = session_ledger.open_ledger(self._session)
        if ledger.is_ending:
            boxing.write(self._session, ledger)

    def _owner(self, identity: tuple[Any, ...] | None) -> Owner:
        return session_ledger.owner(self._session, self._mapper, identity)
