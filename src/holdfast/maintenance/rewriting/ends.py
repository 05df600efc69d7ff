"""The two storages of a migration: whether files can be moved between them, or are in both already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.backends.wrappers.places import overlaps, same_place
from holdfast.errors import AlreadyExistsError, ConfigurationError
from holdfast.keys import default_key, new_id
from holdfast.orm import bridge
from holdfast.registry import storages

if TYPE_CHECKING:
    from holdfast.backends.base import StorageBackend


class Ends(NamedTuple):
    """From where to where.

    Attributes:
        source: The old storage.
        target: The new one.
        is_same_place: Whether an object of one is, under the same key, the object of the other.
        clears: Whether old objects are to be deleted.
        creates: Whether the new storage refuses by itself to write over an object.
    """

    source: StorageBackend
    target: StorageBackend
    is_same_place: bool
    clears: bool
    creates: bool = False

    @classmethod
    def of(cls, source: str, target: str, *, keep: bool = False, dry_run: bool = False) -> Ends:
        """Return two registered storages, if files can be moved between them.

        Raises:
            ConfigurationError: They cannot.
            UnknownStorageError: One is not registered.
            StorageError: The target cannot be written, or one is down.
        """
        old, new = storages.get(source), storages.get(target)
        if source == target:
            message = f"files cannot be moved from storage {source!r} to itself"
            raise ConfigurationError(message)
        if not new.abilities.writable:
            message = f"storage {target!r} cannot be written"
            raise ConfigurationError(message)
        is_same = same_place(old, new)
        if not is_same and overlaps(old, new):
            message = f"one of the storages {source!r} and {target!r} is inside the other: they must lie apart"
            raise ConfigurationError(message)
        creates = False
        if not (is_same or dry_run):
            is_same, creates = _probe(old, new)
        clears = not (keep or dry_run or is_same)
        if clears and not (old.abilities.writable and old.abilities.lists):
            message = (
                f"old objects cannot be deleted from storage {source!r}, which is read-only: keep=True leaves them"
            )
            raise ConfigurationError(message)
        return cls(old, new, is_same, clears, creates)


def _probe(old: StorageBackend, new: StorageBackend) -> tuple[bool, bool]:
    """Return what an object in the new storage shows.

    Whether it is in the old one, too: then they are one place with two addresses. And whether it is not written over
    when that is asked for: some servers of the S3 protocol take no notice of the condition.
    """
    key = default_key(new_id(), "probe.txt")
    try:
        _put(new, key)
        is_same = bridge.do(lambda: old.exists(key), lambda: old.exists_async(key))
        try:
            _put(new, key)
        except AlreadyExistsError:
            return is_same, True
        return is_same, False
    finally:
        bridge.do(lambda: new.delete(key), lambda: new.delete_async(key))


def _put(storage: StorageBackend, key: str) -> None:
    content: Any = b"Written by a migration to see where it is going, and deleted at once."
    bridge.do(
        lambda: storage.put(key, content, if_absent=True), lambda: storage.put_async(key, content, if_absent=True)
    )
