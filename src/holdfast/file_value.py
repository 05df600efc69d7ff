"""What a file is: its name, its fields, its identity. The I/O is in `holdfast.file`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from holdfast.contents import to_source
from holdfast.errors import (
    ConfigurationError,
    DescribedFileError,
    FileStateError,
    InvalidValueError,
    PendingFileError,
    SourceTypeError,
    UnknownStorageError,
)
from holdfast.keys import clean_label, find_id, new_id, validate_key
from holdfast.object_settings import NO_SETTINGS, ObjectSettings
from holdfast.registry import named_storage, storages
from holdfast.sources import PathSource, Source
from holdfast.tracked import TrackedDict

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from holdfast.backends.base import StorageBackend
    from holdfast.claim import Claim
    from holdfast.contents import Content
    from holdfast.object_settings import ObjectSettingsLike
    from holdfast.objects import ObjectInfo
    from holdfast.rowvalue import Row
    from holdfast.rules import Rules
    from holdfast.saving import Place, Ref, Saving

_CHANGING = (
    *("_path", "_source", "_owned", "_content_type", "_accepted_by"),
    *("size", "last_modified", "checksum", "etag", "version_id"),
)
"""What a save changes and a rollback restores."""


class Attachment(Protocol):
    """The place of a file in a row, as far as a file has to know."""

    def is_active(self) -> bool:
        """Return whether the row is in a session."""

    def holds(self, value: Any) -> bool:
        """Return whether the row's value is this one, or a list with it."""

    def changed(self, value: Any) -> None:
        """Mark the column as changed, if it still holds the value."""

    def saved(self, saving: Saving) -> None:
        """Note a new object, which must go if the transaction rolls back."""

    def entrust(self, saving: Saving) -> None:
        """Note an object that was saved before for the row, unless the row has it for good."""

    def queue_delete(self, ref: Ref) -> None:
        """Delete an object once the transaction is committed and the row has let go of it."""

    def place(self) -> Place:
        """Return what a key scheme may use."""


