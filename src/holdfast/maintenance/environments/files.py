"""Files of rows on their way into another environment."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast import rowvalue
from holdfast.backends.base import StorageBackend
from holdfast.backends.wrappers.places import overlaps
from holdfast.errors import AlreadyExistsError, ConfigurationError, HoldfastError, InvalidValueError, NotFoundError
from holdfast.keys import default_key, find_id, new_id
from holdfast.maintenance.reports import RowName
from holdfast.maintenance.rewriting import originals
from holdfast.maintenance.rewriting.copying import Copied, Copying
from holdfast.maintenance.rewriting.engine import Refusal
from holdfast.orm import bridge
from holdfast.registry import storages as registered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from holdfast.maintenance.columns import Columns
    from holdfast.maintenance.environments.tables import Row, TableCopy


class File(NamedTuple):
    """A file of a row that is to go over.

    Attributes:
        row: Number of the row in its page.
        column: Position of its column in the row.
        position: Where it stands in the column's value.
        fields: What the row says of it.
        name: Its place, for findings.
    """

    row: int
    column: int
    position: int
    fields: dict[str, Any]
    name: RowName


class Files:
    """Copies files between the storages of two environments.

    Args:
        pairs: For each name in rows, where its objects are and where they go.
        columns: The file columns.
    """

    def __init__(self, pairs: Mapping[str, tuple[StorageBackend, StorageBackend]], columns: Columns) -> None:
        self._copying = {name: Copying(*pair, "sha256", creates=False) for name, pair in pairs.items()}
        self._multiple = {place.column: place.type.multiple for place in columns.places}

    def of(self, table: TableCopy, number: int, row: Row) -> Iterator[File]:
        """Yield the files of a row.

        Raises:
            Refusal: A value is malformed, or names a storage that has no other.
        """
        for index, column in table.files():
            for position, item in enumerate(_items(row[index], multiple=self._multiple[column])):
                name = RowName(table.table.fullname, column.name, tuple(map(str, table.identity(row))))
                fields = _fields(item)
                if fields["backend"] not in self._copying:
                    detail = f"it lies in storage {fields['backend']!r}, for which storages= names no other one"
                    raise Refusal("unmapped", detail)
                yield File(number, index, position, fields, name)

    def copy(self, file: File) -> Copied:
        """Copy a file, or find the copy that an earlier run made.

        Raises:
            Refusal: It is missing, or not what its row says, or its key is another object's.
        """
        copying = self._copying[file.fields["backend"]]
        try:
            found = originals.original(copying.source, file.fields)
            try:
                return copying.copy(found, found.key)
            except AlreadyExistsError:
                adopted = copying.adopt(found, found.key) if find_id(found.key) else None
                return adopted or copying.copy(found, _fresh_key(file))
        except NotFoundError as error:
            raise Refusal("missing", str(error)) from error

    async def copy_async(self, file: File) -> Copied:
        """Like `copy`."""
        copying = self._copying[file.fields["backend"]]
        try:
            found = await originals.original_async(copying.source, file.fields)
            try:
                return await copying.copy_async(found, found.key)
            except AlreadyExistsError:
                # A key with an id of ours can only be this file's; any other may be somebody else's.
                adopted = await copying.adopt_async(found, found.key) if find_id(found.key) else None
                return adopted or await copying.copy_async(found, _fresh_key(file))
        except NotFoundError as error:
            raise Refusal("missing", str(error)) from error

    def delete(self, copies: Iterable[tuple[File, Copied]]) -> None:
        """Delete copies whose rows did not go over; what cannot be deleted is found by a sweep there.

        Those under their own keys stay if the next run knows them again: another run may have given one to its row.
        """
        for file, copied in copies:
            if copied.made and (copied.key != file.fields["to_filename"] or find_id(copied.key) is None):
                target, key = self._copying[file.fields["backend"]].target, copied.key
                with suppress(HoldfastError):
                    bridge.do(lambda t=target, k=key: t.delete(k), lambda t=target, k=key: t.delete_async(k))  # type: ignore[misc]


def with_copies(table: TableCopy, row: Row, copies: list[tuple[File, Copied]]) -> Row:
    """Return a row with its files as they are in the other environment; the JSON of file columns is decoded."""
    values = list(row)
    for index, _ in table.files():
        values[index] = None if row[index] is None else json.loads(row[index])
    for file, copied in copies:
        item = _item(file.fields, copied)
        if isinstance(values[file.column], list):
            values[file.column][file.position] = item
        else:
            values[file.column] = item
    return tuple(values)


def _item(fields: dict[str, Any], copied: Copied) -> dict[str, Any]:
    return fields | {
        "to_filename": copied.key,
        "size": copied.info.size,
        "last_modified": copied.info.last_modified,
        "checksum": copied.checksum or fields["checksum"],
        "etag": copied.info.etag,
        "version_id": copied.info.version_id,
    }


def _fresh_key(file: File) -> str:
    return default_key(new_id(), file.fields["filename"])


def _fields(item: Any) -> dict[str, Any]:
    try:
        return rowvalue.parse(item)
    except InvalidValueError as error:
        raise Refusal("malformed", str(error)) from error


def _items(raw: Any, *, multiple: bool) -> list[Any]:
    try:
        value = None if raw is None else json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Refusal("malformed", "not the value of a stored file: it is not JSON") from error
    if value is None:
        return []
    return value if multiple and isinstance(value, list) else [value]


def pairs_of(
    columns: Columns, storages: Mapping[str, StorageBackend | str]
) -> dict[str, tuple[StorageBackend, StorageBackend]]:
    """Return each storage with the one that gets its copies.

    Raises:
        ConfigurationError: One is missing, or both are the same place.
    """
    if missing := [name for name in columns.declared() if name in registered and name not in storages]:
        message = f"storages= does not say where files of {missing[0]!r} go: storages={{{missing[0]!r}: …}}"
        raise ConfigurationError(message)
    pairs = {}
    for name, other in storages.items():
        source = registered.get(name)
        target = other if isinstance(other, StorageBackend) else registered.get(other)
        if overlaps(source, target):
            message = f"storage {name!r} and the one for its copies are the same place, or one inside the other"
            raise ConfigurationError(message)
        pairs[name] = source, target
    return pairs
