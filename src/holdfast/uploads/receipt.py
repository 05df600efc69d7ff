"""What came in with a form: its text fields, and files that lie in their storage already and have no row yet."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from holdfast.errors import ConfigurationError, HoldfastError, InvalidFormError, MissingFieldError
from holdfast.file import FileObject
from holdfast.multipart_forms import Event, Part
from holdfast.saving import Saving, prepare, save_all, save_all_async
from holdfast.sources import AsyncIterableSource, BytesSource, IterableSource
from holdfast.uploads.targets import target

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from holdfast.backends.base import StorageBackend
    from holdfast.sources import Source
    from holdfast.uploads.targets import Column

logger = logging.getLogger("holdfast")

_EMPTY = BytesSource(memoryview(b""))


class _Files(dict[str, Any]):
    def __missing__(self, name: str) -> Any:
        return _miss(name, "file")


class Form(Mapping[str, str]):
    """A form that was received: a mapping of its text fields.

    Attributes:
        files: The files, stored already and free to be put into a row; a list of them for a column of several.
    """

    def __init__(self) -> None:
        self.files: dict[str, Any] = _Files()
        self._fields: dict[str, list[str]] = {}

    def getlist(self, name: str) -> list[str]:
        """Return all values of a text field."""
        return list(self._fields.get(name, ()))

    def __getitem__(self, name: str) -> str:
        return self._fields[name][0] if name in self._fields else _miss(name, "field")

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} fields={list(self._fields)} files={list(self.files)}>"


def _miss(name: str, what: str) -> Any:
    message = f"the form has no {what} {name!r}"
    raise MissingFieldError(message)


class Receipt:
    """A form while it comes in, and the files that it has to answer for.

    Args:
        files: For each file that the form may have, the column it is for.
        max_field_size: Bytes of one text field.
        max_fields: Text fields that the form may have.
        max_files: Files that the form may have.
    """

    def __init__(self, files: Mapping[str, Column], max_field_size: int, max_fields: int, max_files: int) -> None:
        self.form = Form()
        self._targets = {name: target(column) for name, column in files.items()}
        self._max_field_size, self._fields_left, self._files_left = max_field_size, max_fields, max_files
        self._savings: list[Saving] = []

    # --- what comes in

    async def take_async(self, part: Event, events: AsyncIterator[Event]) -> None:
        """Take a part, whose head came, to its end."""
        assert isinstance(part, Part)  # noqa: S101  # whoever takes a part takes all of it
        first = await anext(events)
        if not self._is_file(part):
            text = bytearray()
            while isinstance(first, bytes):
                self._lengthen(part, text, first)
                first = await anext(events)
            self._keep(part, text)
        elif part.filename or first:
            content = AsyncIterableSource(_bytes_async(first, events)) if isinstance(first, bytes) else _EMPTY
            saving = self._saving(part, content)
            _raise(await save_all_async([saving]))
            self._stored(part, saving)

    def take(self, part: Event, events: Iterator[Event]) -> None:
        """Like `take_async`."""
        assert isinstance(part, Part)  # noqa: S101  # as above
        first = next(events)
        if not self._is_file(part):
            text = bytearray()
            while isinstance(first, bytes):
                self._lengthen(part, text, first)
                first = next(events)
            self._keep(part, text)
        elif part.filename or first:
            content = IterableSource(_bytes(first, events)) if isinstance(first, bytes) else _EMPTY
            saving = self._saving(part, content)
            _raise(save_all([saving]))
            self._stored(part, saving)

    def _is_file(self, part: Part) -> bool:
        """Return whether a part is a file; it must be one where the form has one, and only there."""
        if (part.filename is not None) != (part.name in self._targets):
            wanted = "a file" if part.name in self._targets else "no file"
            message = f"the form's field {part.name!r} must be {wanted}"
            raise InvalidFormError(message)
        return part.filename is not None

    def _lengthen(self, part: Part, text: bytearray, data: bytes) -> None:
        text += data
        if len(text) > self._max_field_size:
            message = f"the form's field {part.name!r} is larger than {self._max_field_size} bytes"
            raise InvalidFormError(message, code="too_large")

    def _keep(self, part: Part, text: bytearray) -> None:
        self._fields_left -= 1
        if self._fields_left < 0:
            message = "the form has too many fields"
            raise InvalidFormError(message, code="too_large")
        try:
            self.form._fields.setdefault(part.name, []).append(text.decode())
        except UnicodeDecodeError as error:
            message = f"the form's field {part.name!r} is no UTF-8"
            raise InvalidFormError(message) from error

    def _saving(self, part: Part, content: Source) -> Saving:
        wanted = self._targets[part.name]
        self._files_left -= 1
        if self._files_left < 0 or (part.name in self.form.files and not wanted.multiple):
            message = f"the form has too many files, the last one as {part.name!r}"
            raise InvalidFormError(message, code="too_large")
        name = part.filename or "unnamed"
        file = FileObject(backend=wanted.backend, filename=name, content_type=part.content_type, content=content)
        try:
            saving = prepare(file, content, place=wanted.place)
        except AttributeError as error:  # of None, in a function
            message = f"the key scheme of {wanted.place.column!r} uses the row, and a form has none yet: {error}"
            raise ConfigurationError(message) from error
        self._savings.append(saving)  # before the first byte is stored: whatever happens, it is cleared
        return saving

    def _stored(self, part: Part, saving: Saving) -> None:
        if self._targets[part.name].multiple:
            self.form.files.setdefault(part.name, []).append(saving.file)
        else:
            self.form.files[part.name] = saving.file

    # --- what is left over

    async def clear_async(self) -> None:
        """Delete what no row has."""
        for storage, key in self._leftovers():
            try:
                await storage.delete_async(key)
            except HoldfastError as error:
                _note(storage, key, error)

    def clear(self) -> None:
        """Like `clear_async`."""
        for storage, key in self._leftovers():
            try:
                storage.delete(key)
            except HoldfastError as error:
                _note(storage, key, error)

    def _leftovers(self) -> Iterator[tuple[StorageBackend, str]]:
        for saving in self._savings:
            file, attachment = saving.file, saving.file._attachment
            if attachment is not None and attachment.is_active() and attachment.holds(file):
                attachment.entrust(saving)
            elif not file._owned:
                yield saving.storage, saving.ref.path
                file._become_deleted()


def _raise(failures: list[Exception]) -> None:
    if failures:
        raise failures[0]


def _note(storage: StorageBackend, key: str, error: HoldfastError) -> None:
    logger.warning("%s in storage %r was uploaded for nothing and could not be deleted: %s", key, storage.key, error)


async def _bytes_async(first: bytes, events: AsyncIterator[Event]) -> AsyncIterator[bytes]:
    """Yield a part's bytes, and stop behind it."""
    yield first
    async for event in events:
        if not isinstance(event, bytes):
            return
        yield event


def _bytes(first: bytes, events: Iterator[Event]) -> Iterator[bytes]:
    yield first
    for event in events:
        if not isinstance(event, bytes):
            return
        yield event
