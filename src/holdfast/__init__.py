"""Holdfast attaches files to SQLAlchemy rows, and a row and its bytes share one fate.

Example:
    >>> from holdfast import FileObject, StoredObject, storages
    >>> storage = storages.register_backend("memory://", key="docs")
"""

from holdfast.backends.base import StorageBackend
from holdfast.file import FileObject
from holdfast.orm.column import StoredObject
from holdfast.orm.outbox import Outbox
from holdfast.registry import storages

__all__ = ["FileObject", "Outbox", "StorageBackend", "StoredObject", "storages"]
