"""Mapper and attribute events: which columns hold files, and what is assigned to them.

Registered once, when the first `StoredObject` is made.
"""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.attributes import instance_state, set_committed_value

from holdfast.file import FileObject
from holdfast.orm import rows
from holdfast.orm.attachment import FileColumn, RowAttachment, file_columns
from holdfast.orm.filelist import FileList

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy.orm import InstanceState

_mappers: weakref.WeakSet[Mapper[Any]] = weakref.WeakSet()
_lock = threading.Lock()
_installed = False
_row_listeners: dict[str, Any] = {}
_PICKLED = "holdfast.values"
FILES = "holdfast.files"
"""Where the manager of a class has its file columns in its ``info``; each state knows its manager without a call."""


def install() -> None:
    """Register all events of Holdfast with SQLAlchemy, once."""
    global _installed  # noqa: PLW0603
    with _lock:
        if not _installed:
            from holdfast.orm import unit_of_work  # noqa: PLC0415  # it needs this module

            _row_listeners.update(unit_of_work.ROW_EVENTS)
            event.listen(Mapper, "mapper_configured", _track)
            unit_of_work.install()
            _installed = True


def columns_of(mapper: Mapper[Any]) -> tuple[FileColumn, ...]:
    """Return the file columns of a configured mapper."""
    columns: tuple[FileColumn, ...] = mapper.class_manager.info.get(FILES, ())
    return columns


def table_columns(mapper: Mapper[Any]) -> tuple[FileColumn, ...]:
    """Return the file columns of a mapper, and those of other classes in the same table."""
    found = {column.column: column for column in columns_of(mapper)}
    for other in mapper.base_mapper.self_and_descendants:
        if other.local_table is mapper.local_table:
            for column in columns_of(other):
                found.setdefault(column.column, column)
    return tuple(found.values())


def tracked_mappers() -> list[Mapper[Any]]:
    """Return all configured mappers with file columns."""
    return list(_mappers)


def _track(mapper: Mapper[Any], class_: type[Any]) -> None:
    columns = file_columns(mapper)
    if not columns or mapper in _mappers:
        return
    _mappers.add(mapper)
    mapper.class_manager.info[FILES] = columns
    by_key = {column.key: column for column in columns}

    on_load = _loading(columns)

    def on_refresh(state: InstanceState[Any], context: Any, keys: Iterable[str] | None) -> None:
        on_load(state, context, columns if keys is None else [by_key[key] for key in keys if key in by_key])

    def on_pickle(state: InstanceState[Any], pickled: dict[str, Any]) -> None:
        pickled[_PICKLED] = {column.key: state.dict[column.key] for column in columns if column.key in state.dict}

    def on_unpickle(state: InstanceState[Any], pickled: dict[str, Any]) -> None:
        # The instance itself is still empty.
        for key, value in pickled.get(_PICKLED, {}).items():
            if key in by_key:
                _attach_value(RowAttachment(state, by_key[key]), value)

    event.listen(class_, "load", on_load, raw=True)
    event.listen(class_, "refresh", on_refresh, raw=True)
    event.listen(class_, "refresh_flush", on_refresh, raw=True)
    event.listen(class_, "pickle", on_pickle, raw=True)
    event.listen(class_, "unpickle", on_unpickle, raw=True)
    for column in columns:
        _track_assignments(class_, column)
    for name, listener in _row_listeners.items():
        event.listen(class_, name, listener, raw=True)


def _track_assignments(class_: type[Any], column: FileColumn) -> None:
    def on_set(state: InstanceState[Any], value: Any, *_: Any) -> Any:
        return RowAttachment(state, column).coerce(value)

    event.listen(getattr(class_, column.key), "set", on_set, raw=True, retval=True)


def _loading(columns: Iterable[FileColumn]) -> Callable[..., None]:
    """Return the listener that attaches the files of a loaded row, or those of some columns."""

    def on_load(state: InstanceState[Any], _: Any, loaded: Iterable[FileColumn] = columns) -> None:
        values = state.dict
        for column in loaded:
            value = values.get(column.key)
            if isinstance(value, FileObject) and value._attachment is None:  # nearly always
                value._attachment = RowAttachment(state, column)
            elif value is not None:
                _attach(state, column, value)

    return on_load


def _attach(state: InstanceState[Any], column: FileColumn, value: Any) -> None:
    if isinstance(value, list) and not isinstance(value, FileList):
        value = column.type._list_class(value)
        set_committed_value(state.obj(), column.key, value)
    _attach_value(RowAttachment(state, column), value)


def _attach_value(attachment: RowAttachment, value: Any) -> None:
    if isinstance(value, FileList):
        value.attach(attachment)
    else:
        for file in rows.files_of(value):
            attachment.attach(file)


def inspect_state(instance: Any) -> InstanceState[Any]:
    """Return an instance's state."""
    state: InstanceState[Any] = instance_state(instance)
    return state
