"""What a storage knows about one object."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class ObjectInfo(NamedTuple):
    """Description of a stored object, as far as the storage gives it without another request.

    Attributes:
        key: Key in the storage, below its prefix.
        size: Length in bytes.
        last_modified: Seconds since the epoch, UTC.
        etag: Entity tag without quotes (RFC 9110 §8.8.3).
        version_id: Version, in storages that keep several.
        content_type: Media type, where the storage keeps one.
        metadata: The caller's own fields, where the storage keeps them.
        checksum: ``"<algorithm>:<hex>"`` of the bytes as they were streamed; only known after a put.
    """

    key: str
    size: int
    last_modified: float | None = None
    etag: str | None = None
    version_id: str | None = None
    content_type: str | None = None
    metadata: Mapping[str, Any] = MappingProxyType({})
    checksum: str | None = None
