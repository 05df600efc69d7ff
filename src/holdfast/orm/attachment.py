"""The link from a file back to its row: what makes changes of a file visible to the session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column
from sqlalchemy.orm.attributes import flag_modified

from holdfast.errors import ColumnValueError, ConfigurationError
from holdfast.file import FileObject
from holdfast.orm import chosen, session_ledger
from holdfast.orm.coercion import accepted, coerced
from holdfast.orm.filelist import FileList
from holdfast.rules import NO_RULES
from holdfast.saving import Place, Ref, Saving

if TYPE_CHECKING:
    from sqlalchemy.orm import InstanceState, Mapper, Session

    from holdfast.orm.column import StoredObject
    from holdfast.orm.ledger import Owner


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A mapped file column.

    Attributes:
        key: Name of the attribute.
        column: The table's column.
        type: Its type.
    """

    key: str
    column: Column[Any]
    type: StoredObject

    def place(self, row: Any = None) -> Place:
        """Return the place of files in a row, which key schemes and rules are asked for."""
        rules = self.type.rules.named(self.key) if self.type.rules else NO_RULES
        return Place(row, self.column.table.name, self.key, self.type.key_scheme, rules)


class RowView:
    """A row as a key scheme sees it: what is set on the client, nothing that the database will fill in later."""

    def __init__(self, state: InstanceState[Any]) -> None:
        self._state = state

    def __getattr__(self, name: str) -> Any:
        state = self._state
        if state.key is None and name in state.mapper.attrs and name not in state.dict:
            message = (
                f"the key scheme uses {name!r} of {state.class_.__name__}, which is not set yet when the file is "
                f"stored; set it first (a UUID made in Python, say), or leave it out of the scheme"
            )
            raise ConfigurationError(message)
        return getattr(state.obj(), name)


class RowAttachment:
    """The place of files in a row: one column of one instance.

    Args:
        state: The instance's state.
        column: The file column.
    """

    __slots__ = ("_row", "column", "state")  # a page of rows has as many of these

    def __init__(self, state: InstanceState[Any], column: FileColumn) -> None:
        self.state, self.column = state, column
        # A file keeps its row alive: of a row that is gone, a change would be lost and a deletion happen at once.
        self._row = state.obj()

    # --- what a file asks

    def is_active(self) -> bool:
        """Return whether the row is in a session."""
        return self.state.session is not None

    def changed(self, value: Any) -> None:
        """Mark the column as changed, if it still holds `value`."""
        instance = self.state.obj()
        if instance is not None and self.holds(value):
            flag_modified(instance, self.column.key)

    def saved(self, saving: Saving) -> None:
        """Note a new object in the session's transaction."""
        session = self._session()
        frame = session_ledger.frame(session)
        frame.note(saving)
        frame.asked.append((saving.ref, self.owner(session)))

    def entrust(self, saving: Saving) -> None:
        """Note an object that was saved before for the row, unless an earlier transaction committed it."""
        ledger = session_ledger.current(self._session())
        taken = ledger is not None and ledger.whole().net()[saving.ref] > 0
        if taken or not saving.file._owned:
            self.saved(saving)

    def queue_delete(self, ref: Ref) -> None:
        """Have an object deleted after commit; the row is asked then whether it has let go of it."""
        session = self._session()
        frame = session_ledger.frame(session)
        frame.requests.append(ref)
        frame.asked.append((ref, self.owner(session)))

    def place(self) -> Place:
        """Return what a key scheme may use."""
        return self.column.place(RowView(self.state))

    # --- what the unit of work asks

    def holds(self, value: Any) -> bool:
        """Return whether the row's value is `value`, or a list with it."""
        current = self.state.dict.get(self.column.key)
        return current is value or (isinstance(current, FileList) and any(file is value for file in current))

    def owner(self, session: Session) -> Owner:
        """Return the row as the ledger notes it."""
        identity = self.state.key[1] if self.state.key is not None else None
        return session_ledger.owner(session, self.state.mapper, identity, self.state)

    def coerce(self, value: Any) -> Any:
        """Return an assigned value as the column holds it, attached; SQL expressions pass.

        Raises:
            ColumnValueError: It is not a file, an upload object or None (a list of them for several files).
        """
        if chosen.leaves_unchanged(value, self.state, self.column.key):
            value = getattr(self.state.obj(), self.column.key)
        value = coerced(self.column, self.state.mapper, value)
        if isinstance(value, list):
            value = self.column.type._list_class(value)
            value.attach(self)
        elif isinstance(value, FileObject):
            self.attach(value)
        return value

    def accept(self, value: Any) -> FileObject:
        """Return one file, made from an upload object if need be, attached."""
        file = accepted(self.column, self.state.mapper, value)
        self.attach(file)
        return file

    def attach(self, file: FileObject) -> None:
        """Make this the place of a file, unless it still is in another; a row in a session outranks one that is not."""
        held = file._attachment
        if held is None or not held.holds(file) or (self.is_active() and not held.is_active()):
            file._attachment = self

    def _session(self) -> Session:
        session = self.state.session
        if session is None:
            message = f"{self._name()} is not in a session"
            raise ColumnValueError(message)
        return session

    def _name(self) -> str:
        return f"{self.state.class_.__name__}.{self.column.key}"


def file_columns(mapper: Mapper[Any]) -> tuple[FileColumn, ...]:
    """Return a mapper's file columns."""
    from holdfast.orm.column import StoredObject  # noqa: PLC0415  # the type tracks itself through this module

    found = []
    for attribute in mapper.column_attrs:
        column = attribute.columns[0]
        if isinstance(column, Column) and isinstance(column.type, StoredObject):
            _check_default(mapper, column)
            found.append(FileColumn(attribute.key, column, column.type))
    return tuple(found)


def _check_default(mapper: Mapper[Any], column: Column[Any]) -> None:
    """Refuse a file as a column's default: all rows would hold the same object."""
    default = getattr(column.default, "arg", None)
    files = default if isinstance(default, (list, tuple)) else [default]
    if any(isinstance(file, FileObject) for file in files):
        message = (
            f"{mapper.class_.__name__}.{column.key} has a file as its default, which all rows would share: "
            "set it in __init__, where each row gets a file of its own"
        )
        raise ConfigurationError(message)
