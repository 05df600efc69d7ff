"""Where a storage is: its URL, or its type with a bucket, a container or a folder."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from holdfast.errors import ConfigurationError, InvalidKeyError
from holdfast.keys import validate_key

if TYPE_CHECKING:
    from collections.abc import Mapping

PLACES = ("uri", "fs", "bucket", "container", "path", "of", "mirror", "gradual")
_SCHEMES = {
    "s3": "s3",
    "minio": "s3",
    "gcs": "gs",
    "gs": "gs",
    "azure": "az",
    "az": "az",
    "abfs": "az",
    "memory": "memory",
    "local": "file",
    "file": "file",
}
_SAME = {"gcs": "gs", "s3a": "s3", "azure": "az", "abfs": "az", "abfss": "az", "local": "file"}
_HARMLESS = re.compile(r"[\w./-]{1,40}")


def find_place(kind: str, table: Mapping[str, Any]) -> tuple[str, str]:
    """Return the URL or protocol of a storage, and where it begins below that.

    Raises:
        ConfigurationError: It is not said, said twice, or cannot be.
    """
    given = [name for name in PLACES if name in table]
    if len(given) > 1:
        message = f"{' and '.join(given)} say the same thing: give one of them"
        raise ConfigurationError(message)
    place = text_in(table, given[0]) if given else ""
    scheme, separator, rest = place.partition("://")
    if separator:
        _check_type(kind, scheme)
        # GCS is gs:// everywhere; the drivers know both.
        return f"{scheme.lower()}://{rest}", prefix_in(table)
    if given == ["uri"]:
        shown = f': "{place}" has none' if _HARMLESS.fullmatch(place) else ""  # else there may be a password in it
        message = f'uri needs a scheme, such as "s3://bucket/"{shown}'
        raise ConfigurationError(message)
    if given == ["fs"]:
        return place, text_in(table, "prefix")  # with the bucket, or the whole path, in it
    if not kind:
        message = 'which storage? Give uri = "s3://bucket/", or type and bucket'
        raise ConfigurationError(message)
    return _typed(kind, place, table)


def _check_type(kind: str, scheme: str) -> None:
    named, wanted = (_SAME.get(each, each) for each in (scheme.lower(), _SCHEMES.get(kind, kind)))
    if kind and named != wanted:
        message = f"type is {kind!r:.40}, but the URL begins with {scheme}://"
        raise ConfigurationError(message)


def _typed(kind: str, place: str, table: Mapping[str, Any]) -> tuple[str, str]:
    scheme = _SCHEMES.get(kind)
    if scheme is None:  # a protocol of fsspec: what it needs are options
        below = prefix_in(table) if place else text_in(table, "prefix")
        return kind, f"{place.rstrip('/')}/{below}" if place and below else place or below
    if scheme == "memory":
        return "memory://", prefix_in(table) or place
    if scheme == "file":
        path = place or text_in(table, "prefix")
        if not os.path.isabs(path):  # noqa: PTH117  # a text that may hold anything
            message = f'local disk needs an absolute path, such as path = "/var/app/uploads" (got {path!r:.80})'
            raise ConfigurationError(message)
        return f"file://{quote(path)}", prefix_in(table) if place else ""
    if not place:
        what = "container" if scheme == "az" else "bucket"
        message = f'type = "{kind}" needs {what} = "name"'
        raise ConfigurationError(message)
    return f"{scheme}://{place}", prefix_in(table)


def prefix_in(table: Mapping[str, Any]) -> str:
    """Return a prefix that begins below something: it stays there.

    Raises:
        ConfigurationError: It climbs, or cannot be in a key.
    """
    prefix = text_in(table, "prefix").strip("/")
    try:
        return validate_key(prefix) if prefix else ""
    except InvalidKeyError as error:
        message = f"prefix cannot be used: {error}"
        raise ConfigurationError(message) from None


def text_in(table: Mapping[str, Any], name: str) -> str:
    """Return a text of a table; empty if it is not there.

    Raises:
        ConfigurationError: It is no text.
    """
    value = table.get(name, "")
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str):
        message = f"{name} must be text, not {type(value).__name__}"
        raise ConfigurationError(message)
    return value.strip()
