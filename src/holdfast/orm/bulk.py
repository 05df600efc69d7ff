"""Bulk statements of the ORM: ``session.execute(update(…))``, ``insert``, ``delete``, ``Query.update``, upserts.

They send SQL for rows that the session does not know. So the rows that may be affected are selected and locked first,
content is uploaded, the statement is executed, and the rows are selected again: what they hold less is dropped, what
they hold more is taken. Nothing is guessed from the statement's own conditions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, false, literal
from sqlalchemy.sql.elements import ClauseElement

from holdfast.errors import ColumnValueError
from holdfast.orm import affected, planning, rows, session_ledger
from holdfast.orm.attachment import coerced
from holdfast.orm.ledger import Change
from holdfast.orm.statements import ValuedStatement
from holdfast.orm.tracking import columns_of
from holdfast.orm.watching import watch
from holdfast.saving import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Result
    from sqlalchemy.orm import Mapper, ORMExecuteState, Session

    from holdfast.file import FileObject
    from holdfast.orm.affected import Held
    from holdfast.orm.attachment import FileColumn
    from holdfast.orm.ledger import Owner
    from holdfast.saving import Ref

_MOST_COPIES = 1000
"""Rows that one UPDATE may give files to: each gets a file of its own."""


@dataclass(slots=True, eq=False)
class RowEdit:
    """A new value of one file column of one row, as `planning.Edit` describes it."""

    column: FileColumn
    value: Any
    old: frozenset[Ref] = frozenset()
    is_fixed: bool = False
    taken: list[Ref] = field(default_factory=list)

    @property
    def files(self) -> list[FileObject]:
        """The files of the new value."""
        return rows.files_of(self.value)

    def place(self) -> Place:
        """Return what a key scheme may use: not the row."""
        return Place(None, self.column.column.table.name, self.column.key, self.column.type.key_scheme)

    def exchange(self, current: FileObject, other: FileObject) -> None:
        """Put another file in the place of one."""
        if self.is_fixed:
            message = f"{self.column.column} has a file of another row in the SET of an upsert: write excluded there"
            raise ColumnValueError(message)
        if isinstance(self.value, list):
            index = next(index for index, file in enumerate(self.value) if file is current)
            self.value = [*self.value[:index], other, *self.value[index + 1 :]]
        else:
            self.value = other


def execute(execution: ORMExecuteState) -> Result[Any] | None:
    """Execute a bulk statement on rows with files; None leaves any other to SQLAlchemy."""
    mapper = execution.bind_mapper
    if mapper is None or not execution.is_orm_statement:
        return None
    mapper.registry.configure(cascade=True)  # it may be the first that the process does with its models
    if not columns_of(mapper):
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

    def delete(self) -> Result[Any] | None:
        """Delete rows, and note what they held."""
        columns = self._own_columns()
        if not columns:
            return None
        where = self._execution.statement.whereclause  # type: ignore[attr-defined]
        connection = self._begin()
        before = affected.select_where(connection, self._mapper, columns, where, self._parameters())
        result = self._execution.invoke_statement()
        after = affected.select_where(connection, self._mapper, columns, where, self._parameters())
        self._note(before, after)
        return result

    def update(self) -> Result[Any] | None:
        """Update rows, each with files of its own, and note what they held and hold."""
        whole = ValuedStatement(self._execution, self._mapper, columns_of(self._mapper))
        values = whole.files()
        columns = list(dict.fromkeys(column for row in values for column in row))
        if not columns:
            return None
        if whole.sets_primary_key() and not whole.is_many:
            message = f"primary key and files of {self._mapper.class_.__name__} cannot be set in one statement: use two"
            raise ColumnValueError(message)
        connection = self._begin()
        if whole.is_many:
            identities = [self._identity(row) for row in whole.rows()]
            before = affected.load(connection, self._mapper, columns, identities)
            edits = [
                self._edits(row, before.get(identity, {})) for row, identity in zip(values, identities, strict=True)
            ]
        else:
            where = self._execution.statement.whereclause  # type: ignore[attr-defined]
            before = affected.select_where(connection, self._mapper, columns, where, self._parameters())
            edits = [self._edits(values[0], held) for held in before.values()]
            if len(edits) > _MOST_COPIES and any(edit.files for row in edits for edit in row):
                message = f"one UPDATE would give files to {len(edits)} rows: {_MOST_COPIES} at most, so use several"
                raise ColumnValueError(message)
        self._carry_out([edit for row in edits for edit in row], before.values())
        result = self._invoke(whole, edits, before)
        self._note(before, affected.load(connection, self._mapper, columns, list(before), lock=False))
        return result

    def insert(self) -> Result[Any] | None:
        """Insert rows with their files; those that are skipped or replaced by an upsert give theirs up."""
        columns = columns_of(self._mapper)
        whole = ValuedStatement(self._execution, self._mapper, columns)
        values = whole.files()
        if not any(values) and not whole.may_skip_or_replace:
            return None
        connection = self._begin()
        edits = [self._edits(row, {}) for row in values]
        fixed = self._conflict_edits(whole, edits)
        before = {}
        if whole.may_skip_or_replace:
            before = affected.select_conflicting(connection, self._mapper, columns, whole.rows())
        self._carry_out([*(edit for row in edits for edit in row), *fixed], before.values())
        replaced = [{edit.column: edit.value for edit in row} for row in edits]
        statement, parameters = whole.with_files(replaced)
        result = self._invoked(statement, parameters, [edit for row in edits for edit in row])
        if whole.may_skip_or_replace:
            after = affected.select_conflicting(connection, self._mapper, columns, whole.rows(), lock=False)
            self._note(before, after | affected.load(connection, self._mapper, columns, list(before), lock=False))
            findable = affected.findable(self._mapper, whole.rows())
        else:
            findable = [False] * len(edits)
        for row, row_values, is_found in zip(edits, whole.rows(), findable, strict=True):
            if not is_found:
                self._take(row, row_values)
        return result

    # --- the steps

    def _begin(self) -> Connection:
        """Send what is pending, as SQLAlchemy is about to, and watch the connection."""
        if self._session.autoflush:
            self._session.flush()
        session_ledger.open_ledger(self._session)
        connection = self._session.connection(bind_arguments=self._execution.bind_arguments)
        watch(connection, self._session)
        return connection

    def _own_columns(self) -> list[FileColumn]:
        """Return the file columns of the one table that a statement with a WHERE changes."""
        return [column for column in columns_of(self._mapper) if column.column.table is self._mapper.local_table]

    def _parameters(self) -> Any:
        parameters = self._execution.parameters
        return parameters if isinstance(parameters, dict) else {}

    def _edits(self, values: dict[FileColumn, Any], held: Held) -> list[RowEdit]:
        return [
            RowEdit(column, coerced(column, self._mapper, value), held.get(column, frozenset()))
            for column, value in values.items()
        ]

    def _conflict_edits(self, whole: ValuedStatement, edits: list[list[RowEdit]]) -> list[RowEdit]:
        """Return the files in an upsert's SET that are not those of the row anyway."""
        own = [file for row in edits for edit in row for file in edit.files if len(edits) == 1]
        found = [RowEdit(column, value, is_fixed=True) for column, value in whole.conflict_files()]
        return [edit for edit in found if not all(any(file is each for each in own) for file in edit.files)]

    def _carry_out(self, edits: Sequence[RowEdit], before: Iterable[Held]) -> None:
        old = {ref for held in before for refs in held.values() for ref in refs}

        def droppable() -> set[Ref]:
            # What the statement's rows hold is no use here: a row may be left as it is.
            return session_ledger.open_ledger(self._session).let_go() - old

        planning.carry_out(self._session, edits, droppable)

    def _invoke(self, whole: ValuedStatement, edits: list[list[RowEdit]], before: dict[Any, Held]) -> Result[Any]:
        """Execute an UPDATE with the files as they are now."""
        flat = [edit for row in edits for edit in row]
        if whole.is_many:
            statement, parameters = whole.with_files([{edit.column: edit.value for edit in row} for row in edits])
            return self._invoked(statement, parameters, flat)
        if not any(isinstance(edit.value, ClauseElement) or edit.files for edit in flat) and edits:
            return self._invoked(None, None, flat)  # nothing but None
        first = {edit.column: edit.value for edit in edits[0]} if edits else dict.fromkeys(whole.files()[0])
        if len(edits) > 1:
            first = {column: self._by_row(column, edits, before) for column in first}
        statement, parameters = whole.with_files([first])
        # Rows that came since are left as they are: they would share the files.
        statement = statement.where(affected.are(self._mapper, list(before)) if edits else false())
        return self._invoked(statement, parameters, flat)

    def _by_row(self, column: FileColumn, edits: list[list[RowEdit]], before: dict[Any, Held]) -> Any:
        values = [edit.value for row in edits for edit in row if edit.column is column]
        if isinstance(values[0], ClauseElement):
            return values[0]
        whens = [
            (affected.are(self._mapper, [identity]), literal(value, column.column.type))
            for identity, value in zip(before, values, strict=True)
        ]
        return case(*whens)

    def _invoked(self, statement: Any, parameters: Any, edits: Sequence[RowEdit]) -> Result[Any]:
        try:
            return self._execution.invoke_statement(statement, parameters)
        except BaseException:
            # Some of several rows may be in the database all the same (SQLite): they are searched before anything goes.
            frame = session_ledger.frame(self._session)
            frame.asked += [(ref, self._owner(None)) for edit in edits for ref in edit.taken]
            raise

    def _note(self, before: dict[Any, Held], after: dict[Any, Held]) -> None:
        """Note what rows took and dropped, by what they held before and hold now."""
        changes = session_ledger.frame(self._session).changes
        for identity in {**before, **after}:
            old = {ref for refs in before.get(identity, {}).values() for ref in refs}
            new = {ref for refs in after.get(identity, {}).values() for ref in refs}
            owner = self._owner(identity)
            changes += [Change(-1, ref, owner) for ref in old - new]
            changes += [Change(+1, ref, owner) for ref in new - old]

    def _take(self, edits: list[RowEdit], values: dict[Any, Any]) -> None:
        """Note what an inserted row took."""
        identity = self._identity(values)
        is_known = all(isinstance(value, (int, str, bytes)) or hasattr(value, "hex") for value in identity)
        owner = self._owner(identity if is_known else None)
        changes = session_ledger.frame(self._session).changes
        changes += [Change(+1, ref, owner) for edit in edits for ref in edit.taken]
        for edit in edits:
            for file in edit.files:
                file._owned = True

    def _identity(self, values: dict[Any, Any]) -> tuple[Any, ...]:
        """Return the primary key in some values; in joined inheritance each table has a column of its own for it."""
        properties: list[Any] = [self._mapper.get_property_by_column(key) for key in self._mapper.primary_key]
        return tuple(next((values[each] for each in key.columns if each in values), None) for key in properties)

    def _owner(self, identity: tuple[Any, ...] | None) -> Owner:
        return session_ledger.owner(self._session, self._mapper, identity)
