"""The JSON value that a row holds for a file: ten fields, checked on the way in because a row is untrusted input."""

from __future__ import annotations

import math
from operator import itemgetter
from typing import Any, TypeAlias

from holdfast.errors import InvalidKeyError, InvalidValueError
from holdfast.keys import validate_key

FIELDS = (
    "backend",
    "filename",
    "to_filename",
    "content_type",
    "size",
    "last_modified",
    "checksum",
    "etag",
    "version_id",
    "metadata",
)
"""The fields, for good: what is added later goes under ``metadata["holdfast"]``."""

_take = itemgetter(*FIELDS)  # ten fields in one call
_LONGEST = 4096
_MAX_METADATA = 65_536  # characters of names and texts
_MAX_DEPTH = 32
_MAX_SIZE = 2**63 - 1

Row: TypeAlias = tuple[
    str, str, str, str | None, int | None, float | None, str | None, str | None, str | None, dict[str, Any]
]
"""The fields in their order."""


def parse(value: Any) -> dict[str, Any]:
    """Return the ten fields of a row's value by their names, as `read` has them.

    Raises:
        InvalidValueError: It is not the value of a file.

    Example:
        >>> parse({"backend": "local", "filename": "a.txt"})["to_filename"]
        'a.txt'
    """
    return dict(zip(FIELDS, read(value), strict=True))


def read(value: Any) -> Row:
    """Return the ten fields of a row's value, in the order of `FIELDS`; unknown ones are left out, missing ones None.

    Rows of advanced-alchemy have no ``to_filename``: their key is the ``filename``. A slash in front of it was no part
    of the key there.

    Raises:
        InvalidValueError: It is not the value of a file.
    """
    if not isinstance(value, dict):
        raise _invalid("it", f"is a {type(value).__name__}, not an object")
    try:
        fields = _take(value)
    except KeyError:
        fields = tuple(map(value.get, FIELDS))
    backend, filename, key, content_type, size, last_modified, checksum, etag, version_id, metadata = fields
    if key is None and isinstance(filename, str):
        key = filename.removeprefix("/")
    # Each loaded row comes by here: what is nearly always so is asked without a call, and names nothing.
    for text in (backend, filename, key, content_type, checksum, etag):
        if not (text.__class__ is str and 0 < len(text) <= _LONGEST):
            _check_texts(backend, filename, key, content_type, checksum, etag)
            break
    if version_id is not None:
        _check_text("version_id", version_id)
    is_usual = size.__class__ is int and last_modified.__class__ is float
    if not (is_usual and 0 <= size <= _MAX_SIZE and 0 <= last_modified <= _MAX_SIZE):
        _check_number("size", size, whole=True)
        _check_number("last_modified", last_modified, whole=False)
    if metadata.__class__ is not dict or metadata:
        metadata = {} if metadata is None else check_metadata(metadata)
    try:
        validate_key(key)
    except InvalidKeyError as error:
        raise InvalidValueError(str(error)) from error
    return backend, filename, key, content_type, size, last_modified, checksum, etag, version_id, metadata


def check_metadata(metadata: Any) -> dict[str, Any]:
    """Return metadata if it is JSON of a sensible depth and size.

    Raises:
        InvalidValueError: It is not.
    """
    if not isinstance(metadata, dict):
        raise _invalid("metadata", f"is a {type(metadata).__name__}, not a dict")
    if not metadata:
        return metadata
    size = 0
    rest: list[tuple[Any, int]] = [(metadata, 1)]
    while rest:
        item, depth = rest.pop()
        if depth > _MAX_DEPTH:
            raise _invalid("metadata", f"is nested deeper than {_MAX_DEPTH}")
        size += len(item) if isinstance(item, str) else 1
        if isinstance(item, dict):
            rest += [(part, depth + 1) for pair in item.items() for part in pair]
            if not all(isinstance(key, str) for key in item):
                raise _invalid("metadata", "has a name that is not a str")
        elif isinstance(item, (list, tuple)):
            rest += [(part, depth + 1) for part in item]
        elif not (item is None or isinstance(item, (str, int, float))) or (
            isinstance(item, float) and not math.isfinite(item)
        ):
            raise _invalid("metadata", f"holds {item!r:.80}, which JSON cannot")
        if size > _MAX_METADATA:
            raise _invalid("metadata", f"is longer than {_MAX_METADATA} characters")
    return metadata


def _check_texts(backend: Any, filename: Any, key: Any, *optional: Any) -> None:
    for name, text in (("backend", backend), ("filename", filename), ("to_filename", key)):
        _check_text(name, text)
    for name, text in zip(("content_type", "checksum", "etag"), optional, strict=True):
        if text is not None:
            _check_text(name, text)


def _check_text(name: str, value: Any) -> None:
    if not isinstance(value, str) or not value:
        raise _invalid(name, f"is {value!r:.80}, not a non-empty str")
    if len(value) > _LONGEST:
        raise _invalid(name, f"is longer than {_LONGEST} characters")


def _check_number(name: str, value: Any, *, whole: bool) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise _invalid(name, f"is {value!r:.80}, not a number")
    if not 0 <= value <= _MAX_SIZE:
        raise _invalid(name, f"is out of range: {value!r:.80}")


def _invalid(name: str, problem: str) -> InvalidValueError:
    return InvalidValueError(f"not the value of a stored file: {name} {problem}")
