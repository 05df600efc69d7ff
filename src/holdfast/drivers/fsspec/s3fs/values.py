"""What goes to S3 through s3fs: descriptions and settings, by the names of botocore's arguments."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from holdfast.drivers.content_types import sendable
from holdfast.drivers.metadata import encode_metadata

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.object_settings import ObjectSettings

_NAMES = {
    "storage_class": "StorageClass",
    "encryption": "ServerSideEncryption",
    "encryption_key": "SSEKMSKeyId",
    "checksum_algorithm": "ChecksumAlgorithm",
    "cache_control": "CacheControl",
    "content_disposition": "ContentDisposition",
    "content_encoding": "ContentEncoding",
    "content_language": "ContentLanguage",
}


REPLACED: Mapping[str, str] = MappingProxyType({"MetadataDirective": "REPLACE", "TaggingDirective": "REPLACE"})
"""What a copy is told that takes nothing but the bytes from its original."""

_OF_COPIES = frozenset({"StorageClass", "ServerSideEncryption", "SSEKMSKeyId", "ChecksumAlgorithm"})
_HEADERS = frozenset({"CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage"})


def described(content_type: str | None, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that keep the content type and the metadata with an object."""
    about: dict[str, Any] = {"Metadata": encode_metadata(metadata)} if metadata else {}
    kind = sendable(content_type)
    return {**about, "ContentType": kind} if kind else about


def arguments(wanted: ObjectSettings) -> dict[str, str]:
    """Return the arguments for settings. A key for encryption alone means encryption by KMS."""
    given = wanted._asdict()
    found: dict[str, str] = {name: given[field] for field, name in _NAMES.items() if given[field]}
    if "SSEKMSKeyId" in found:
        found.setdefault("ServerSideEncryption", "aws:kms")
    if wanted.tags:
        found["Tagging"] = urlencode(wanted.tags, quote_via=quote)
    return found


def of_copy(about: Mapping[str, str]) -> dict[str, str]:
    """Return the arguments that S3 does not take from the original of a copy, as it does headers and tags."""
    return {name: value for name, value in about.items() if name in _OF_COPIES}


def headers(found: Mapping[str, str]) -> dict[str, str]:
    """Return the arguments for the headers that an object has."""
    return {name: found[name] for name in _HEADERS if found.get(name)}
