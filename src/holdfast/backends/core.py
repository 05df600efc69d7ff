"""What every part of a storage needs: its name, its driver, its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.backends.batch import BatchWriter
from holdfast.backends.option_values import count
from holdfast.backends.wrapping import Wrapping
from holdfast.checksums import hash_factory
from holdfast.drivers.protocol import AsyncDriver, Driver, is_async_driver
from holdfast.drivers.threaded import ThreadedDriver
from holdfast.errors import AlreadyExistsError, ConfigurationError
from holdfast.object_settings import NO_SETTINGS, ObjectSettings, ObjectSettingsLike
from holdfast.schemes import KeyScheme, check_scheme

if TYPE_CHECKING:
    from holdfast.drivers.abilities import Abilities

_EXAMPLE = "https://cdn.example.com/"


class StorageCore:
    """Name, driver and settings of a `StorageBackend`, whose docstring describes them."""

    def __init__(
        self,
        key: str,
        driver: Driver,
        *,
        checksum: str | None = "sha256",
        max_concurrency: int = 16,
        key_scheme: KeyScheme | None = None,
        object_settings: ObjectSettingsLike = None,
        public_url: str | None = None,
    ) -> None:
        if not key or type(key) is not str:
            message = f"a storage needs a name: key={key!r} is not a non-empty string"
            raise ConfigurationError(message)
        count(f"storage {key!r}: max_concurrency", max_concurrency)
        check_scheme(key_scheme)
        self.key = key
        self.key_scheme = key_scheme
        self.public_url = None if public_url is None else _web_address(public_url)
        self._plain = driver  # asked for what only some can do; the wrapper with an async half cannot tell
        self._driver: AsyncDriver = driver if is_async_driver(driver) else ThreadedDriver(driver)
        self._algorithm = checksum
        self._new_hash = hash_factory(checksum)
        self._wrapping = Wrapping(key, self._driver)
        self._batch = BatchWriter(key, driver, max_concurrency, self._wrapping)
        self._object_settings = self._checked(ObjectSettings.of(object_settings))
        if (check := getattr(driver, "check_settings", None)) is not None:
            check(self._object_settings)

    @property
    def native(self) -> Any:
        """The library's own object behind the storage: an obstore store, an fsspec file system, a root `Path`."""
        return self._driver.native

    @property
    def abilities(self) -> Abilities:
        """What the service keeps and guarantees, and what it does not."""
        return self._driver.abilities

    @property
    def checksum_algorithm(self) -> str | None:
        """Algorithm of the checksums that writes compute; None if they compute none."""
        return self._algorithm

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.key!r}>"

    def __eq__(self, other: object) -> bool:
        """A storage equals its key and every storage of the same key."""
        return self.key == (other.key if isinstance(other, StorageCore) else other)

    def __hash__(self) -> int:
        return hash(self.key)

    def _checked(self, settings: ObjectSettings) -> ObjectSettings:
        if settings is NO_SETTINGS:  # nearly always
            return settings
        if unknown := settings.given - self.abilities.settings:
            there_are = ", ".join(sorted(self.abilities.settings)) or "none"
            message = (
                f"storage {self.key!r} has no {' and no '.join(sorted(unknown))} among its object_settings"
                f" (there are: {there_are})"
            )
            raise ConfigurationError(message)
        return settings

    def taken(self, operation: str, key: str) -> AlreadyExistsError:
        """Return the error for a key that is in use."""
        return self._wrapping.taken(operation, key)


def _web_address(public_url: str) -> str:
    from holdfast.signed_urls import web_address  # noqa: PLC0415  # `import holdfast` need not pay for signing

    return web_address("public_url", public_url, _EXAMPLE)
