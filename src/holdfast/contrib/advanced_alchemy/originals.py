"""The library's own names, as they are before anything is replaced."""

from __future__ import annotations

from typing import Any

from advanced_alchemy.types.file_object import FileObject, FileObjectList, StorageBackend, StoredObject, storages
from advanced_alchemy.types.file_object.backends.obstore import ObstoreBackend
from advanced_alchemy.types.file_object.registry import StorageRegistry

FSSpecBackend: Any
try:
    from advanced_alchemy.types.file_object.backends.fsspec import FSSpecBackend
except ImportError:  # fsspec is not installed, and whoever imports that module is told so by the library
    FSSpecBackend = None

__all__ = [
    "FSSpecBackend",
    "FileObject",
    "FileObjectList",
    "ObstoreBackend",
    "StorageBackend",
    "StorageRegistry",
    "StoredObject",
    "storages",
]
