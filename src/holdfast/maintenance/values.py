"""What a row's JSON says, read without SQLAlchemy's types: a malformed value is a result, not an error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast import rowvalue
from holdfast.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Held(NamedTuple):
    """A file that a row holds.

    Attributes:
        storage: Name of its storage; None if that cannot be read.
        key: Its key; None if that cannot be read.
        size: Its size, if the row knows it.
        checksum: Its checksum, if the row knows it.
        problem: What is wrong with the value.
        text: A malformed value.
    """

    storage: str | None
    key: str | None
    size: int | None = None
    checksum: str | None = None
    problem: str | None = None
    text: str = ""


def held(raw: Any, *, multiple: bool) -> Iterator[Held]:
    """Yield the files in a row's value.

    Args:
        raw: The JSON, as str or bytes.
        multiple: Whether the column holds lists.

    Example:
        >>> [(file.storage, file.key) for file in held('{"backend": "docs", "filename": "a.txt"}', multiple=False)]
        [('docs', 'a.txt')]
    """
    if raw is None:
        return
    text = bytes(raw).decode(errors="replace") if isinstance(raw, (bytes, bytearray, memoryview)) else str(raw)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        yield Held(None, None, problem="not the value of a stored file: it is not JSON", text=text)
        return
    if value is None:
        return
    for item in value if multiple and isinstance(value, list) else [value]:
        yield _file(item)


def _file(item: Any) -> Held:
    try:
        fields = rowvalue.parse(item)
    except InvalidValueError as error:
        fields = item if isinstance(item, dict) else {}
        storage, key = fields.get("backend"), fields.get("to_filename") or fields.get("filename")
        known = isinstance(storage, str) and isinstance(key, str)
        return Held(*((storage, key) if known else (None, None)), problem=str(error), text=json.dumps(item))
    return Held(fields["backend"], fields["to_filename"], fields["size"], fields["checksum"])
