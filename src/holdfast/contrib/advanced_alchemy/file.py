"""The library's file object: Holdfast's, called as applications call it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from advanced_alchemy.types.mutables import MutableList

from holdfast import file
from holdfast.contrib.advanced_alchemy import registry
from holdfast.contrib.advanced_alchemy.application import ApplicationStorage, storage_of
from holdfast.contrib.advanced_alchemy.backends import protocol_of, span
from holdfast.contrib.advanced_alchemy.errors import NoContentError, TwoContentsError
from holdfast.errors import UnknownStorageError
from holdfast.orm.filelist import FileList

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from holdfast.backends.base import StorageBackend
    from holdfast.object_settings import ObjectSettingsLike
    from holdfast.saving import Saving


class FileObject(file.FileObject):
    """`holdfast.FileObject`, whose arguments may also be given by position."""

    def __init__(  # noqa: PLR0917  # the library's signature
        self,
        backend: Any = None,
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
        content: Any = None,
        *,
        object_settings: ObjectSettingsLike = None,
    ) -> None:
        if content is not None and source_path is not None:
            message = "Cannot provide both 'source_content' and 'source_path' during initialization."
            raise TwoContentsError(message)
        super().__init__(
            backend=backend if backend is None or isinstance(backend, str) else storage_of(backend),
            filename=filename,
            to_filename=to_filename,
            content_type=content_type,
            size=size,
            last_modified=last_modified,
            checksum=checksum,
            etag=etag,
            version_id=version_id,
            metadata=metadata,
            source_path=source_path,
            content=content,
            object_settings=object_settings,
        )

    def __repr__(self) -> str:
        shown = ("size", "content_type", "etag", "last_modified", "version_id")
        facts = ", ".join(f"{name}={getattr(self, name)}" for name in shown)
        return f"FileObject(filename={self.path or self.filename}, backend={self.backend_key}, {facts})"

    @property
    def path(self) -> str | None:
        """Key in the storage; None until one is chosen."""
        return self._to_filename if self._path is None and self._source is not None else self._path

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that a row holds; the key only where the name is not the key, as in the library's rows."""
        fields = super().to_dict()
        if fields["to_filename"] in {None, fields["filename"]}:
            del fields["to_filename"]
        return fields

    @property
    def backend(self) -> StorageBackend:
        """The storage; it equals its name."""
        if self._problem is not None or self._backend_key is None:
            return super().backend
        try:
            found: StorageBackend = storage_of(registry.storages.get_backend(self._backend_key))
        except UnknownStorageError:
            if self._backend is None:
                raise
            return self._backend
        return found

    @property
    def protocol(self) -> str:
        """Name of the storage's service, such as ``"s3"`` or ``"file"``."""
        return protocol_of(self.backend)

    def get_content(self, *, start: int = 0, end: int | None = None, options: dict[str, Any] | None = None) -> bytes:
        """Return the bytes, or those from `start` to `end`."""
        storage = self.backend
        if isinstance(storage, ApplicationStorage) and start == 0 and end is None:
            return storage.content(self._key(), options)
        return super().get_content(**{"start": start, "end": end, **span(options)})

    async def get_content_async(
        self, *, start: int = 0, end: int | None = None, options: dict[str, Any] | None = None
    ) -> bytes:
        """Like `get_content`."""
        storage = self.backend
        if isinstance(storage, ApplicationStorage) and start == 0 and end is None:
            return await storage.content_async(self._key(), options)
        return await super().get_content_async(**{"start": start, "end": end, **span(options)})

    def sign(self, *, expires_in: int | None = None, for_upload: bool = False, **options: Any) -> str:
        """Return a URL that reads, or with `for_upload` writes, this object without credentials."""
        storage = self.backend
        if isinstance(storage, ApplicationStorage) and not options:
            return str(storage.sign(self._key(), expires_in=expires_in, for_upload=for_upload))
        return super().sign(expires_in=3600 if expires_in is None else expires_in, for_upload=for_upload, **options)

    async def sign_async(self, *, expires_in: int | None = None, for_upload: bool = False, **options: Any) -> str:
        """Like `sign`."""
        storage = self.backend
        if isinstance(storage, ApplicationStorage) and not options:
            return str(await storage.sign_async(self._key(), expires_in=expires_in, for_upload=for_upload))
        expires_in = 3600 if expires_in is None else expires_in
        return await super().sign_async(expires_in=expires_in, for_upload=for_upload, **options)

    def _start(self, data: Any, **options: Any) -> Saving | None:
        nothing = data is None and self._source is None and self.size is None and self.etag is None
        if nothing and self._path is not None and self._problem is None:
            message = "No data provided and no pending content/path found to save."
            raise NoContentError(message)
        return super()._start(data, **options)


_Item = TypeVar("_Item")


class Files(FileList, MutableList[_Item]):  # type: ignore[misc]  # both are lists, with names of their own
    """The list in a column of several files; a ``MutableList`` to those who ask."""


FileObjectList = Files[FileObject]
"""What a model's annotation calls it; Litestar's DTOs need to know the items, as in the library's own."""
