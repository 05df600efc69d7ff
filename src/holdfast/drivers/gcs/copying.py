"""Copies that Google Cloud Storage makes by itself, from one bucket to another or inside one.

https://cloud.google.com/storage/docs/xml-api/put-object-copy
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.drivers import canonical
from holdfast.drivers.gcs.uploads import setting_headers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.drivers.gcs.uploads import Bucket
    from holdfast.object_settings import ObjectSettings

_PATIENCE = 180.0  # seconds without a byte while Google copies
_DEFAULT_TYPE = "application/octet-stream"


def copy(
    bucket: Bucket,
    original: tuple[str, str, str | None],
    key: str,
    content_type: str | None,
    metadata: Mapping[str, str],
    *,
    settings: ObjectSettings,
) -> None:
    """Let Google copy an object, unless the key is taken.

    Args:
        bucket: Where to, and who asks.
        original: Bucket, whole key and generation of the object; without a generation, whichever there is.
        key: The whole key of the copy.
        content_type: Media type of the copy.
        metadata: As pairs that can be headers.
        settings: Settings of the copy.

    Raises:
        OSError: Google does not, see `holdfast.drivers.s3.requests.error_of`.
        NotImplementedError: It does not know the request.
    """
    place, name, generation = original
    headers = {
        "x-goog-copy-source": canonical.path(f"{place}/{name}"),
        "x-goog-metadata-directive": "REPLACE",
        "x-goog-if-generation-match": "0",
        "content-type": content_type or _DEFAULT_TYPE,
        **{f"x-goog-meta-{name}": value for name, value in metadata.items()},
        **setting_headers(settings),
    }
    if generation:
        headers["x-goog-copy-source-if-generation-match"] = generation
    bucket.send("PUT", key, {}, headers=headers, patience=_PATIENCE)
