"""Several storages as one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from holdfast.backends.wrappers.places import overlaps
from holdfast.backends.wrappers.standing import StandingStorage, check_number, check_seconds, inner_driver, levels
from holdfast.drivers.wrappers.mirror import MirrorDriver, Replica
from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from holdfast.backends.base import StorageBackend


class MirrorBackend(StandingStorage):
    """Several storages that hold the same objects, so that one of them can fail.

    A put streams its content to all of them at once, in bounded memory. The first storage decides: a put succeeds when
    the first has the object, and the others complete theirs after it. What could not be copied is logged, and
    ``holdfast mirror`` makes up for it. Reads go to the first, and on to the next if it does not have the object or
    cannot be reached. A delete raises unless it was done everywhere, so that the outbox tries it again: what
    stayed behind would be read again.

    Signed and public URLs are the first storage's; what is uploaded with one is copied by ``holdfast mirror``.

    A put with ``if_absent`` asks all of them whether the key is taken, since the first may have lost the object.

    Args:
        key: Name under which rows and files refer to the storage.
        storages: The storages, the one that decides first. They are to be used through this one only.
        require: Copies without which a put fails, the first among them. What was written then is taken back if the
            put had ``if_absent``, as those of the unit of work do.
        timeout: Seconds after which another storage than the first is given up for this put, if it makes no progress;
            None for never. Its copy counts as one that failed.
        **options: ``checksum``, ``max_concurrency``, ``key_scheme``, ``object_settings`` and ``public_url`` of
            `StorageBackend`; left out, they are those of the first storage, and each writes with its own settings.

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
        check_number(key, "require", require, least=1)
        if require > len(self.storages):
            message = f"require={require} of mirror {key!r} is more than its {len(self.storages)} storages"
            raise ConfigurationError(message)
        check_seconds(key, timeout)
        replicas = [Replica.of(each.key, each._plain, each._object_settings) for each in self.storages]
        first = self.storages[0]
        defaults = {"checksum": first._algorithm, "key_scheme": first.key_scheme}
        super().__init__(key, MirrorDriver(replicas, require, timeout), **{**defaults, **options})


def mirror_behind(storage: StorageBackend) -> MirrorBackend | None:
    """Return the mirror that a storage is or stands on, if there is one."""
    return next((each for each, _ in levels(storage) if isinstance(each, MirrorBackend)), None)


def _parts(key: str, storages: Any) -> tuple[StorageBackend, ...]:
    """Return the storages of a mirror, if they can be that."""
    if not isinstance(storages, Sequence):
        message = f"mirror {key!r} needs a list of storages, not {type(storages).__name__}: [first, second]"
        raise ConfigurationError(message)
    parts = tuple(storages)
    for part in parts:
        inner_driver(key, part)
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
        if overlaps(one, other):
            message = (
                f"storages {one.key!r} and {other.key!r} of mirror {key!r} are the same place, or one in the other"
            )
            raise ConfigurationError(message)
    return parts
