"""The forms of a file outside of a process: a row's JSON, a client's description, a pickle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from holdfast import rowvalue
from holdfast.errors import FileStateError, InvalidValueError
from holdfast.file_schema import pydantic_schema
from holdfast.file_value import FileValue
from holdfast.sources import BytesSource, PathSource
from holdfast.tracked import untrack

if TYPE_CHECKING:
    from collections.abc import Mapping


class FileForms(FileValue):
    """A file that can be written down and read again."""

    def to_dict(self) -> dict[str, Any]:
        """Return the ten fields that a row holds."""
        return {
            "backend": self._backend_key,
            "filename": self._filename,
            "to_filename": self._path if self._source is None else self._to_filename,
            "content_type": self.content_type,
            "size": self.size,
            "last_modified": self.last_modified,
            "checksum": self.checksum,
            "etag": self.etag,
            "version_id": self.version_id,
            "metadata": untrack(self._metadata or {}),
        }

    def describe(self) -> dict[str, Any]:
        """Return what may be shown to a client: neither storage nor key."""
        shown = ("filename", "content_type", "size", "last_modified", "checksum", "etag", "metadata")
        fields = {name: value for name, value in self.to_dict().items() if name in shown}
        fields["metadata"].pop("holdfast", None)
        return fields

    @classmethod
    def from_row(cls, value: Any) -> Self:
        """Return the file for a row's JSON value; a malformed one raises when it is used, not here."""
        try:
            fields = rowvalue.read(value)
        except InvalidValueError as error:
            file = cls(filename="malformed")
            file._path, file._problem = None, str(error)
            return file
        if cls.__init__ is FileValue.__init__:
            file = cls.__new__(cls)
            file._fill(fields)
        else:
            named: dict[str, Any] = dict(zip(rowvalue.FIELDS, fields, strict=True))
            # A row of advanced-alchemy has no `to_filename`; here it would ask for a save under just that key.
            path = named.pop("to_filename")
            file = cls(**named)
            file._lie_at(path)
            file._owned = True
        return file

    @classmethod
    def describing(cls, fields: Mapping[str, Any]) -> Self:
        """Return a description of a file from a client's fields: name, type, size and metadata, never a place."""
        size = fields.get("size")
        if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 0):
            message = "not a description of a file: size must be a whole number"
            raise InvalidValueError(message)
        texts = {name: fields.get(name) for name in ("filename", "content_type")}
        for name, text in texts.items():
            if not isinstance(text, str) and (name == "filename" or text is not None):
                message = f"not a description of a file: {name} must be a str"
                raise InvalidValueError(message)
        metadata = rowvalue.check_metadata(fields.get("metadata") or {})
        file = cls(**texts, size=size, metadata={key: value for key, value in metadata.items() if key != "holdfast"})
        file._lie_at(None)
        file._owned = False
        return file

    def __reduce__(self) -> tuple[Any, ...]:
        source = self._source
        if source is not None and not isinstance(source, (BytesSource, PathSource)):
            name = self._filename
            message = f"the pending file {name!r} can be copied or pickled only with bytes or a path as content"
            raise FileStateError(message)
        fields = dict(
            self.to_dict(),
            to_filename=self._to_filename,
            content_type=self._content_type,
            object_settings=self.object_settings.to_dict(),
        )
        owned = self._owned or self.size is not None or self.etag is not None
        hidden = (self._path, self._problem, self._source is None and owned)
        content = bytes(source.data) if isinstance(source, BytesSource) else source and source.path
        return _rebuild, (type(self), fields, hidden, content)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        return pydantic_schema(cls)


def _rebuild(kind: type[FileForms], fields: dict[str, Any], hidden: tuple[Any, ...], content: Any) -> FileForms:
    file = kind(**fields, content=content)
    path, file._problem, file._owned = hidden
    if content is None:
        file._lie_at(path)
    return file
