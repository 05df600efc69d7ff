"""A folder of a storage, and a storage that cannot be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.backends.wrappers.standing import OverStorage, inner_driver
from holdfast.drivers.wrappers.prefix import PrefixDriver
from holdfast.drivers.wrappers.read_only import ReadOnlyDriver
from holdfast.errors import ConfigurationError, InvalidKeyError
from holdfast.keys import validate_key

if TYPE_CHECKING:
    from holdfast.backends.base import StorageBackend


class PrefixBackend(OverStorage):
    """A folder of a storage as a storage of its own, whose keys are relative to it and cannot leave it.

    Args:
        key: Name under which rows and files refer to the storage.
        storage: The storage that holds the folder.
        prefix: The folder.
        **options: ``checksum``, ``max_concurrency``, ``key_scheme``, ``object_settings`` and ``public_url`` of
            `StorageBackend`; left out, they are those of `storage`.

    Raises:
        ConfigurationError: The folder cannot be one.
    """

    def __init__(self, key: str, storage: StorageBackend, prefix: str, **options: Any) -> None:
        inner = inner_driver(key, storage)
        try:
            folder = validate_key(prefix.strip("/"))
        except (InvalidKeyError, AttributeError, TypeError) as error:
            message = f'prefix={prefix!r} of storage {key!r} must be a folder such as "users/avatars"'
            raise ConfigurationError(message) from error
        super().__init__(key, PrefixDriver(inner, folder), storage, options)
        self.folder = folder


class ReadOnlyBackend(OverStorage):
    """A storage that is read and never changed.

    Puts, deletes, copies and URLs for uploads raise `holdfast.errors.UnsupportedError`. A row whose file is here can be
    deleted or get another file all the same: its file stays.

    Args:
        key: Name under which rows and files refer to the storage.
        storage: The storage that is read.
        **options: See `PrefixBackend`.
    """

    def __init__(self, key: str, storage: StorageBackend, **options: Any) -> None:
        super().__init__(key, ReadOnlyDriver(inner_driver(key, storage)), storage, options)
