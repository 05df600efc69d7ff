"""Opening what is declared. Nothing is connected to: storages connect at their first use."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

from holdfast.backends.base import StorageBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.wrappers import (
    CachedBackend,
    GradualBackend,
    LimitedBackend,
    MirrorBackend,
    PrefixBackend,
    ReadOnlyBackend,
)
from holdfast.config.forms.declaration import Declaration
from holdfast.config.forms.wrapping import Limits, Wrappers
from holdfast.errors import ConfigurationError, HoldfastError
from holdfast.registry import StorageRegistry

if TYPE_CHECKING:
    from collections.abc import Mapping


_S3 = {"s3", "s3a"}
_DECODED = ("file://", "http://", "https://")  # in these, %41 is an A
_WITH_RETRIES = _S3 | {"gs", "gcs", "az", "azure", "abfs", "abfss"}  # those that obstore opens


Outcome: TypeAlias = StorageBackend | ConfigurationError
Declared: TypeAlias = Declaration | ConfigurationError


class Builder:
    """Opens storages, those first that others stand on.

    Args:
        declared: Every storage of a configuration, or what is wrong with it.
    """

    def __init__(self, declared: Mapping[str, Declared]) -> None:
        self._declared = declared
        self._found: dict[str, Outcome] = {}
        self._under_way: set[str] = set()

    def build(self, key: str) -> Outcome:
        """Return a storage, or why it cannot be."""
        if key not in self._found:
            declared = self._declared[key]
            self._under_way.add(key)
            self._found[key] = self._opened(declared) if isinstance(declared, Declaration) else declared
            self._under_way.discard(key)
        return self._found[key]

    def _opened(self, declaration: Declaration) -> Outcome:
        described = declaration.described
        try:
            return _around(declaration, self._over(declaration) or _storage(declaration))
        except HoldfastError as error:
            kind = type(error) if isinstance(error, ConfigurationError) else ConfigurationError
            return described.complaint(str(error), kind)
        except Exception as error:  # noqa: BLE001  # of a file system's constructor, which may raise anything
            message = f"it cannot be opened: {type(error).__name__}: {error}"
            return described.complaint(message)

    def _over(self, declaration: Declaration) -> StorageBackend | None:
        """Return the storage that stands on others; None if it is one of its own."""
        key, settings, over = declaration.described.key, declaration.settings, declaration.over
        if over is None:
            return None
        parts = [self._part(name) for name in over.parts or filter(None, [over.of])]
        if over.mirror:
            storage: StorageBackend = MirrorBackend(key, parts, require=over.require, **settings)
        elif over.gradual:
            storage = GradualBackend(key, new=parts[0], old=parts[1], **settings)
        else:
            storage = parts[0]
        if declaration.prefix:
            return PrefixBackend(key, storage, declaration.prefix, **settings)
        if over.of and declaration.wrappers == Wrappers():
            message = "of needs a prefix, or read_only, cache or limits: else it is the other storage itself"
            raise ConfigurationError(message)
        return storage

    def _part(self, name: str) -> StorageBackend:
        if name not in self._declared:
            near = get_close_matches(name, self._declared, 1)
            there_are = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(map(repr, self._declared))}"
            message = f"it stands on {name!r}, which is no storage of this configuration; {there_are}"
            raise ConfigurationError(message)
        if name in self._under_way:
            message = f"it stands on {name!r}, which stands on it"
            raise ConfigurationError(message)
        found = self.build(name)
        if isinstance(found, ConfigurationError):
            message = f"it stands on {name!r}, which cannot be opened"
            raise ConfigurationError(message)
        return found


def _storage(declaration: Declaration) -> StorageBackend:
    fs, key, prefix = declaration.fs, declaration.described.key, declaration.prefix
    scheme, separator, _ = fs.partition("://")
    if declaration.driver == "fsspec" or not separator:
        from holdfast.backends.fsspec import FSSpecBackend  # noqa: PLC0415  # optional

        options = _own_names(declaration.options, scheme)
        return FSSpecBackend(key, fs, prefix or None, **declaration.settings, **options)
    options = {**declaration.settings, **_own_names(declaration.options, None)}
    if scheme == "memory":
        storage = _by_url(declaration.driver, key, fs, options)
        public_url = declaration.settings.get("public_url")
        return PrefixBackend(key, storage, prefix, public_url=public_url) if prefix else storage
    if scheme in _WITH_RETRIES:
        options = _limited_by_obstore(options, declaration.wrappers.limits)
    return _by_url(declaration.driver, key, _joined(fs, prefix), options)


def _around(declaration: Declaration, storage: StorageBackend) -> StorageBackend:
    """Return a storage in its wrappers."""
    key, (limits, cache, read_only) = declaration.described.key, declaration.wrappers
    settings = dict(declaration.settings)
    if limits != Limits() and not (type(storage) is ObstoreBackend and _scheme(declaration) in _WITH_RETRIES):
        given = {name: value for name, value in limits._asdict().items() if value is not None}
        storage = LimitedBackend(key, storage, **given, **settings)
    if cache is not None:
        storage = CachedBackend(key, storage, **cache._asdict(), **settings)
    if read_only:
        settings.pop("object_settings", None)  # they are of writes
        storage = ReadOnlyBackend(key, storage, **settings)
    return storage


def _scheme(declaration: Declaration) -> str:
    return declaration.fs.partition("://")[0]


def _by_url(driver: str | None, key: str, url: str, options: dict[str, Any]) -> StorageBackend:
    if driver == "obstore":
        return ObstoreBackend(key, url, **options)
    return StorageRegistry().register_backend(url, key, **options)


def _limited_by_obstore(options: dict[str, Any], limits: Limits) -> dict[str, Any]:
    """Return the options with the limits in them: obstore retries and gives up by itself."""
    more: dict[str, Any] = {}
    if limits.retries is not None:
        more["retry_config"] = {"max_retries": limits.retries}
    if limits.timeout is not None:
        more["read_timeout"] = limits.timeout
    for name in more:
        if any(given.endswith(name) for given in options):
            message = f"{name} and limits say the same thing: give one of them"
            raise ConfigurationError(message)
    return {**options, **more}


def _own_names(options: Mapping[str, Any], protocol: str | None) -> dict[str, Any]:
    """Return the options by names that do not collide with the arguments of a storage."""
    found = dict(options)
    if protocol in _S3 and "key" in found:  # s3fs has two names for it
        found["username"] = found.pop("key")
    for name in ("key", "fs", "prefix", "backend"):
        if name in found:
            message = f"{name!r} is not an option of the service"
            raise ConfigurationError(message)
    return found


def _joined(url: str, prefix: str) -> str:
    if url.startswith(_DECODED):
        prefix = quote(prefix)
    return f"{url.rstrip('/')}/{prefix}/" if prefix else url
