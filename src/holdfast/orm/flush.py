"""What a flush does to files: upload what is pending, copy what has an owner, note what is taken and dropped.

Every key has one owner. A stored file that is given to a second row is copied, unless the same transaction drops it
from its old place: then it moves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection
from sqlalchemy.orm.attributes import set_attribute

from holdfast.orm import bridge, session_ledger, snapshots
from holdfast.orm.attachment import FileColumn, RowAttachment
from holdfast.orm.filelist import FileList
from holdfast.orm.ledger import Change, Frame, Ledger
from holdfast.orm.tracking import columns_of, inspect_state
from holdfast.orm.work import Copying, Work
from holdfast.registry import storages
from holdfast.saving import Ref, prepare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy.orm import InstanceState, Session

    from holdfast.file import FileObject


@dataclass(slots=True, eq=False)
class Edit:
    """A file column whose value changed.

    Attributes:
        state: The row's state.
        column: The file column.
        value: Its new value.
        old: What the database holds.
    """

    state: InstanceState[Any]
    column: FileColumn
    value: Any
    old: frozenset[Ref]
    taken: list[Ref] = field(default_factory=list)

    @property
    def files(self) -> list[FileObject]:
        """The files of the new value."""
        return snapshots.files_of(self.value)

    @property
    def dropped(self) -> frozenset[Ref]:
        """What the row lets go of."""
        return self.old - snapshots.refs_of(self.value)


def upload_and_note(session: Session) -> None:
    """Do all that new and changed rows need, or raise with nothing noted."""
    edits = list(_edits(session))
    if not edits:
        return
    ledger = session_ledger.open_ledger(session)
    frame = session_ledger.frame(session)
    plan = _Plan(_droppable(session, edits, ledger))
    for edit in edits:
        for file in edit.files:
            plan.add(edit, file)
    work = plan.work
    work.announce(frame)
    bridge.do(work.run, work.run_async)
    for copying in work.copies:
        _exchange(copying.edit, copying.original, copying.copy)
        frame.undo.append(partial(_exchange, copying.edit, copying.copy, copying.original))
    for edit in edits:
        _note(session, ledger, frame, edit)


def note_deletion(connection: Connection, state: InstanceState[Any], columns: Iterable[FileColumn]) -> None:
    """Note what a row that is about to be deleted drops."""
    session = state.session
    if session is None or state.key is None:
        return
    ledger = session_ledger.open_ledger(session)
    frame = session_ledger.frame(session)
    for column in columns:
        refs = snapshots.recall(state, column.key)
        if refs is None:
            identity = state.key[1]
            refs = snapshots.load(connection, state.mapper, column, [identity]).get(identity, frozenset())
        owner = RowAttachment(state, column).owner(session)
        _join(ledger, owner.bind)
        frame.changes += [Change(-1, ref, owner) for ref in refs]


def _edits(session: Session) -> Iterator[Edit]:
    """Find changed file columns, and SELECT what their rows hold where that is not known."""
    unknown: dict[tuple[Any, FileColumn], list[tuple[InstanceState[Any], Any]]] = {}
    for instance in session.new:
        state = inspect_state(instance)
        for column in columns_of(state.mapper):
            if (value := state.dict.get(column.key)) is not None:
                yield Edit(state, column, value, _replaced_by_row_switch(session, state, column))
    for instance in session.dirty:
        state = inspect_state(instance)
        for column in columns_of(state.mapper):
            if column.key not in state.committed_state or not state.attrs[column.key].history.has_changes():
                continue
            value = state.dict.get(column.key)
            old = snapshots.recall(state, column.key)
            if old is not None:
                yield Edit(state, column, value, old)
            else:
                unknown.setdefault((state.mapper, column), []).append((state, value))
    for (mapper, column), rows in unknown.items():
        connection = session.connection(bind_arguments={"mapper": mapper})
        found = snapshots.load(connection, mapper, column, [state.key[1] for state, _ in rows if state.key])
        for state, value in rows:
            yield Edit(state, column, value, found.get(state.key[1], frozenset()) if state.key else frozenset())


def _replaced_by_row_switch(session: Session, state: InstanceState[Any], column: FileColumn) -> frozenset[Ref]:
    """Return what a deleted row held, when a new one with its primary key turns DELETE and INSERT into UPDATE."""
    if not session.deleted:
        return frozenset()
    deleted = session.identity_map.get(state.mapper.identity_key_from_instance(state.obj()))
    if deleted is None or deleted not in session.deleted:
        return frozenset()
    old = inspect_state(deleted)
    refs = snapshots.recall(old, column.key)
    if refs is None and old.key is not None:
        connection = session.connection(bind_arguments={"mapper": old.mapper})
        refs = snapshots.load(connection, old.mapper, column, [old.key[1]]).get(old.key[1])
    return refs or frozenset()


def _droppable(session: Session, edits: list[Edit], ledger: Ledger) -> set[Ref]:
    """Return the references that lose their row in this transaction, so that another may take them over."""
    dropped = {ref for edit in edits for ref in edit.dropped}
    for instance in session.deleted:
        state = inspect_state(instance)
        for column in columns_of(state.mapper):
            dropped |= snapshots.recall(state, column.key) or frozenset()
    return dropped | ledger.let_go()


class _Plan:
    """Decides for each file of the new values what has to happen; no I/O.

    Args:
        droppable: References that lose their row in this transaction.
    """

    def __init__(self, droppable: set[Ref]) -> None:
        self.work = Work()
        self._droppable = droppable
        self._claimed: set[Ref] = set()
        self._uploading: set[int] = set()

    def add(self, edit: Edit, file: FileObject) -> None:
        """Upload a pending file, adopt a free one, copy one that has a row already, keep what the row holds."""
        if file.is_stored and Ref(str(file.backend_key), str(file.path)) in edit.old:
            return
        if not (file.is_stored or file.has_pending_data):
            file._key()  # says what is wrong with a description, or a malformed value
        storages.get(file.backend.key)  # the row could not find its file again in one that is not registered
        place = RowAttachment(edit.state, edit.column).place()
        source = file._source
        if source is not None and id(file) not in self._uploading:
            self._uploading.add(id(file))
            saving = prepare(file, source, place=place)
            self.work.savings.append(saving)
            edit.taken.append(saving.ref)
        elif source is None and self._claim(ref := Ref(file.backend.key, str(file.path)), file):
            self.work.adopt(file)
            edit.taken.append(ref)
        else:
            copying = Copying.of(file, place, edit)
            self.work.copies.append(copying)
            edit.taken.append(copying.ref)

    def _claim(self, ref: Ref, file: FileObject) -> bool:
        """Return whether a row may own an object: no other does, or the one that does lets go of it."""
        if ref in self._claimed or (file._owned and ref not in self._droppable):
            return False
        self._claimed.add(ref)
        return True


def _exchange(edit: Edit, current: FileObject, other: FileObject) -> None:
    """Put another file in the place of one, in a row's value; nothing where that was expired meanwhile."""
    value = edit.state.dict.get(edit.column.key)
    if isinstance(value, FileList):
        for index in [index for index, file in enumerate(value) if file is current][:1]:
            value[index] = other
    elif value is current:
        set_attribute(edit.state.obj(), edit.column.key, other)
        edit.value = other


def _note(session: Session, ledger: Ledger, frame: Frame, edit: Edit) -> None:
    attachment = RowAttachment(edit.state, edit.column)
    owner = attachment.owner(session)
    _join(ledger, owner.bind)
    frame.changes += [Change(-1, ref, owner) for ref in edit.dropped]
    frame.changes += [Change(+1, ref, owner) for ref in edit.taken]
    for file in edit.files:
        file._owned = True
        attachment.attach(file)
    snapshots.remember(edit.state, edit.column.key, snapshots.refs_of(edit.value))


def _join(ledger: Ledger, bind: Any) -> None:
    """A session that is bound to a connection works inside a transaction whose end it does not see."""
    ledger.joined = ledger.joined or isinstance(bind, Connection)
