"""A storage that is moving to another place while it is in use."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from holdfast.backends.observing import observers
from holdfast.backends.option_values import count
from holdfast.backends.signing import Signing
from holdfast.backends.wrappers.places import overlaps
from holdfast.backends.wrappers.standing import StandingStorage, inner_driver, levels
from holdfast.drivers.closing import aclose
from holdfast.drivers.wrappers.gradual import GradualDriver, Pair
from holdfast.drivers.wrappers.mirror import Replica
from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from holdfast.backends.base import StorageBackend


class GradualBackend(StandingStorage):
    """A storage that writes to a new place and still reads from the old one.

    Reads look into the new storage, then into the old one, then into the new one again, for an object that moved in
    between. Listings show both; where both have a key, the new one counts. A put with ``if_absent`` asks both. A delete
    is done in both. `holdfast.maintenance.settle` moves the objects; until then nothing leaves the old storage.

    An old storage that is only read, such as a `ReadOnlyBackend`, keeps its objects: what is deleted here stays there,
    and is read again.

    Signed URLs are those of the storage in which an object is; an object of an old one that signs nothing gets one of
    Holdfast's own, as `StorageBackend.sign` says.

    Args:
        key: Name under which rows and files refer to the storage: the one that the old storage had.
        new: Where objects are written to.
        old: Where they come from. Both are to be used through this storage only.
        **options: ``checksum``, ``max_concurrency``, ``key_scheme``, ``object_settings`` and ``public_url`` of
            `StorageBackend`; left out, they are those of the new storage. A ``public_url`` has to show both, so
            there is none unless it is given here.

    Raises:
        ConfigurationError: The two are the same place or have the same name, or the new one cannot be written.

    Attributes:
        new: As given.
        old: As given.

    Example:
        >>> from holdfast.backends.obstore import ObstoreBackend
        >>> disk, cloud = ObstoreBackend("disk", "memory://"), ObstoreBackend("cloud", "memory://")
        >>> disk.put("plan.txt", b"Plan A").size
        6
        >>> docs = GradualBackend("docs", new=cloud, old=disk)
        >>> docs.put("other.txt", b"Plan B").size
        6
        >>> [info.key for info in docs.list()], [info.key for info in cloud.list()]
        (['other.txt', 'plan.txt'], ['other.txt'])
        >>> docs.read("plan.txt"), docs.reads_from_old, docs.remaining()
        (b'Plan A', 1, 1)
    """

    def __init__(self, key: str, *, new: StorageBackend, old: StorageBackend, **options: Any) -> None:
        drivers = [inner_driver(key, storage) for storage in (new, old)]
        _check(key, new, old)
        self.new, self.old = new, old
        self.storages = (new, old)
        self._pair = Pair(
            Replica.of(new.key, drivers[0], new._object_settings),
            Replica.of(old.key, drivers[1]),
            partial(observers.read_from_old, key),
        )
        defaults = {"checksum": new._algorithm, "key_scheme": new.key_scheme}
        super().__init__(key, GradualDriver(self._pair), **{**defaults, **options})

    @property
    def reads_from_old(self) -> int:
        """How often the old storage had to answer in this process: reads, stats and URLs of what has not moved."""
        return self._pair.answers

    def remaining(self, limit: int | None = None) -> int:
        """Return how many objects are still in the old storage.

        Args:
            limit: How many to count at most.

        Raises:
            UnsupportedError: The old storage cannot be listed.
        """
        if limit is not None:
            count("limit", limit)
        return sum(1 for _ in islice(self.old.list(), limit))

    async def remaining_async(self, limit: int | None = None) -> int:
        """Like `remaining`."""
        if limit is not None:
            count("limit", limit)
        found, counted = self.old.list_async(), 0
        try:
            async for _ in found:
                counted += 1
                if counted == limit:
                    break
        finally:
            await aclose(found)
        return counted

    def public_url_of(self, key: str) -> str | None:
        """Return the URL by its own ``public_url`` only: nobody knows in which of the two an object is."""
        return Signing.public_url_of(self, key)


def gradual_behind(storage: StorageBackend) -> GradualBackend | None:
    """Return the storage that is moving and that another one is, or stands on; None if there is none."""
    return next((each for each, _ in levels(storage) if isinstance(each, GradualBackend)), None)


def _check(key: str, new: StorageBackend, old: StorageBackend) -> None:
    if new.key == old.key:
        message = f"the storages that {key!r} goes from and to are both called {new.key!r}: give them two names"
        raise ConfigurationError(message)
    if not new.abilities.writable:
        message = f"storage {new.key!r} cannot be written, so {key!r} cannot go there"
        raise ConfigurationError(message)
    if overlaps(new, old):
        message = f"storages {new.key!r} and {old.key!r} of {key!r} are the same place, or one in the other"
        raise ConfigurationError(message)
