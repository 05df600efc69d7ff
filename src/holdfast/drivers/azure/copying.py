"""Copies that Azure Blob Storage makes by itself, inside an account.

https://learn.microsoft.com/rest/api/storageservices/copy-blob-from-url
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.drivers.optional import SignRequest
from holdfast.drivers.protocol import MIB

if TYPE_CHECKING:
    from holdfast.drivers.azure.uploads import Container
    from holdfast.object_settings import ObjectSettings

LIMIT = 256 * MIB
"""Bytes of a blob that Azure copies while it is asked."""

TOLD = frozenset({"storage_class"})
"""Settings that such a copy can be told: headers are those of the original, and tags would take another signature."""

_EXPIRY = 300  # seconds until the copy must have been made


def copy(container: Container, original: tuple[str, str, str | None], key: str, settings: ObjectSettings) -> None:
    """Let Azure copy a blob with its content type and metadata, unless the key is taken.

    Args:
        container: Where to, and who asks.
        original: Container, whole key and entity tag of the blob, which has up to `LIMIT` bytes; without a tag,
            whatever lies there.
        key: The whole key of the copy.
        settings: Settings of the copy, of those in `TOLD`.

    Raises:
        OSError: Azure does not, see `holdfast.drivers.azure.answers.error_of`.
    """
    place, name, etag = original
    headers = {
        "x-ms-copy-source": container._replace(name=place).url(SignRequest(name, "GET", _EXPIRY)),
        "x-ms-requires-sync": "true",
        "if-none-match": "*",
    }
    if etag:
        headers["x-ms-source-if-match"] = f'"{etag}"'
    if settings.storage_class:
        headers["x-ms-access-tier"] = settings.storage_class
    container.send("PUT", key, {}, headers)
