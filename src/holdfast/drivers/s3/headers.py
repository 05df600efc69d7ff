"""Settings of an object, as S3 is told them with an upload."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from holdfast.object_settings import ObjectSettings

_ENCRYPTION = "x-amz-server-side-encryption"
_NAMES = {
    "storage_class": "x-amz-storage-class",
    "encryption": _ENCRYPTION,
    "encryption_key": "x-amz-server-side-encryption-aws-kms-key-id",
    "cache_control": "cache-control",
    "content_disposition": "content-disposition",
    "content_encoding": "content-encoding",
    "content_language": "content-language",
}


def setting_headers(settings: ObjectSettings) -> dict[str, str]:
    """Return the headers of a PUT, by their names in lower case.

    Not the algorithm of a checksum: S3 would want one with each part, and takes what is sent of a whole.
    """
    headers = _named(settings)
    if settings.tags:
        headers["x-amz-tagging"] = urlencode(settings.tags, quote_via=quote)
    return headers


def form_fields(settings: ObjectSettings) -> dict[str, str]:
    """Return the fields of a form."""
    fields = _named(settings)
    if settings.tags:
        tags = (
            f"<Tag><Key>{escape(name)}</Key><Value>{escape(value)}</Value></Tag>"
            for name, value in settings.tags.items()
        )
        fields["tagging"] = f"<Tagging><TagSet>{''.join(tags)}</TagSet></Tagging>"
    return fields


def _named(settings: ObjectSettings) -> dict[str, str]:
    found = {name: getattr(settings, field) for field, name in _NAMES.items() if getattr(settings, field)}
    if settings.encryption_key:
        found.setdefault(_ENCRYPTION, "aws:kms")
    return found
