"""A read cache on a local disk."""

from holdfast.drivers.wrappers.cache.driver import CachedDriver
from holdfast.drivers.wrappers.cache.folder import CacheFolder
from holdfast.drivers.wrappers.cache.mark import is_foreign

__all__ = ["CacheFolder", "CachedDriver", "is_foreign"]
