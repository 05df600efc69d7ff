"""A cache on a local disk."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.backends.wrappers.mirror import mirror_behind
from holdfast.backends.wrappers.standing import OverStorage, check_number, inner_driver
from holdfast.drivers.wrappers.cache import CachedDriver, CacheFolder, is_foreign
from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    import os

    from holdfast.backends.base import StorageBackend


class CachedBackend(OverStorage):
    """A storage whose objects are kept on a local disk when they are read.

    Each read first asks the storage for the state of the object, and serves a copy of that very state only: nothing is
    served after an overwrite or a delete, whoever did it. Without entity tags the time of the last change has to do,
    so what was changed within the last two minutes is not kept; with them it is two seconds.

    What was used longest ago goes when room is needed. The folder outlives the process and may be shared by several.
    A disk that is full or broken is logged, and reads go to the storage.

    Args:
        key: Name under which rows and files refer to the storage.
        storage: The storage that holds the objects; no mirror, whose storages can have caches instead.
        folder: Where copies are kept: an absolute path, for caches alone. It is made if need be and marked with a
            ``CACHEDIR.TAG``; one that holds something and has no such mark is refused. Files have mode 0600.
        max_bytes: How much all copies may take.
        max_object_bytes: Larger objects are not kept; a quarter of `max_bytes` if left out. Of objects above 8 MiB
            only those are kept that are read from beginning to end.
        **options: See `PrefixBackend`.

    Raises:
        ConfigurationError: The folder is relative or holds something else, or a number is out of range.
    """

    def __init__(
        self,
        key: str,
        storage: StorageBackend,
        *,
        folder: str | os.PathLike[str],
        max_bytes: int,
        max_object_bytes: int | None = None,
        **options: Any,
    ) -> None:
        inner = inner_driver(key, storage)
        if mirror_behind(storage) is not None:
            message = (
                f"cache {key!r} cannot stand on a mirror, where the state of an object and its bytes may come from two "
                f"storages: put a CachedBackend around storages of the mirror instead"
            )
            raise ConfigurationError(message)
        check_number(key, "max_bytes", max_bytes, least=1)
        if max_object_bytes is None:
            max_object_bytes = max_bytes // 4
        check_number(key, "max_object_bytes", max_object_bytes, least=0)
        root = _cache_folder(key, folder)
        driver = CachedDriver(inner, CacheFolder(root, max_bytes, key), min(max_object_bytes, max_bytes))
        super().__init__(key, driver, storage, options)


def _cache_folder(key: str, folder: str | os.PathLike[str]) -> Path:
    try:
        root = Path(folder)
    except TypeError as error:
        message = f"folder={folder!r} of storage {key!r} must be a path"
        raise ConfigurationError(message) from error
    if not root.is_absolute():
        message = f'folder={str(folder)!r} of storage {key!r} must be absolute: "{root.absolute()}"'
        raise ConfigurationError(message)
    with suppress(OSError):  # a broken disk is told when it is used, and does not stop the program
        if is_foreign(root):
            message = (
                f"folder={str(folder)!r} of storage {key!r} holds files that are no cache: give it a folder of its own"
            )
            raise ConfigurationError(message)
    return root
