"""What goes to obstore and comes from it: attributes, descriptions, ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from obstore import exceptions
from obstore.store import AzureStore, GCSStore, HTTPStore, LocalStore, S3Store

from holdfast.drivers.abilities import HEADERS
from holdfast.drivers.content_types import sendable
from holdfast.drivers.metadata import decode_metadata, encode_metadata
from holdfast.errors import InvalidKeyError, UnsupportedError
from holdfast.keys import validate_key
from holdfast.objects import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from holdfast.drivers.protocol import PutOptions

CANNOT_CREATE = (NotImplementedError, exceptions.NotSupportedError)
"""What a put raises where the service has no atomic create."""

PLAIN_STORES = (LocalStore, HTTPStore)
"""The stores that keep neither content type nor metadata, and list in no order."""

_METADATA_LIMITS = ((S3Store, 2048), (GCSStore, 8192), (AzureStore, 8192))
_HEADERS = {
    "cache_control": "Cache-Control",
    "content_disposition": "Content-Disposition",
    "content_encoding": "Content-Encoding",
    "content_language": "Content-Language",
    "storage_class": "Storage-Class",
}
_SYSTEM = {"content-disposition", "content-encoding", "content-language", "cache-control", "storage-class"}
_FAR = 2**63 - 1  # obstore takes unsigned 64-bit numbers, some servers only signed ones


def extras(store: Any, key: str, options: PutOptions) -> dict[str, Any]:
    """Return what goes along with a write: attributes and tags, by the names of obstore's arguments."""
    return {"attributes": _attributes(store, key, options), "tags": dict(options.settings.tags) or None}


def _attributes(store: Any, key: str, options: PutOptions) -> dict[str, str] | None:
    """Return the content type, the metadata and the settings that are headers as `store` takes them.

    A content type that cannot be a header (a client may send anything) is left out: obstore panics on some, and
    others break every later read of the object.

    Raises:
        UnsupportedError: There is more metadata than the service keeps.
    """
    if isinstance(store, PLAIN_STORES):
        return None
    found = encode_metadata(options.metadata)
    used = sum(len(name) + len(value) for name, value in found.items())
    limit = next((limit for kind, limit in _METADATA_LIMITS if isinstance(store, kind)), used)
    if used > limit:
        message = (
            f"put of {key!r} refused: its metadata takes {used} bytes as headers, this service keeps at most {limit}. "
            "Store less of it with the file, or in columns of its own."
        )
        raise UnsupportedError(message, operation="put", path=key)
    if kind := sendable(options.content_type):
        found["Content-Type"] = kind
    settings = options.settings
    for name, header in _HEADERS.items():
        if value := getattr(settings, name):
            found[header] = value
    return found


def describe(meta: Mapping[str, Any], found: Mapping[str, str] | None = None) -> ObjectInfo:
    """Return the description of an object from its listing, and its attributes where they were asked for."""
    by_name = {name.lower(): value for name, value in (found or {}).items()}
    content_type = by_name.pop("content-type", None) or None
    return ObjectInfo(
        meta["path"],
        meta["size"],
        meta["last_modified"].timestamp(),
        etag=etag(meta["e_tag"]),
        version_id=meta["version"],
        content_type=content_type,
        metadata=decode_metadata({name: value for name, value in by_name.items() if name not in _SYSTEM}),
    )


def described(page: Iterable[Mapping[str, Any]], after: str | None) -> list[ObjectInfo]:
    """Return what of a page of a listing comes after a key; not every service does as it is told."""
    last = after or ""
    return [
        ObjectInfo(key, meta["size"], meta["last_modified"].timestamp(), etag(meta["e_tag"]), meta["version"])
        for meta in page
        if (key := meta["path"]) > last
    ]


def headers(found: Mapping[str, str]) -> dict[str, Any]:
    """Return which attributes of an object are settings that are headers, by the names of the settings."""
    by_name = {name.lower(): value for name, value in found.items()}
    return {name: by_name[_HEADERS[name].lower()] for name in HEADERS if by_name.get(_HEADERS[name].lower())}


def etag(text: str | None) -> str | None:
    """Return an entity tag without its quotes and its weakness."""
    return text.removeprefix("W/").strip('"') if text else None


def span(start: int, end: int | None) -> dict[str, Any]:
    """Return the options of a ``get`` for a part of an object."""
    if end is not None:
        return {"range": (min(start, _FAR - 1), min(end, _FAR))}
    return {"range": {"offset": min(start, _FAR)}} if start else {}


def offset(after: str | None) -> str | None:
    """Return where a listing may start to hold all keys greater than `after`; a sweep may name half a key."""
    while after:
        try:
            return validate_key(after)
        except InvalidKeyError:
            after = after[:-1]  # a prefix is smaller, so nothing gets lost
    return None


def split(chunk: bytes, size: int) -> Iterator[bytes]:
    """Yield a chunk of a stream in pieces of about `size`; obstore only knows a least size."""
    start = 0
    while len(chunk) - start >= 2 * size:
        yield chunk[start : start + size]
        start += size
    if start < len(chunk):
        yield chunk[start:]  # no copy where there was nothing to split
