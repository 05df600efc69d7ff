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

import os
from collections.abc import Sequence
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from threading import TIMEOUT_MAX
from typing import TYPE_CHECKING, Any

from holdfast.backends.base import StorageBackend
from holdfast.drivers.local import LocalDriver
from holdfast.drivers.wrappers.cache import CachedDriver, CacheFolder, is_foreign
from holdfast.drivers.wrappers.limits import LimitedDriver, Policy
from holdfast.drivers.wrappers.mirror import MirrorDriver, Replica
from holdfast.drivers.wrappers.prefix import PrefixDriver
from holdfast.drivers.wrappers.read_only import ReadOnlyDriver
from holdfast.errors import ConfigurationError, InvalidKeyError
from holdfast.keys import validate_key
from holdfast.object_settings import ObjectSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        except (InvalidKeyError, AttributeError, TypeError) as error:
            message = f'prefix={prefix!r} of storage {key!r} must be a folder such as "users/avatars"'
            raise ConfigurationError(message) from error
        super().__init__(key, PrefixDriver(inner, folder), storage, options)
        self.folder = folder


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

    A put with ``if_absent`` asks all of them whether the key is taken, since the first may have lost the object.

    Args:
        key: Name under which rows and files refer to the storage.
        storages: The storages, the one that decides first. They are to be used through this one only.
        require: Copies without which a put fails, the first among them. What was written then is taken back if the
            put had ``if_absent``, as those of the unit of work do.
        timeout: Seconds after which another storage than the first is given up for this put, if it makes no progress;
            None for never. Its copy counts as one that failed.
        **options: ``checksum``, ``max_concurrency``, ``key_scheme`` and ``object_settings`` of `StorageBackend`; left
            out, they are those of the first storage, and each writes with its own settings.

    Raises:
        ConfigurationError: There are less than two storages, two are the same place, one cannot be written or is a
            mirror itself, or a number is out of range.
    """

    def __init__(
        self,
        key: str,
        storages: Sequence[StorageBackend],
        *,
        require: int = 1,
        timeout: float | None = 30.0,
        **options: Any,
    ) -> None:
        self.storages = _parts(key, storages)
        _check_number(key, "require", require, least=1)
        if require > len(self.storages):
            message = f"require={require} of mirror {key!r} is more than its {len(self.storages)} storages"
            raise ConfigurationError(message)
        _check_seconds(key, timeout)
        replicas = [Replica.of(each.key, each._plain, each._object_settings) for each in self.storages]
        first = self.storages[0]
        defaults = {"checksum": first._algorithm, "key_scheme": first.key_scheme}
        super().__init__(key, MirrorDriver(replicas, require, timeout), **{**defaults, **options})


def _parts(key: str, storages: Any) -> tuple[StorageBackend, ...]:
    """Return the storages of a mirror, if they can be that."""
    if not isinstance(storages, Sequence):
        message = f"mirror {key!r} needs a list of storages, not {type(storages).__name__}: [first, second]"
        raise ConfigurationError(message)
    parts = tuple(storages)
    for part in parts:
        _inner(key, part)
        if mirror_behind(part) is not None:
            message = f"storage {part.key!r} stands on a mirror: list its storages in mirror {key!r} instead"
            raise ConfigurationError(message)
        if not part.abilities.writable:
            message = f"storage {part.key!r} cannot be written, so it cannot hold copies for mirror {key!r}"
            raise ConfigurationError(message)
    if len({part.key for part in parts}) < max(2, len(parts)):
        message = f"mirror {key!r} needs at least two storages, each of another name"
        raise ConfigurationError(message)
    for one, other in combinations(parts, 2):
        (place, folder), (other_place, other_folder) = _place(one), _place(other)
        if place == other_place and (folder.startswith(other_folder) or other_folder.startswith(folder)):
            message = (
                f"storages {one.key!r} and {other.key!r} of mirror {key!r} are the same place, or one in the other"
            )
            raise ConfigurationError(message)
    return parts


def _place(storage: StorageBackend) -> tuple[Any, str]:
    """Return where objects lie, as far as that can be told without asking: a driver, and a folder there."""
    *_, (bottom, folder) = levels(storage)
    driver = bottom._plain
    if isinstance(driver, LocalDriver):
        return LocalDriver, f"{os.path.realpath(driver.native)}/{folder}"
    return id(driver), folder


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
        _check_seconds(key, timeout)
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
        inner = _inner(key, storage)
        if mirror_behind(storage) is not None:
            message = (
                f"cache {key!r} cannot stand on a mirror, where the state of an object and its bytes may come from two "
                f"storages: put a CachedBackend around storages of the mirror instead"
            )
            raise ConfigurationError(message)
        _check_number(key, "max_bytes", max_bytes, least=1)
        if max_object_bytes is None:
            max_object_bytes = max_bytes // 4
        _check_number(key, "max_object_bytes", max_object_bytes, least=0)
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


def mirror_behind(storage: StorageBackend) -> MirrorBackend | None:
    """Return the mirror that a storage is or stands on, if there is one."""
    return next((each for each, _ in levels(storage) if isinstance(each, MirrorBackend)), None)


def levels(storage: StorageBackend) -> Iterator[tuple[StorageBackend, str]]:
    """Yield a storage and all that it stands on, each with what comes before the storage's keys there.

    Example:
        >>> from holdfast.backends.obstore import ObstoreBackend
        >>> shop = PrefixBackend("shop", ObstoreBackend("bucket", "memory://"), "shop")
        >>> [(each.key, folder) for each, folder in levels(PrefixBackend("avatars", shop, "public"))]
        [('avatars', ''), ('shop', 'public/'), ('bucket', 'shop/public/')]
    """
    yield storage, ""
    folder = f"{storage.folder}/" if isinstance(storage, PrefixBackend) else ""
    inner = storage.storages if isinstance(storage, MirrorBackend) else ()
    for part in (storage.inner,) if isinstance(storage, _Over) else inner:
        for each, before in levels(part):
            yield each, before + folder


def _inner(key: str, storage: StorageBackend) -> Driver:
    if not isinstance(storage, StorageBackend):
        message = f"storage {key!r} needs a storage to stand on, not {type(storage).__name__}"
        raise ConfigurationError(message)
    return storage._plain


def _check_number(key: str, name: str, value: Any, *, least: int) -> None:
    if type(value) is not int or value < least:
        message = f"{name}={value!r} of storage {key!r} must be a whole number, at least {least}"
        raise ConfigurationError(message)


def _check_seconds(key: str, timeout: Any) -> None:
    if timeout is not None and (type(timeout) not in {int, float} or not 0 < timeout <= TIMEOUT_MAX):
        message = f"timeout={timeout!r} of storage {key!r} must be seconds above 0, or None for no limit"
        raise ConfigurationError(message)
