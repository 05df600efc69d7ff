"""The library's column type: Holdfast's, with the library's file objects as values."""

from __future__ import annotations

from typing import Any

from holdfast.contrib.advanced_alchemy.application import storage_of
from holdfast.contrib.advanced_alchemy.file import FileObject, Files
from holdfast.contrib.advanced_alchemy.registry import storages
from holdfast.orm import column


class BackendName(str):
    """Name of a storage, which answers like the storage."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(storages.get_backend(self), name)


class StoredObject(column.StoredObject):
    """`holdfast.StoredObject`."""

    cache_ok = True
    _file_class = FileObject
    _list_class = Files

    def __init__(
        self,
        backend: Any = None,
        multiple: bool = False,  # noqa: FBT001, FBT002  # the library's signature
        **options: Any,
    ) -> None:
        plain = backend is None or isinstance(backend, str)
        super().__init__(backend if plain else storage_of(backend), multiple, **options)
        if self.backend is not None:
            self.backend = BackendName(self.backend)

    @property
    def storage_key(self) -> str | None:
        """Name of the storage."""
        return None if self.backend is None else str(self.backend)


# Migrations name the type as they did.
StoredObject.__module__ = "advanced_alchemy.types.file_object.data_type"
