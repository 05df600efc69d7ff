"""What form fields hand over: an upload, or that nobody has chosen a file, or that the file is to be cleared.

Browsers send a part without a name and without bytes for a field that nobody used. Frameworks make an upload object of
it, and form libraries assign that like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.backends.reader import opened_from
from holdfast.contents import to_source
from holdfast.file import FileObject

if TYPE_CHECKING:
    from sqlalchemy.orm import InstanceState


def is_upload(value: Any) -> bool:
    """Return whether a value is an upload object of some framework."""
    return not isinstance(value, (FileObject, type)) and hasattr(value, "filename")


def leaves_unchanged(value: Any, state: InstanceState[Any], key: str) -> bool:
    """Return whether a value says that a row shall keep the file or files that it has.

    So do fields that nobody used, and uploads that only repeat the row's own file: sqladmin makes such.
    """
    if isinstance(value, (list, tuple)):
        return bool(value) and all(is_upload(each) and _is_unused(each) for each in value)
    if not is_upload(value):
        return False
    return _is_unused(value) or _repeats(value, state.dict.get(key))


def is_nothing(value: Any) -> bool:
    """Return whether an upload object holds no file: it has neither name nor bytes."""
    return not value.filename and _is_empty(value)


def _is_unused(upload: Any) -> bool:
    return bool(upload.filename == "" and _is_empty(upload))  # a name of None comes from no browser


def _is_empty(upload: Any) -> bool:
    source = to_source(upload)
    if source.size is not None:
        return source.size == 0
    return source.replayable and not source.peek(1)


def _repeats(upload: Any, current: Any) -> bool:
    where = opened_from(getattr(upload, "file", None))
    return where is not None and isinstance(current, FileObject) and where == (current.backend_key, current.path)
