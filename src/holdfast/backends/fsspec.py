"""Storages through fsspec, and local disk."""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from functools import partial
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from holdfast.backends import fsspec_chained
from holdfast.backends.base import StorageBackend
from holdfast.backends.fsspec_options import checked
from holdfast.backends.fsspec_services import SERVICES, UNKNOWN, Service, install_command, service_of
from holdfast.backends.option_values import shown
from holdfast.backends.options import given, switch
from holdfast.drivers.local import LocalDriver
from holdfast.errors import ConfigurationError, InvalidKeyError, MissingExtraError
from holdfast.keys import validate_key
from holdfast.names import check_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.drivers.protocol import Driver
    from holdfast.object_settings import ObjectSettingsLike
    from holdfast.schemes import KeyScheme

_LOCAL = {"file", "local"}
_PROTOCOL = re.compile(r"[a-z0-9+._-]{0,30}")


class FSSpecBackend(StorageBackend):
    """A storage on anything that fsspec reaches, or on a local disk.

    Args:
        key: Name under which rows and files refer to the storage.
        fs: Protocol (``"file"``, ``"memory"``, ``"s3"``), URL (``"s3://bucket/prefix"``), or a file system made by
            `fsspec.filesystem`, which is used as it is. ``"memory"`` gives each storage bytes of its own.
        prefix: Where the storage begins: ``"bucket/folder"`` on object stores, an absolute path on a local disk.
        checksum: See `StorageBackend`.
        max_concurrency: See `StorageBackend`.
        key_scheme: See `StorageBackend`.
        object_settings: See `StorageBackend`.
        public_url: See `StorageBackend`.
        **options: What `fsspec.filesystem` takes for the protocol. None counts as not given. Since `key` names the
            storage, the access key of S3 is ``username=`` and ``password=`` here. For local disk: ``durable`` and
            ``mode``, see `holdfast.drivers.local.LocalDriver`.

    Raises:
        ConfigurationError: The protocol, the prefix or an option cannot work. Nothing is connected to until the
            first use.
        MissingExtraError: A package is needed; the message holds the ``pip install`` command.

    Example:
        >>> storage = FSSpecBackend("test", "memory")
        >>> storage.put("a.txt", b"hello").size
        5
    """

    def __init__(
        self,
        key: str,
        fs: Any,
        prefix: str | None = None,
        *,
        checksum: str | None = "sha256",
        max_concurrency: int = 16,
        key_scheme: KeyScheme | None = None,
        object_settings: ObjectSettingsLike = None,
        public_url: str | None = None,
        **options: Any,
    ) -> None:
        driver = _driver(fs, prefix, given(options))
        super().__init__(
            key,
            driver,
            checksum=checksum,
            max_concurrency=max_concurrency,
            key_scheme=key_scheme,
            object_settings=object_settings,
            public_url=public_url,
        )
        check = getattr(driver, "check_settings", None)
        if check is not None:
            check(self._object_settings)


def _driver(fs: Any, prefix: Any, options: dict[str, Any]) -> Driver:
    if prefix is not None and not isinstance(prefix, (str, os.PathLike)):
        message = f'prefix must be a str such as "bucket/folder", not {type(prefix).__name__}'
        raise ConfigurationError(message)
    below = os.fspath(prefix) if prefix is not None else ""
    if not isinstance(fs, str):
        return _over(fs, below, options)
    protocol, separator, rest = fs.partition("://")
    protocol = protocol.lower()
    if "::" in protocol:
        front, _, behind = protocol.partition("::")
        made = f'fsspec.filesystem("{front}", fs=fsspec.filesystem("{behind}", …), …)'
        message = f"chained URLs are not taken: give the file system, fs={made}"
        raise ConfigurationError(message)
    if not separator and (chained := fsspec_chained.named(protocol, below, options, _driver)):
        return chained
    if protocol in _LOCAL:
        return _local(_local_path(unquote(rest), below) if separator else below, options)
    return _named(protocol, f"{protocol}://{rest}" if separator else None, below, options)


def _local(path: str, options: Mapping[str, Any]) -> Driver:
    if not Path(path).is_absolute():
        example = Path(path or "uploads").expanduser().absolute()
        message = f'local disk needs an absolute path: fs="file", prefix="{example}" (got prefix={path!r})'
        raise ConfigurationError(message)
    for name in options:
        check_name(name, ("auto_mkdir", "durable", "mode"), "local disk")  # folders are made without `auto_mkdir`
    durable, mode = switch("durable", options.get("durable", True)), options.get("mode", 0o600)
    if isinstance(mode, bool) or not isinstance(mode, int) or not 0 <= mode <= 0o777:  # noqa: PLR2004
        message = f"mode={shown(mode)} must be permission bits such as 0o640"
        raise ConfigurationError(message)
    return LocalDriver(Path(path), durable=durable, mode=mode)


def _local_path(rest: str, prefix: str) -> str:
    if rest and prefix.startswith("/"):
        message = f'two absolute paths are given: write fs="file", prefix="{prefix}"'
        raise ConfigurationError(message)
    return f"{rest.rstrip('/')}/{prefix}" if rest and prefix else rest or prefix


