"""Objects that are copied onto themselves with other headers, which is how Google changes all of one at once.

https://cloud.google.com/storage/docs/xml-api/put-object-copy
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.drivers import canonical
from holdfast.drivers.content_types import sendable
from holdfast.drivers.gcs.uploads import setting_headers
from holdfast.drivers.metadata import encode_metadata

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.drivers.altering import Change
    from holdfast.drivers.gcs.uploads import Bucket

_TRIES = 3  # for an object that is always replaced meanwhile
_PATIENCE = 180.0  # seconds without a byte while Google copies
_META = "x-goog-meta-"
_SAME = frozenset({
    *("content-type", "cache-control", "content-disposition", "content-encoding", "content-language"),
    *("x-goog-storage-class", "x-goog-encryption-kms-key-name", "x-goog-custom-time"),
})  # fmt: skip
"""What an object keeps only if the copy is told."""


def alter(bucket: Bucket, key: str, change: Change) -> bool:
    """Change an object, and return whether there was anything to change.

    Args:
        bucket: Where it is.
        key: The whole one.
        change: What it is to have.

    Raises:
        FileNotFoundError: There is no such object.
        FileExistsError: It was replaced by another one each time.
    """
    for attempt in range(_TRIES):
        found = bucket.headers(key)
        kept = {name: value for name, value in found.items() if name in _SAME or name.startswith(_META)}
        wanted = _wanted(kept, change)
        if wanted == kept:
            return False
        try:
            bucket.send("PUT", key, {}, headers={**wanted, **_onto_itself(bucket, key, found)}, patience=_PATIENCE)
        except FileExistsError:  # it is another object by now
            if attempt == _TRIES - 1:
                raise
        else:
            return True
    raise AssertionError  # pragma: no cover


def _wanted(kept: Mapping[str, str], change: Change) -> dict[str, str]:
    wanted = dict(kept)
    if kind := sendable(change.content_type):
        wanted["content-type"] = kind
    if change.metadata is not None:
        wanted = {name: value for name, value in wanted.items() if not name.startswith(_META)}
        wanted |= {f"{_META}{name}": value for name, value in encode_metadata(change.metadata).items()}
    return wanted | setting_headers(change.settings)


def _onto_itself(bucket: Bucket, key: str, found: Mapping[str, str]) -> dict[str, str]:
    headers = {
        "x-goog-copy-source": canonical.path(f"{bucket.name}/{key}"),
        "x-goog-metadata-directive": "REPLACE",
    }
    if generation := found.get("x-goog-generation"):
        headers["x-goog-copy-source-if-generation-match"] = generation
        headers["x-goog-if-generation-match"] = generation
    return headers
