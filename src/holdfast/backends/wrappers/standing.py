"""What storages over storages have in common, and what can be asked of a stack of them."""

from __future__ import annotations

from threading import TIMEOUT_MAX
from typing import TYPE_CHECKING, Any

from holdfast.backends.base import StorageBackend
from holdfast.errors import ConfigurationError
from holdfast.object_settings import ObjectSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.drivers.protocol import Driver


class StandingStorage(StorageBackend):
    """A storage that stands on others.

    Attributes:
        storages: Those it stands on.
        folder: Where its keys begin in them.
    """

    storages: tuple[StorageBackend, ...] = ()
    folder: str = ""

    def public_url_of(self, key: str) -> str | None:
        """Return its own, or the one of the first storage that it stands on."""
        own = super().public_url_of(key)
        if own is not None or not self.storages:
            return own
        return self.storages[0].public_url_of(f"{self.folder}/{key}" if self.folder else key)


class OverStorage(StandingStorage):
    """A storage over another, from which it takes what it is not told itself.

    Attributes:
        inner: The other one.
    """

    def __init__(self, key: str, driver: Driver, storage: StorageBackend, options: dict[str, Any]) -> None:
        inherited = storage._object_settings if driver.abilities.writable else None
        settings = ObjectSettings.of(options.pop("object_settings", None)).over(ObjectSettings.of(inherited))
        defaults = {"checksum": storage._algorithm, "key_scheme": storage.key_scheme}
        super().__init__(key, driver, **{**defaults, **options}, object_settings=settings)
        self.inner, self.storages = storage, (storage,)


def levels(storage: StorageBackend) -> Iterator[tuple[StorageBackend, str]]:
    """Yield a storage and all that it stands on, each with what comes before the storage's keys there.

    Example:
        >>> from holdfast.backends.obstore import ObstoreBackend
        >>> from holdfast.backends.wrappers import PrefixBackend
        >>> shop = PrefixBackend("shop", ObstoreBackend("bucket", "memory://"), "shop")
        >>> [(each.key, folder) for each, folder in levels(PrefixBackend("avatars", shop, "public"))]
        [('avatars', ''), ('shop', 'public/'), ('bucket', 'shop/public/')]
    """
    yield storage, ""
    if isinstance(storage, StandingStorage):
        folder = f"{storage.folder}/" if storage.folder else ""
        for part in storage.storages:
            for each, before in levels(part):
                yield each, before + folder


def inner_driver(key: str, storage: StorageBackend) -> Driver:
    """Return the driver of a storage to stand on.

    Raises:
        ConfigurationError: It is none.
    """
    if not isinstance(storage, StorageBackend):
        message = f"storage {key!r} needs a storage to stand on, not {type(storage).__name__}"
        raise ConfigurationError(message)
    return storage._plain


def check_number(key: str, name: str, value: Any, *, least: int) -> None:
    """Refuse what is no whole number, or too small."""
    if type(value) is not int or value < least:
        message = f"{name}={value!r} of storage {key!r} must be a whole number, at least {least}"
        raise ConfigurationError(message)


def check_seconds(key: str, timeout: Any) -> None:
    """Refuse what is no time to wait."""
    if timeout is not None and (type(timeout) not in {int, float} or not 0 < timeout <= TIMEOUT_MAX):
        message = f"timeout={timeout!r} of storage {key!r} must be seconds above 0, or None for no limit"
        raise ConfigurationError(message)