def _named(protocol: str, url: str | None, prefix: str, options: dict[str, Any]) -> Driver:
    """Return the driver for a protocol or a URL; the file system is made when it is first used."""
    kind = _file_system_class(protocol, options)
    if url is not None:
        try:
            options = {**kind._get_kwargs_from_urls(url), **options}
            root = kind._strip_protocol(url)
        except ValueError:  # its text may hold a part of a password, and so may the URL
            message = (
                f"fs='{protocol}://…' cannot be read as a URL: a port is a number, "
                "and special characters in a password are written as %…"
            )
            raise ConfigurationError(message) from None
        prefix = f"{root.rstrip('/')}/{prefix}" if root and prefix else root or prefix
    options = checked(protocol, kind, options)
    _check_required(protocol, kind, options)
    service = SERVICES.get(protocol, UNKNOWN)
    root = _root(protocol, prefix, service)
    if protocol == "memory":
        from holdfast.drivers.fsspec.memory import private_memory  # noqa: PLC0415  # optional

        return service.open(private_memory(**options), root)
    # Of its own: no instance, and no remembered listing, is shared with the rest of the program.
    make = partial(kind, **{"skip_instance_cache": True, **service.defaults, **options})
    return service.open(make, root)


def _over(fs: Any, prefix: str, options: Mapping[str, Any]) -> Driver:
    """Return the driver for a file system that the user made."""
    abstract = getattr(_fsspec(), "AbstractFileSystem")  # noqa: B009  # fsspec ships no types
    if not isinstance(fs, abstract):
        path = isinstance(fs, os.PathLike)
        hint = f'; for a folder write fs="file", prefix="{Path(fs).absolute()}"' if path else ""
        message = f"fs must be a protocol, a URL or a file system of fsspec, not {type(fs).__name__}{hint}"
        raise ConfigurationError(message)
    for name in options:
        check_name(name, (), "a file system that is already made")
    protocol = fs.protocol if isinstance(fs.protocol, str) else fs.protocol[0]
    if getattr(fs, "asynchronous", False):
        message = (
            "this file system belongs to one event loop; make it without asynchronous=True: "
            f'fsspec.filesystem("{protocol}", …). The storage can be awaited from any loop all the same'
        )
        raise ConfigurationError(message)
    if chained := fsspec_chained.over(fs, prefix, _driver):
        return chained
    if protocol in _LOCAL and not prefix.startswith("/"):
        message = f'a local prefix must be absolute: prefix="{Path(prefix or "uploads").absolute()}"'
        raise ConfigurationError(message)
    service = service_of(fs)
    return service.open(fs, _root(protocol, prefix, service))


def _root(protocol: str, prefix: str, service: Service) -> str:
    """Return the prefix as the drivers take it.

    Raises:
        ConfigurationError: It is in a form that another protocol has.
    """
    if service.url:
        return prefix
    if service.bucket:
        _check_bucket(prefix)
    named, separator, rest = prefix.partition("://")
    if separator and (named == protocol or (service.bucket and SERVICES.get(named) is service)):
        prefix = rest
    elif separator and service.bucket:
        message = f'prefix={prefix!r} is not of {protocol!r}: write prefix="{rest.strip("/") or "bucket/folder"}"'
        raise ConfigurationError(message)
    if protocol == "memory":
        return prefix.strip("/")
    if not service.bucket:
        return prefix.rstrip("/") or ("/." if prefix and service.home else "")
    plain = prefix.strip("/")
    if not plain or plain != prefix.rstrip("/"):
        example = plain or "bucket/folder"
        message = f'prefix={prefix!r} must begin with the bucket, without a slash before it: prefix="{example}"'
        raise ConfigurationError(message)
    try:
        return validate_key(plain)
    except InvalidKeyError as error:
        message = f"prefix={prefix!r} cannot be used: {error}"
        raise ConfigurationError(message) from error


def _check_bucket(prefix: str) -> None:
    bucket = prefix.rpartition("://")[2].strip("/").partition("/")[0]
    if "@" in bucket or (":" in bucket and not bucket.startswith("arn:")):
        message = (
            "a user name or password stands before the bucket: give it as an option, such as username= and password="
        )
        raise ConfigurationError(message)


def _file_system_class(protocol: str, options: Mapping[str, Any]) -> Any:
    registry = _fsspec()
    known = registry.available_protocols()
    if protocol not in known:
        near = get_close_matches(protocol, known)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else 'use one such as "file", "memory" or "s3"'
        # Anything else may be a connection string.
        told = f"fs={protocol!r}" if _PROTOCOL.fullmatch(protocol) else "fs"
        message = f"{told} is not a protocol of fsspec: {hint}"
        raise ConfigurationError(message)
    try:
        return SERVICES.get(protocol, UNKNOWN).file_system_class(options) or registry.get_filesystem_class(protocol)
    except MissingExtraError:
        raise
    except ImportError as error:
        message = f"storages on {protocol!r} need another package: {install_command(protocol) or error}"
        raise MissingExtraError(message) from error


def _check_required(protocol: str, kind: Any, options: Mapping[str, Any]) -> None:
    """Refuse what could not be made on first use."""
    needed = [
        name
        for name, parameter in signature(kind.__init__).parameters.items()
        if name != "self"
        and parameter.default is parameter.empty
        and parameter.kind in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}
    ]
    if missing := [f"{name}=…" for name in needed if name not in options]:
        message = f"{protocol!r} needs {' and '.join(missing)}"
        raise ConfigurationError(message)


def _fsspec() -> Any:
    try:
        import fsspec  # noqa: PLC0415  # optional
    except ImportError as error:
        message = 'FSSpecBackend needs a package: pip install "holdfast[fsspec]"'
        raise MissingExtraError(message) from error
    return fsspec
