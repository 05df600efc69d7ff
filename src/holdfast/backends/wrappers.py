"""Storages over storages: a folder of one, one that cannot be changed, one with retries, several as one, a cache.

They can be put around each other. The storage inside need not be registered.

Example:
    >>> from holdfast.backends.obstore import ObstoreBackend
    >>> shop = ObstoreBackend("shop", "memory://")
    >>> avatars = PrefixBackend("avatars", shop, "public/avatars")
    >>> avatars.put("ada.png", b"...").key
    'ada.png'
    >>> [info.key for info in shop.list()]
    ['public/avatars/ada.png']
    >>> archive = ReadOnlyBackend("archive", avatars)
    >>> archive.read("ada.png")
    b'...'
    >>> archive.delete("ada.png")
    Traceback (most recent call last):
    holdfast.errors.UnsupportedError: delete of 'ada.png' in storage 'archive' failed: this storage is read-only.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.backends.base import StorageBackend
from holdfast.drivers.wrappers.cache import CachedDriver, CacheFolder
from holdfast.drivers.wrappers.limits import LimitedDriver, Policy
from holdfast.drivers.wrappers.mirror import MirrorDriver, Replica
from holdfast.drivers.wrappers.prefix import PrefixDriver
from holdfast.drivers.wrappers.read_only import ReadOnlyDriver
from holdfast.errors import ConfigurationError, InvalidKeyError
from holdfast.keys import validate_key
from holdfast.object_settings import ObjectSettings

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from holdfast.drivers.protocol import Driver


class _Over(StorageBackend):
    """A storage over another, from which it takes what it is not told itself."""

    def __init__(self, key: str, driver: Driver, storage: StorageBackend, options: dict[str, Any]) -> None:
        inherited = storage._object_settings if driver.abilities.writable else None
        settings = ObjectSettings.of(options.pop("object_settings", None)).over(ObjectSettings.of(inherited))
        defaults = {"checksum": storage._algorithm, "key_scheme": storage.key_scheme}
        super().__init__(key, driver, **{**defaults, **options}, object_settings=settings)
        self.inner = storage


class PrefixBackend(_Over):
    """A folder of a storage as a storage of its own, whose keys are relative to it and cannot leave it.

    Args:
        key: Name under which rows and files refer to the storage.
        storage: The storage that holds the folder.
        prefix: The folder.
        **options: ``checksum``, ``max_concurrency``, ``key_scheme`` and ``object_settings`` of `StorageBackend`;
            left out, they are those of `storage`.

    Raises:
        ConfigurationError: The folder cannot be one.
    """

    def __init__(self, key: str, storage: StorageBackend, prefix: str, **options: Any) -> None:
        inner = _inner(key, storage)
        try:
            folder = validate_key(prefix.strip("/"))
        except (InvalidKeyError, AttributeError) as error:
            message = f'prefix={prefix!r} of storage {key!r} must be a folder such as "users/avatars"'
            raise ConfigurationError(message) from error
        super().__init__(key, PrefixDriver(inner, folder), storage, options)


class ReadOnlyBackend(_Over):
    """A storage that is read and never changed.

    Puts, deletes, copies and URLs for uploads raise `holdfast.errors.UnsupportedError`. A row whose file is here can be
    deleted or get another file all the same: its file stays.

    Args:
        key: Name under which rows and files refer to the storage.
        storage: The storage that is read.
        **options: See `PrefixBackend`.
    """

    def __init__(self, key: str, storage: StorageBackend, **options: Any) -> None:
        super().__init__(key, ReadOnlyDriver(_inner(key, storage)), storage, options)


class MirrorBackend(StorageBackend):
    """Several storages that hold the same objects, so that one of them can fail.

    A put streams its content to all of them at once, in bounded memory. The first storage decides: a put succeeds when
    the first has the object, and the others complete theirs after it. What could not be copied is logged, and
    ``holdfast mirror`` makes up for it. Reads go to the first, and on to the next if it does not have the object or
    cannot be reached. A delete raises unless it was done everywhere, so that the outbox tries it again: what
    stayed behind would be read again.

    Signed URLs are the first storage's; what is uploaded with one is copied by ``holdfast mirror``.

    Args:
        key: Name under which rows and files refer to the storage.
        storages: The storages, the one that decides first. They are to be used through this one only.
        require: Copies without which a put fails, the first among them. What was written then is taken back if the
            put had ``if_absent``, as those of the unit of work do.
        **options: ``checksum``, ``max_concurrency``, ``key_scheme`` and ``object_settings`` of `StorageBackend`; left
            out, they are those of the first storage, and each writes with its own settings.

    Raises:
        ConfigurationError: There are less than two storages, one is given twice, or `require` is out of range.
    """

    def __init__(self, key: str, storages: Sequence[StorageBackend], *, require: int = 1, **options: Any) -> None:
        self.storages = tuple(storages)
        drivers = [_inner(key, storage) for storage in self.storages]
        replicas = [
            Replica.of(storage.key, driver, storage._object_settings)
            for storage, driver in zip(self.storages, drivers, strict=True)
        ]
        if len({storage.key for storage in self.storages}) < max(2, len(replicas)):
            message = f"mirror {key!r} needs at least two storages, each of another name"
            raise ConfigurationError(message)
        _check_number(key, "require", require, least=1)
        if require > len(replicas):
            message = f"require={require} of mirror {key!r} is more than its {len(replicas)} storages"
            raise ConfigurationError(message)
        first = self.storages[0]
        defaults = {"checksum": first._algorithm, "key_scheme": first.key_scheme}
        super().__init__(key, MirrorDriver(replicas, require), **{**defaults, **options})


class LimitedBackend(_Over):
    """A storage whose operations are repeated, given up when they hang, and limited in number.

    For services that do not do so by themselves: SFTP, FTP, WebDAV, network drives. obstore has retries and timeouts
    of its own, which are options of `holdfast.backends.obstore.ObstoreBackend`.

    What timed out, was throttled or could not be reached is tried again, after a random pause that may be longer each
    time. A put is repeated if its content can be read again, else it raises what failed. A stream goes on with the next
    byte, if the object is still the same.

    Python cannot end a thread. A call that hangs in a library without an async half is left alone in its thread,
    with its connection: its put may still take effect after it was reported as timed out, and it is not repeated.

    Args:
        key: Name under which rows and files refer to the storage.
        storage: The storage that does the work.
        retries: Further attempts after one that failed.
        timeout: Seconds without any progress after which an attempt is given up, None for never. What is sent as one
            request has to be through in this time: a put up to 8 MiB, or one without multipart. Time in which content
            to be stored is waited for does not count.
        max_concurrency: Requests under way at once, over all threads and event loops; None for no limit. It limits the
            uploads of a flush as well.
        **options: See `PrefixBackend`.

    Raises:
        ConfigurationError: A limit is out of range.
    """

    def __init__(
        self,
        key: str,
        storage: StorageBackend,
        *,
        retries: int = 3,
        timeout: float | None = 60.0,
        max_concurrency: int | None = None,
        **options: Any,
    ) -> None:
        inner = _inner(key, storage)
        _check_number(key, "retries", retries, least=0)
        if timeout is not None and (isinstance(timeout, bool) or not 0 < timeout < float("inf")):
            message = f"timeout={timeout!r} of storage {key!r} must be seconds above 0, or None"
            raise ConfigurationError(message)
        if max_concurrency is not None:
            _check_number(key, "max_concurrency", max_concurrency, least=1)
            options["max_concurrency"] = max_concurrency
        super().__init__(key, LimitedDriver(inner, Policy(retries, timeout), max_concurrency), storage, options)


class CachedBackend(_Over):
    """A storage whose objects are kept on a local disk when they are read.

    Each read first asks the storage for the state of the object, and serves a copy of that very state only: nothing is
    served after an overwrite or a delete, whoever did it. Without entity tags the time of the last change has to do,
    so what was changed within the last two minutes is not kept; with them it is two seconds.

    What was used longest ago goes when room is needed. The folder outlives the process and may be shared by several.
    A disk that is full or broken is logged, and reads go to the storage.

    Args:
        key: Name under which rows and files refer to the storage.
        storage: The storage that holds the objects.
        folder: Where copies are kept: an absolute path, for caches of this storage alone. It is made if need be,
            and files in it have mode 0600.
        max_bytes: How much all copies may take.
        max_object_bytes: Larger objects are not kept; a quarter of `max_bytes` if left out. Of objects above 8 MiB
            only those are kept that are read from beginning to end.
        **options: See `PrefixBackend`.

    Raises:
        ConfigurationError: The folder is relative, or a number is out of range.
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
        inner = _inner(key, storage)
        _check_number(key, "max_bytes", max_bytes, least=1)
        if max_object_bytes is None:
            max_object_bytes = max_bytes // 4
        _check_number(key, "max_object_bytes", max_object_bytes, least=0)
        root = Path(folder)
        if not root.is_absolute():
            message = f'folder={str(folder)!r} of storage {key!r} must be absolute: "{root.absolute()}"'
            raise ConfigurationError(message)
        driver = CachedDriver(inner, CacheFolder(root, max_bytes, key), min(max_object_bytes, max_bytes))
        super().__init__(key, driver, storage, options)


def mirror_behind(storage: StorageBackend) -> MirrorBackend | None:
    """Return the mirror that a storage is or stands on, if there is one."""
    while isinstance(storage, _Over):
        storage = storage.inner
    return storage if isinstance(storage, MirrorBackend) else None


def _inner(key: str, storage: StorageBackend) -> Driver:
    if not isinstance(storage, StorageBackend):
        message = f"storage {key!r} needs a storage to stand on, not {type(storage).__name__}"
        raise ConfigurationError(message)
    return storage._plain


def _check_number(key: str, name: str, value: Any, *, least: int) -> None:
    if type(value) is not int or value < least:
        message = f"{name}={value!r} of storage {key!r} must be a whole number, at least {least}"
        raise ConfigurationError(message)
