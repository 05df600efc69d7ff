"""File systems of fsspec that stand in front of another one: ``dir``, ``filecache``, ``simplecache``, ``blockcache``.

The driver is that of the service behind, so that nothing is lost on the way: content types, entity tags, atomic
writes. What fsspec's caches promise is kept by `holdfast.drivers.wrappers.cache`, which asks before each read whether
the copy is still the object; fsspec's own serve what they have for a week.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.drivers.wrappers.cache import CachedDriver, CacheFolder
from holdfast.errors import ConfigurationError
from holdfast.names import check_name

if TYPE_CHECKING:
    from holdfast.drivers.protocol import Driver

_CACHES = {"filecache", "simplecache", "blockcache", "cached"}
_FRESHNESS = {"cache_check", "check_files", "expiry_time"}  # each read asks, so that these change nothing
_BEHIND = {"target_protocol", "target_options"}
_FOLDER = "holdfast"  # fsspec may have files of its own in the same place

Open = Callable[[Any, str, dict[str, Any]], "Driver"]
"""Returns the driver for a protocol, URL or file system, a prefix and options."""


def named(protocol: str, prefix: str, options: Mapping[str, Any], open_behind: Open) -> Driver | None:
    """Return the driver for a protocol that stands in front of another one; None if it does not.

    Raises:
        ConfigurationError: It is not said what stands behind, or an option does not exist.
    """
    if protocol not in _CACHES | {"dir"}:
        return None
    own = {"path", "fo"} if protocol == "dir" else {"cache_storage", *_FRESHNESS}
    for name in options:
        check_name(name, own | _BEHIND, f"{protocol!r}")
    behind = options.get("target_protocol")
    if not behind:
        message = f"{protocol!r} stands in front of another file system: target_protocol=… (and target_options={{…}})"
        raise ConfigurationError(message)
    more = dict(options.get("target_options") or {})
    if protocol == "dir":
        return open_behind(behind, _joined(options.get("path") or options.get("fo") or "", prefix), more)
    storage = options.get("cache_storage") or "TMP"
    folder = tempfile.mkdtemp(prefix="holdfast-cache-") if storage == "TMP" else storage
    return _cached(open_behind(behind, prefix, more), folder, (behind, more, prefix))


def over(fs: Any, prefix: str, open_behind: Open) -> Driver | None:
    """Return the driver for a file system that stands in front of another one; None if it does not.

    Raises:
        ConfigurationError: It changes the bytes.
    """
    protocols = {fs.protocol} if isinstance(fs.protocol, str) else set(fs.protocol)
    if "dir" in protocols:
        return open_behind(fs.fs, _joined(fs.path, prefix), {})
    if not protocols & _CACHES:
        return None
    if fs.compression:
        message = f"compression={fs.compression!r} would give other bytes than those that were stored: leave it out"
        raise ConfigurationError(message)
    behind = fs.fs
    place = (type(behind).__name__, behind.storage_args, behind.storage_options, prefix)
    return _cached(open_behind(behind, prefix, {}), fs.storage, place)


def _cached(driver: Driver, storage: Any, place: tuple[Any, ...]) -> Driver:
    last = storage if isinstance(storage, str) else storage[-1]  # the others are only read, by fsspec
    folder = CacheFolder(Path(last) / _FOLDER, sys.maxsize, repr(place))
    return CachedDriver(driver, folder, sys.maxsize)


def _joined(path: str, prefix: str) -> str:
    if ".." in prefix.split("/"):
        message = f"prefix={prefix!r} leads out of {path!r}"
        raise ConfigurationError(message)
    inner = prefix.strip("/")
    return f"{path.rstrip('/')}/{inner}" if path and inner else path or inner
