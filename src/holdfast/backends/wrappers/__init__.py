"""Storages over storages: a folder, one that cannot be changed, one with retries, several as one, a move, a cache.

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

from holdfast.backends.wrappers.cache import CachedBackend
from holdfast.backends.wrappers.folders import PrefixBackend, ReadOnlyBackend
from holdfast.backends.wrappers.gradual import GradualBackend, gradual_behind
from holdfast.backends.wrappers.limits import LimitedBackend
from holdfast.backends.wrappers.mirror import MirrorBackend, mirror_behind
from holdfast.backends.wrappers.places import overlaps, place_of, same_place
from holdfast.backends.wrappers.standing import levels

__all__ = [
    "CachedBackend",
    "GradualBackend",
    "LimitedBackend",
    "MirrorBackend",
    "PrefixBackend",
    "ReadOnlyBackend",
    "gradual_behind",
    "levels",
    "mirror_behind",
    "overlaps",
    "place_of",
    "same_place",
]
