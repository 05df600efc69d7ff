"""Under which names rows may hold the objects of a storage: storages stand on storages, and share their places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.backends.wrappers import levels
from holdfast.registry import storages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.backends.base import StorageBackend


class Names:
    """The registered names that lead to the objects of a storage.

    Args:
        storage: The storage.

    Example:
        >>> from holdfast.backends.obstore import ObstoreBackend
        >>> from holdfast.backends.wrappers import PrefixBackend
        >>> shop = storages.register_backend(ObstoreBackend("shop", "memory://"))
        >>> _ = storages.register_backend(PrefixBackend("avatars", shop, "public/avatars"))
        >>> list(Names(shop).keys("avatars", "ada.png"))
        ['public/avatars/ada.png']
        >>> sorted(Names(shop))
        ['avatars', 'shop']
        >>> storages.clear()
    """

    def __init__(self, storage: StorageBackend) -> None:
        ours = list(levels(storage))
        self._folders: dict[str, dict[tuple[str, str], None]] = {}
        for name, other in storages.all().items():
            for place, folder in levels(other):
                for same, base in ours:
                    if place is same:
                        self._folders.setdefault(name, {})[folder, base] = None
        self._folders.setdefault(storage.key, {})["", ""] = None

    def __iter__(self) -> Iterator[str]:
        return iter(self._folders)

    def keys(self, name: str | None, key: str) -> Iterator[str]:
        """Yield what a key of another name is in the storage; nothing if it lies outside."""
        for folder, base in self._folders.get(name or "", ()):
            inside = f"{folder}{key}"
            if inside.startswith(base):
                yield inside.removeprefix(base)
