"""One of the storages of a mirror, and what its failures mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from holdfast.drivers.protocol import is_async_driver
from holdfast.drivers.threaded import ThreadedDriver
from holdfast.errors import HoldfastError, NotFoundError, StorageError
from holdfast.object_settings import ObjectSettings

if TYPE_CHECKING:
    from holdfast.drivers.protocol import AsyncDriver, Driver, PutOptions


class ReplicaError(Exception):
    """What one replica raised, with its meaning, which only its own driver knows.

    Attributes:
        name: The replica's name.
        kind: The meaning.
    """

    def __init__(self, name: str, kind: type[StorageError], error: BaseException) -> None:
        super().__init__(f"{error} (in {name!r})")
        self.name, self.kind = name, kind

    @property
    def is_missing(self) -> bool:
        """Whether the replica works and has no such object."""
        return issubclass(self.kind, NotFoundError)


class Replica(NamedTuple):
    """A storage that holds a copy of each object.

    Attributes:
        name: Its name, for messages.
        plain: Its driver, asked for what only some can do.
        driver: The same with both halves.
        settings: What its objects are written with, besides what is asked for.
    """

    name: str
    plain: Driver
    driver: AsyncDriver
    settings: ObjectSettings = ObjectSettings()

    @classmethod
    def of(cls, name: str, driver: Driver, settings: ObjectSettings = ObjectSettings()) -> Replica:  # noqa: B008  # a tuple
        """Return the replica on a driver."""
        return cls(name, driver, driver if is_async_driver(driver) else ThreadedDriver(driver), settings)

    def options(self, options: PutOptions) -> PutOptions:
        """Return the options of a put, with this replica's own settings."""
        return options._replace(settings=self.with_own(options.settings))

    def with_own(self, settings: ObjectSettings) -> ObjectSettings:
        """Return settings, and where there are none, this replica's own."""
        return settings.over(self.settings)

    def failure(self, error: BaseException) -> ReplicaError:
        """Return a failure with its meaning.

        Raises:
            BaseException: It is none of the storage's, but of the content or of the program.
        """
        if isinstance(error, ReplicaError):
            return error
        kind = type(error) if isinstance(error, StorageError) else self.driver.classify(error)
        if kind is None or (isinstance(error, HoldfastError) and not isinstance(error, StorageError)):
            raise error
        return ReplicaError(self.name, kind, error)
