"""The key of an upload, chosen by the server as for any file of its column, and the column's name in a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.claim import marker_key
from holdfast.errors import ConfigurationError
from holdfast.file import FileObject
from holdfast.keys import new_id, validate_key
from holdfast.schemes import KeyContext, make_key

if TYPE_CHECKING:
    from holdfast.backends.base import StorageBackend
    from holdfast.uploads.targets import Target


def column_name(target: Target) -> str:
    """Return what a column is called in a token: a ticket for one is no use for another.

    The same column has the same name in each process, and for as long as its table and attribute are not renamed.
    """
    return f"{target.table}.{target.place.column}"


def fresh_key(target: Target, storage: StorageBackend, filename: str, content_type: str) -> str:
    """Return a key for an upload.

    Raises:
        ConfigurationError: The key scheme needs a row, which an upload has not.
        InvalidKeyError: The key scheme's result cannot be a key.
    """
    place = target.place
    file = FileObject(backend=storage, filename=filename, content_type=content_type)
    scheme = place.scheme or storage.key_scheme
    try:
        key = make_key(scheme, KeyContext(new_id(), file, None, place.model, place.column))
    except AttributeError as error:  # of None, in a function
        message = f"the key scheme of {column_name(target)} uses the row, and a direct upload has none: {error}"
        raise ConfigurationError(message) from error
    validate_key(marker_key(key))
    return key
