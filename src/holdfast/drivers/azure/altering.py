"""Blobs whose properties, metadata and tier are changed in place.

https://learn.microsoft.com/rest/api/storageservices/set-blob-properties
https://learn.microsoft.com/rest/api/storageservices/set-blob-metadata
https://learn.microsoft.com/rest/api/storageservices/set-blob-tier
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.drivers.abilities import HEADERS
from holdfast.drivers.content_types import sendable
from holdfast.drivers.metadata import encode_metadata

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.drivers.altering import Change
    from holdfast.drivers.azure.uploads import Container
    from holdfast.object_settings import ObjectSettings

_ALTERABLE = HEADERS | {"storage_class"}
_TRIES = 3  # for a blob that is always replaced meanwhile
_TIER, _META = "x-ms-access-tier", "x-ms-meta-"
_PROPERTIES = (
    *("content-type", "content-encoding", "content-language", "content-disposition", "cache-control"),
    "content-md5",
)


def check(settings: ObjectSettings) -> None:
    """Refuse settings that the requests cannot be told.

    Raises:
        NotImplementedError: There are some.
    """
    if unsaid := settings.given - _ALTERABLE:
        message = f"{' and '.join(sorted(unsaid))} of a blob cannot be changed here: only of new ones"
        raise NotImplementedError(message)


def alter(container: Container, key: str, change: Change) -> bool:
    """Change a blob, and return whether there was anything to change.

    Args:
        container: Where it is.
        key: The whole one.
        change: What it is to have.

    Raises:
        FileNotFoundError: There is no such blob.
        FileExistsError: It was replaced by another one each time.
    """
    for attempt in range(_TRIES):
        found = container.ask("HEAD", key, {}, {}).headers
        try:
            return _altered(container, key, found, change)
        except FileExistsError:  # it is another blob by now
            if attempt == _TRIES - 1:
                raise
    raise AssertionError  # pragma: no cover


def _altered(container: Container, key: str, found: Mapping[str, str], change: Change) -> bool:
    own = {name: found[name] for name in _PROPERTIES if name in found}
    headers = {name.replace("_", "-"): getattr(change.settings, name) for name in HEADERS}
    wanted = own | {name: value for name, value in headers.items() if value}
    if kind := sendable(change.content_type):
        wanted["content-type"] = kind
    etag, changed = found.get("etag", "*"), False
    if wanted != own:  # those that are not named would be gone
        properties = {f"x-ms-blob-{name}": value for name, value in wanted.items()}
        properties["if-match"] = etag
        etag = container.ask("PUT", key, {"comp": "properties"}, properties).headers.get("etag", "*")
        changed = True
    if change.metadata is not None:
        pairs = {f"{_META}{name}": value for name, value in encode_metadata(change.metadata).items()}
        if pairs != {name: value for name, value in found.items() if name.startswith(_META)}:
            container.send("PUT", key, {"comp": "metadata"}, {**pairs, "if-match": etag})
            changed = True
    tier = change.settings.storage_class
    if tier and tier != found.get(_TIER):
        container.send("PUT", key, {"comp": "tier"}, {_TIER: tier})
        changed = True
    return changed
