"""What an assigned value becomes in a column: a file, a list of files, or None."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Column
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import ClauseElement, Null

from holdfast.errors import ColumnValueError
from holdfast.file import FileObject
from holdfast.orm import chosen

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapper

    from holdfast.orm.attachment import FileColumn


def coerced(column: FileColumn, mapper: Mapper[Any], value: Any) -> Any:
    """Return a value as a column holds it: a file, a list of files, or None; SQL expressions pass.

    Raises:
        ColumnValueError: It is none of these.
    """
    if value is None or isinstance(value, Null):
        return None
    if isinstance(value, ClauseElement):
        _refuse_other_rules(column, mapper, value)
        return value
    if not column.type.multiple:
        return None if chosen.is_upload(value) and chosen.is_nothing(value) else accepted(column, mapper, value)
    if not isinstance(value, (list, tuple)):
        raise _refusal(column, mapper, value, "a list of FileObjects")
    files = [item for item in value if not (chosen.is_upload(item) and chosen.is_nothing(item))]
    return [accepted(column, mapper, item) for item in files]


def accepted(column: FileColumn, mapper: Mapper[Any], value: Any) -> FileObject:
    """Return one file for a column, made from an upload object if need be.

    Raises:
        ColumnValueError: It is no file, or one of a storage that the column does not take.
    """
    if not isinstance(value, FileObject):
        if not chosen.is_upload(value):
            raise _refusal(column, mapper, value, "a FileObject, an upload object or None")
        value = column.type._file_class(content=value, filename=value.filename or "unnamed")
    file: FileObject = value
    file._default_backend(column.type.backend)
    if column.type.strict and file.backend_key != column.type.backend:
        name, only = f"{mapper.class_.__name__}.{column.key}", column.type.backend
        message = f"{name} keeps its files in {only!r} only, not in {file.backend_key!r}"
        raise ColumnValueError(message)
    return file


def _refuse_other_rules(column: FileColumn, mapper: Mapper[Any], expression: ClauseElement) -> None:
    """Refuse SQL that takes a file out of a column with other rules: nobody could look at it."""
    read = [part for part in visitors.iterate(expression) if isinstance(part, Column)] if column.type.rules else []
    if any(getattr(part.type, "rules", column.type.rules) != column.type.rules for part in read):
        name = f"{mapper.class_.__name__}.{column.key}"
        message = f"{name} has rules, which SQL cannot apply to a file of another column: load the row and assign it"
        raise ColumnValueError(message)


def _refusal(column: FileColumn, mapper: Mapper[Any], value: Any, wanted: str) -> ColumnValueError:
    return ColumnValueError(f"{mapper.class_.__name__}.{column.key} takes {wanted}, not {type(value).__name__}")
