"""What a flush does to files: upload what is pending, copy what has an owner, note what is taken and dropped.

Every key has one owner. A stored file that is given to a second row is copied, unless the same transaction drops it
from its old place: then it moves.

The work is done before the flush, for all rows at once. Each row is looked at again when its SQL is about to be sent,
since listeners that came later may have changed it. What rows took and dropped is noted when the flush has succeeded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm.attributes import flag_modified, set_attribute

from holdfast.orm import boxing, planning, rows, session_ledger
from holdfast.orm.attachment import FileColumn, RowAttachment
from holdfast.orm.filelist import FileList
from holdfast.orm.ledger import Change
from holdfast.orm.tracking import columns_of, inspect_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection
    from sqlalchemy.orm import InstanceState, Session

    from holdfast.file import FileObject
    from holdfast.saving import Place, Ref


@dataclass(slots=True, eq=False)
class Edit:
    """A file column whose value changes.

    Attributes:
        state: The row's state.
        column: The file column.
        value: Its new value.
        old: What the database holds, locked.
        taken: References that the row takes.
        is_sent: Whether the row's SQL was about to be sent.
        attachment: The place of the files.
    """

    state: InstanceState[Any]
    column: FileColumn
    value: Any
    old: frozenset[Ref]
    taken: list[Ref] = field(default_factory=list)
    is_sent: bool = False
    attachment: RowAttachment = field(init=False)

    def __post_init__(self) -> None:
        self.attachment = RowAttachment(self.state, self.column)

    @property
    def files(self) -> list[FileObject]:
        """The files of the new value."""
        return rows.files_of(self.value)

    @property
    def dropped(self) -> frozenset[Ref]:
        """What the row lets go of."""
        return self.old and self.old - rows.refs_of(self.value)

    def place(self) -> Place:
        """Return what a key scheme may use."""
        return self.attachment.place()

    def exchange(self, current: FileObject, other: FileObject) -> None:
        """Put another file in the place of one; nothing where that was expired meanwhile."""
        value = self.state.dict.get(self.column.key)
        if isinstance(value, FileList):
            for index in [index for index, file in enumerate(value) if file is current][:1]:
                value[index] = other
        elif value is current:
            set_attribute(self.state.obj(), self.column.key, other)
            self.value = other

    def covers(self, value: Any) -> bool:
        """Return whether this is still the value of the row."""
        files = rows.files_of(value)
        return (
            len(files) == len(self.files)
            and all(file is planned for file, planned in zip(files, self.files, strict=True))
            and not any(file.has_pending_data for file in files)
        )


def before(session: Session) -> None:
    """Do all that new and changed rows need before the flush, or raise."""
    ledger = session_ledger.current(session)
    if ledger is not None:
        ledger.edits.clear()  # of a flush that was given up
    _carry_out(session, list(_edits(session)))


def before_row(connection: Connection, state: InstanceState[Any]) -> None:
    """Look at a row again whose INSERT or UPDATE is about to be sent, and do what is not done yet."""
    session = state.session
    if session is None:
        return
    for column in columns_of(state.mapper):
        ledger = session_ledger.current(session)
        planned: Edit | None = ledger.edits.get((state, column.key)) if ledger is not None else None
        if not _is_changed(state, column):
            if planned is not None and ledger is not None:
                del ledger.edits[state, column.key]
            continue
        value = state.dict.get(column.key)
        if planned is None or not planned.covers(value):
            planned = Edit(state, column, value, _held(connection, state, column))
            _carry_out(session, [planned])
        planned.is_sent = True


def before_deletion(connection: Connection, state: InstanceState[Any]) -> None:
    """Note what a row drops whose DELETE is about to be sent."""
    session = state.session
    if session is None or state.key is None:
        return
    ledger = session_ledger.open_ledger(session)
    columns = columns_of(state.mapper)
    found = rows.load(connection, state.mapper, columns, [state.key[1]], lock=True).get(state.key[1], {})
    for column in columns:
        edit = Edit(state, column, None, found.get(column, frozenset()), is_sent=True)
        ledger.edits[state, column.key] = edit


def after(session: Session) -> None:
    """Note what the rows took and dropped whose SQL was sent."""
    ledger = session_ledger.current(session)
    if ledger is None:
        return
    frame = session_ledger.frame(session)
    for edit in ledger.edits.values():
        if edit.is_sent:
            owner = edit.attachment.owner(session)
            frame.changes += [Change(-1, ref, owner) for ref in edit.dropped]
            frame.changes += [Change(+1, ref, owner) for ref in edit.taken]
            for file in edit.files:
                file._owned, file._attachment = True, edit.attachment
    ledger.edits.clear()
    if ledger.is_ending:
        boxing.write(session, ledger)


def _carry_out(session: Session, edits: list[Edit]) -> None:
    if edits:
        planning.carry_out(session, edits, lambda: _droppable(session, edits))
        session_ledger.open_ledger(session).edits |= {(edit.state, edit.column.key): edit for edit in edits}


def _edits(session: Session) -> Iterator[Edit]:
    """Find changed file columns, and SELECT what their rows hold."""
    changed: dict[tuple[Any, FileColumn], list[InstanceState[Any]]] = {}
    for instance in session.new:
        state = inspect_state(instance)
        for column in columns_of(state.mapper):
            if _is_changed(state, column):
                switched = _switched_with(session, state)
                if switched is not None:
                    old = _held(session.connection(bind_arguments={"mapper": state.mapper}), switched, column)
                    yield Edit(state, column, state.dict.get(column.key), old)
                else:
                    yield Edit(state, column, state.dict.get(column.key), frozenset())
    for instance in session.dirty:
        state = inspect_state(instance)
        for column in columns_of(state.mapper):
            _notice_return(state, column)
            if _is_changed(state, column):
                changed.setdefault((state.mapper, column), []).append(state)
    for (mapper, column), states in changed.items():
        connection = session.connection(bind_arguments={"mapper": mapper})
        held = rows.load(connection, mapper, [column], [state.key[1] for state in states if state.key], lock=True)
        for state in states:
            old = rows.all_refs(held.get(state.key[1])) if state.key else frozenset()
            yield Edit(state, column, state.dict.get(column.key), old)


def _is_changed(state: InstanceState[Any], column: FileColumn) -> bool:
    if state.key is None:
        if state.dict.get(column.key) is not None:
            return True
        # None is no change of a new row, unless its INSERT becomes the UPDATE of a deleted one.
        session = state.session
        return column.key in state.dict and session is not None and _switched_with(session, state) is not None
    return column.key in state.committed_state and bool(state.attrs[column.key].history.has_changes())


def _notice_return(state: InstanceState[Any], column: FileColumn) -> None:
    """Mark a column as changed that has its old file again: nobody told the row what was done to it in between."""
    value = state.dict.get(column.key)
    if value is not None and state.committed_state.get(column.key) is value:
        flag_modified(state.obj(), column.key)


def _held(connection: Connection, state: InstanceState[Any], column: FileColumn) -> frozenset[Ref]:
    """Return what the row of a state holds in the database; a new row holds nothing."""
    if state.key is None:
        switched = _switched_with(state.session, state) if state.session is not None else None
        return _held(connection, switched, column) if switched is not None else frozenset()
    identity = state.key[1]
    return rows.all_refs(rows.load(connection, state.mapper, [column], [identity], lock=True).get(identity))


def _switched_with(session: Session, state: InstanceState[Any]) -> InstanceState[Any] | None:
    """Return the deleted row whose primary key a new one has: its DELETE and INSERT become an UPDATE."""
    if not session._deleted:  # `deleted` makes a set of its own
        return None
    deleted = session.identity_map.get(state.mapper.identity_key_from_instance(state.obj()))
    return inspect_state(deleted) if deleted is not None and deleted in session.deleted else None


def _droppable(session: Session, edits: list[Edit]) -> set[Ref]:
    """Return the references that no row holds once the transaction is committed, so that another may take them."""
    dropped = {ref for edit in edits for ref in edit.dropped} | session_ledger.open_ledger(session).let_go()
    switched = {_switched_with(session, inspect_state(instance)) for instance in session.new}
    for instance in session.deleted:
        state = inspect_state(instance)
        if state not in switched:  # such a row is updated, and keeps what the new one does not set
            connection = session.connection(bind_arguments={"mapper": state.mapper})
            for column in columns_of(state.mapper):
                dropped |= _held(connection, state, column)
    return dropped