class FileValue:
    """The fields of a `holdfast.FileObject`, whose docstring describes them."""

    size: int | None
    last_modified: float | None
    checksum: str | None
    etag: str | None
    version_id: str | None
    object_settings: ObjectSettings = NO_SETTINGS
    _backend_key: str | None
    _source: Source | None = None
    _backend: StorageBackend | None = None
    _to_filename: str | None = None
    _new_id: str | None = None
    _identity: str | None = None  # what the hash is made of, once somebody has asked
    _metadata: TrackedDict | None = None  # once there is some, or somebody has asked
    _problem: str | None = None  # why a row's value is not a file
    _attachment: Attachment | None = None
    _guessed: str | None = None  # what the name suggests, once somebody has asked
    _accepted_by: Rules | None = None  # the rules that its bytes are known to keep
    _claim: Claim | None = None  # of an upload that a client made by itself

    def __init__(
        self,
        *,
        backend: str | StorageBackend | None = None,
        filename: str | None = None,
        to_filename: str | None = None,
        content_type: str | None = None,
        size: int | None = None,
        last_modified: float | None = None,
        checksum: str | None = None,
        etag: str | None = None,
        version_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        source_path: str | os.PathLike[str] | None = None,
        content: Content | None = None,
        object_settings: ObjectSettingsLike = None,
    ) -> None:
        if content is not None and source_path is not None:
            message = "content and source_path are two contents: pass one"
            raise SourceTypeError(message)
        if source_path is not None:
            self._source = PathSource(Path(source_path))
        elif content is not None:
            self._source = to_source(content)
        filename = filename or (self._source.filename if self._source else None) or to_filename
        if not filename or not isinstance(filename, str):
            message = f"a file needs a name: filename={filename!r}"
            raise FileStateError(message)
        self._backend_key, self._backend = named_storage(backend)
        self._filename = clean_label(filename)
        self._to_filename = None if to_filename is None else validate_key(to_filename)
        self._content_type = content_type or (self._source.content_type if self._source else None)
        self.size, self.last_modified, self.checksum = size, last_modified, checksum
        self.etag, self.version_id = etag, version_id
        if object_settings is not None:
            self.object_settings = ObjectSettings.of(object_settings)
        if metadata:
            self.metadata = metadata
        self._path = None if self._source is not None else to_filename or filename
        self._new_id = new_id() if self._source is not None and to_filename is None else None
        # Whether a row may hold the object already, so that another one needs a copy. What is known of it came from
        # somewhere; an object that is merely named, or that this very value saves, is free.
        self._owned = self._path is not None and (size is not None or etag is not None)

    def _fill(self, fields: Row) -> None:
        """Refer to an object by fields that were checked, in half the time of `__init__`: a page of rows is many files.

        What the class says already is not set again.
        """
        (
            self._backend_key,
            filename,
            self._path,
            self._content_type,
            self.size,
            self.last_modified,
            self.checksum,
            self.etag,
            self.version_id,
            metadata,
        ) = fields
        self._filename, self._owned = clean_label(filename), True
        if metadata:
            self._metadata = TrackedDict(metadata, self._changed)

    # --- what it is

    @property
    def filename(self) -> str:
        """The name a person gave."""
        return self._filename

    @property
    def name(self) -> str:
        """The same, as form libraries look for it."""
        return self._filename

    @property
    def to_filename(self) -> str | None:
        """The key that the caller named, if any."""
        return self._to_filename

    @property
    def path(self) -> str | None:
        """Key in the storage; None until one is chosen."""
        return self._path

    @property
    def content_type(self) -> str:
        """Media type: the one given, else the one that the name suggests."""
        if not self._content_type and self._guessed is None:
            from holdfast.inspection.extensions import guessed_type  # noqa: PLC0415  # `import holdfast` saves it

            self._guessed = guessed_type(self._filename)
        return self._content_type or str(self._guessed)

    @content_type.setter
    def content_type(self, value: str | None) -> None:
        self._content_type = value
        self._changed()

    @property
    def metadata(self) -> dict[str, Any]:
        """Fields of the caller's; changes in place are seen."""
        if self._metadata is None:
            self._metadata = TrackedDict({}, self._changed)
        return self._metadata

    @metadata.setter
    def metadata(self, value: Mapping[str, Any] | None) -> None:
        self._metadata = TrackedDict(value or {}, self._changed)
        self._changed()

    def update_metadata(self, metadata: Mapping[str, Any]) -> None:
        """Merge fields into the metadata."""
        self.metadata.update(metadata)

    @property
    def backend_key(self) -> str | None:
        """Name of the storage, whether it is registered or not."""
        return self._backend_key

    @property
    def backend(self) -> StorageBackend:
        """The storage; it equals its name.

        Raises:
            UnknownStorageError: It is not registered.
            ConfigurationError: The file names none.
            InvalidValueError: The row's value is not a file.
        """
        if self._problem is not None:
            raise InvalidValueError(self._problem)
        if self._backend_key is None:
            message = f'the file {self._filename!r} names no storage: FileObject(backend="…", …)'
            raise ConfigurationError(message)
        try:
            return storages.get(self._backend_key)
        except UnknownStorageError:
            if self._backend is None:
                raise
            return self._backend

    @property
    def has_pending_data(self) -> bool:
        """Whether it holds content that is not saved yet."""
        return self._source is not None

    @property
    def is_stored(self) -> bool:
        """Whether it refers to an object in a storage."""
        return self._source is None and self._path is not None

    # --- identity

    def __eq__(self, other: object) -> bool:
        """Stored files are equal by where they lie, all others by identity."""
        if self is other:
            return True
        if not isinstance(other, FileValue) or not (self.is_stored and other.is_stored):
            return NotImplemented if not isinstance(other, FileValue) else False
        return (self._backend_key, self._path) == (other._backend_key, other._path)

    def __hash__(self) -> int:
        # Pending files are equal by identity only, stored ones by where they lie. A save must not move the hash, so it
        # is that of the id in the key: of the first save, as no id is used twice.
        if self._identity is None:
            path = str(self._path or self._to_filename)
            self._identity = self._new_id or find_id(path) or path
        return hash(self._identity)

    def __str__(self) -> str:
        # What a template shows of it; the key is nobody's business there.
        return self._filename

    def __repr__(self) -> str:
        state = "pending" if self._source is not None else "stored" if self._path else "described"
        state = "malformed" if self._problem else state
        where = f" path={self._path!r}" if self._path else ""
        return f"<{type(self).__name__} {self._filename!r} {state} backend={self._backend_key!r}{where}>"

    # --- for the other half

    def _changed(self) -> None:
        if self._attachment is not None:
            self._attachment.changed(self)

    def _default_backend(self, key: str | None) -> None:
        if self._backend_key is None:
            self._backend_key = key

    def _key(self) -> str:
        """Return the key for I/O."""
        if self._problem is not None:
            raise InvalidValueError(self._problem)
        if self._source is not None:
            message = f"the file {self._filename!r} is not saved yet: flush its session, or call save()"
            raise PendingFileError(message)
        if self._path is None:
            message = f"{self._filename!r} is only a description of a file: it names no object in a storage"
            raise DescribedFileError(message)
        return self._path

    def _lie_at(self, path: str | None) -> None:
        """Refer to an object, or to none."""
        self._path = path
        self._new_id = new_id() if path is None else None
        self._identity = None

    def _take_id(self) -> str:
        """Return the id for a key; another one each time, also for another try of a save that failed."""
        self._identity = self._identity or self._new_id
        identifier, self._new_id = self._new_id or new_id(), None
        return identifier

    def _snapshot(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _CHANGING}

    def _restore(self, snapshot: dict[str, Any]) -> None:
        for name, value in snapshot.items():
            setattr(self, name, value)

    def _take_facts(self, info: ObjectInfo) -> None:
        self.size, self.last_modified = info.size, info.last_modified
        self.etag, self.version_id = info.etag, info.version_id

    def _become_stored(self, info: ObjectInfo, *, owned: bool) -> None:
        self._take_facts(info)
        self._path, self._source, self._owned, self._accepted_by = info.key, None, owned, None
        self.checksum = info.checksum

    def _become_accepted(self, rules: Rules, content_type: str | None) -> None:
        """Note what a column found."""
        self._accepted_by = rules
        if rules.accept:
            self._content_type = content_type

    def _become_claimed(self, info: ObjectInfo, claim: Claim) -> None:
        """Refer to an upload that was checked; the first row that gets it owns it, and settles the claim."""
        self._take_facts(info)
        self._lie_at(info.key)
        self.checksum, self._owned, self._claim = info.checksum, False, claim

    @property
    def _claim_here(self) -> Claim | None:
        """The claim that made this file, if it still refers to the same object."""
        claim = self._claim
        return claim if claim is not None and claim.file == (self._backend_key, self._path) else None

    @property
    def _open_claim(self) -> Claim | None:
        """The same, if no transaction has made it good yet."""
        claim = self._claim_here
        return None if claim is None or claim.is_used else claim

    def _become_deleted(self) -> None:
        """Know nothing any more, so that a row that gets this file looks it up."""
        self.size = self.last_modified = self.checksum = self.etag = self.version_id = self._accepted_by = None
