"""Storages through obstore, and local disk."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from obstore import store as stores

from holdfast.backends.azure_options import azure_arguments
from holdfast.backends.base import StorageBackend
from holdfast.backends.environment import azure_settled, gcs_settled, s3_settled
from holdfast.backends.gcs_options import gcs_arguments
from holdfast.backends.http_options import http_arguments
from holdfast.backends.option_values import shown, shown_path
from holdfast.backends.options import given, switch
from holdfast.backends.s3_options import s3_arguments
from holdfast.drivers.local import LocalDriver
from holdfast.drivers.obstore.services import (
    AzureObstoreDriver,
    GCSObstoreDriver,
    HTTPObstoreDriver,
    MemoryObstoreDriver,
    S3ObstoreDriver,
    driver_for,
)
from holdfast.errors import ConfigurationError, InvalidKeyError
from holdfast.keys import validate_key
from holdfast.names import check_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from holdfast.backends.options import Arguments
    from holdfast.drivers.protocol import Driver
    from holdfast.object_settings import ObjectSettingsLike
    from holdfast.schemes import KeyScheme

_BUCKET = re.compile(r"[A-Za-z0-9$][A-Za-z0-9._-]*")  # Azure has $root and $web
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,15}")
_OF_ACCOUNT = re.compile(
    r"(?P<container>[^/@]+)@(?P<account>[a-z0-9]+)\.(?:dfs|blob)\.(?:core\.windows\.net|fabric\.microsoft\.com)(?=/|$)"
)


class ObstoreBackend(StorageBackend):
    """A storage on S3, GCS or Azure, in memory, on a local disk, or read from a web server.

    Args:
        key: Name under which rows and files refer to the storage.
        fs: URL such as ``"s3://bucket/prefix/"``, ``"gs://bucket/"``, ``"az://container/"``, ``"memory://"``,
            ``"file:///var/app/uploads/"`` or ``"https://host/folder/"`` (read-only), or a store made with
            `obstore.store`, which is used as it is.
        checksum: See `StorageBackend`.
        max_concurrency: See `StorageBackend`.
        key_scheme: See `StorageBackend`.
        object_settings: See `StorageBackend`.
        public_url: See `StorageBackend`.
        **options: Options of the service, by the names of obstore, with or without its prefix (``aws_``,
            ``google_``, ``azure_storage_``): ``aws_region`` and ``region`` are the same. None counts as not given.
            Besides ``azure_storage_connection_string``; ``client_options`` and ``retry_config`` of obstore, where
            durations may be seconds; and ``credential_provider``, one of `obstore.auth` or a callable, sync or async.
            For local disk: ``durable`` and ``mode``, see `holdfast.drivers.local.LocalDriver`.

    Raises:
        ConfigurationError: The URL or an option cannot work. Nothing is connected to until the first use.

    Example:
        >>> storage = ObstoreBackend("test", "memory://")
        >>> storage.put("a.txt", b"hello").size
        5
    """

    def __init__(
        self,
        key: str,
        fs: Any,
        *,
        checksum: str | None = "sha256",
        max_concurrency: int = 16,
        key_scheme: KeyScheme | None = None,
        object_settings: ObjectSettingsLike = None,
        public_url: str | None = None,
        **options: Any,
    ) -> None:
        driver = _driver(fs, given(options))
        super().__init__(
            key,
            driver,
            checksum=checksum,
            max_concurrency=max_concurrency,
            key_scheme=key_scheme,
            object_settings=object_settings,
            public_url=public_url,
        )


def _driver(fs: Any, options: dict[str, Any]) -> Driver:
    if isinstance(fs, stores.ObjectStoreMethods):
        for name in options:
            check_name(name, (), "a store that is already made")
        return driver_for(fs)
    if not isinstance(fs, str):
        message = (
            f"fs must be a URL or a store of obstore.store, not {type(fs).__name__}"
            f"{_file_hint(os.fspath(fs)) if isinstance(fs, os.PathLike) else ''}"
            "; an fsspec file system goes to FSSpecBackend"
        )
        raise ConfigurationError(message)
    scheme, separator, rest = fs.partition("://")
    build = _SCHEMES.get(scheme.lower()) if separator else None
    if build is None:
        # Of a URL only the scheme is shown: it may hold a password.
        named = f"{scheme}://" if separator and _SCHEME.fullmatch(scheme) else "fs"
        hint = "" if separator else _file_hint(fs)
        supported = ", ".join(f"{name}://" for name in _SCHEMES)
        message = f"{named} is not a storage that obstore has{hint}: use one of {supported}, or FSSpecBackend"
        raise ConfigurationError(message)
    return build(rest, options)


def _file_hint(path: Any) -> str:
    # A connection string, or anything else that holds a secret, is no path.
    is_path = path and isinstance(path, str) and shown_path(path) != "…"
    return f' (for a folder write fs="{Path(path).absolute().as_uri()}/")' if is_path else ""


def _local(rest: str, options: Mapping[str, Any]) -> Driver:
    path = Path(unquote(rest.removeprefix("localhost")))
    if not path.is_absolute():
        is_path = shown_path(rest) != "…"
        name, whole = (rest, f', "{path.absolute().as_uri()}/"') if is_path else ("…", "")
        message = f'fs="file://{name}" is relative: write three slashes and the whole path{whole}'
        raise ConfigurationError(message)
    for name in options:
        check_name(name, ("durable", "mode"), "local disk")
    settings = dict(options)
    if "durable" in settings:
        settings["durable"] = switch("durable", settings["durable"])
    mode = settings.get("mode", 0o600)
    if isinstance(mode, bool) or not isinstance(mode, int) or not 0 <= mode <= 0o777:  # noqa: PLR2004
        message = f"mode={shown(mode)} must be permission bits such as 0o640"
        raise ConfigurationError(message)
    return LocalDriver(path, **settings)


def _memory(rest: str, options: Mapping[str, Any]) -> Driver:
    if rest.strip("/"):
        message = 'memory:// has neither bucket nor prefix: write fs="memory://"'
        raise ConfigurationError(message)
    for name in options:
        check_name(name, (), "memory")
    return MemoryObstoreDriver(stores.MemoryStore)


def _s3(rest: str, options: Mapping[str, Any]) -> Driver:
    bucket, prefix = _place("s3", rest)
    return S3ObstoreDriver(_store(stores.S3Store, bucket, prefix, s3_arguments(options, bucket)))


def _gcs(rest: str, options: Mapping[str, Any]) -> Driver:
    bucket, prefix = _place("gs", rest)
    return GCSObstoreDriver(_store(stores.GCSStore, bucket, prefix, gcs_arguments(options)))


def _azure(rest: str, options: Mapping[str, Any]) -> Driver:
    account = None
    if match := _OF_ACCOUNT.match(rest):
        rest, account = f"{match['container']}{rest[match.end() :]}", match["account"]
    container, prefix = _place("az", rest)
    return AzureObstoreDriver(_store(stores.AzureStore, container, prefix, azure_arguments(options, account)))


def _web(scheme: str, rest: str, options: Mapping[str, Any]) -> Driver:
    url, arguments = http_arguments(f"{scheme}://{rest}", options)
    return HTTPObstoreDriver(partial(_build, stores.HTTPStore, url, arguments.all()))


def _place(scheme: str, rest: str) -> tuple[str, str | None]:
    bucket, _, prefix = rest.partition("/")
    prefix = prefix.removesuffix("/")
    if not _BUCKET.fullmatch(bucket):
        message = (
            f'{scheme}:// needs the name of a bucket, and nothing else before the prefix: "{scheme}://bucket/prefix/"'
        )
        raise ConfigurationError(message)
    try:
        return bucket, validate_key(prefix) if prefix else None
    except InvalidKeyError as error:
        message = f'the prefix in "{scheme}://{bucket}/…" cannot be used: {error}'
        raise ConfigurationError(message) from error


def _store(kind: Any, bucket: str, prefix: str | None, arguments: Arguments) -> Callable[[], Any]:
    return partial(_build, kind, bucket, {**arguments.all(), "prefix": prefix})


def _build(kind: Any, place: str, arguments: dict[str, Any]) -> Any:
    if settled := _SETTLED.get(kind):
        arguments = settled(arguments)
    try:
        return kind(place, **arguments)
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        message = f"the options of {place!r} cannot be used: {str(error).splitlines()[0]}"
        raise ConfigurationError(message) from None  # obstore's own text goes on with all of its input


_SETTLED: dict[Any, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    stores.S3Store: s3_settled,
    stores.GCSStore: gcs_settled,
    stores.AzureStore: azure_settled,
}
_SCHEMES: dict[str, Callable[[str, Mapping[str, Any]], Driver]] = {
    "s3": _s3,
    "s3a": _s3,
    "gs": _gcs,
    "gcs": _gcs,
    "az": _azure,
    "azure": _azure,
    "abfs": _azure,
    "abfss": _azure,
    "adl": _azure,
    "http": partial(_web, "http"),
    "https": partial(_web, "https"),
    "memory": _memory,
    "file": _local,
}
