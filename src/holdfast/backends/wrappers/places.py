"""Whether two storages are the same place, so that what is deleted in one is gone from the other as well.

As far as that can be told without asking: two addresses of one server look like two places.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from holdfast.backends.wrappers.standing import StandingStorage, levels
from holdfast.drivers.places import Place, Placed

if TYPE_CHECKING:
    from collections.abc import Hashable

    from holdfast.backends.base import StorageBackend


def place_of(storage: StorageBackend) -> Place:
    """Return where a storage's objects lie: what holds them, and a folder there.

    Of several storages as one it is the first, where they are written to.

    Example:
        >>> from holdfast.backends.fsspec import FSSpecBackend
        >>> from holdfast.backends.wrappers import PrefixBackend
        >>> disk = FSSpecBackend("disk", "file", "/var/../var/app")
        >>> place_of(PrefixBackend("avatars", disk, "avatars"))
        Place(anchor='disk', folder='/var/app/avatars/')
    """
    return places_of(storage)[0]


def places_of(storage: StorageBackend) -> list[Place]:
    """Return all places in which a storage's objects may lie, the one that is written to first."""
    bottoms = [(each, folder) for each, folder in levels(storage) if not _stands(each)]
    return [_place(bottom).below(folder) for bottom, folder in bottoms]


def same_place(one: StorageBackend, other: StorageBackend) -> bool:
    """Return whether an object of one storage is, under the same key, the object of the other."""
    return set(places_of(one)) == set(places_of(other))


def overlaps(one: StorageBackend, other: StorageBackend) -> bool:
    """Return whether two storages may have objects in common: the same place, or one inside the other."""
    return any(
        first.anchor == second.anchor
        and (first.folder.startswith(second.folder) or second.folder.startswith(first.folder))
        for first in places_of(one)
        for second in places_of(other)
    )


def _stands(storage: StorageBackend) -> bool:
    return isinstance(storage, StandingStorage) and bool(storage.storages)


def _place(bottom: StorageBackend) -> Place:
    driver = bottom._plain
    found: Place | None = None
    if isinstance(driver, Placed):
        with suppress(Exception):  # options that cannot work fail at the first use, not here
            found = driver.place()
    anchor: Hashable = id(driver)
    return Place(anchor) if found is None else found
