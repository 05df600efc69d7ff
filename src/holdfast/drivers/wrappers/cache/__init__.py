"""A read cache on a local disk."""

from holdfast.drivers.wrappers.cache.driver import CachedDriver
from holdfast.drivers.wrappers.cache.folder import CacheFolder

__all__ = ["CacheFolder", "CachedDriver"]
