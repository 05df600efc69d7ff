"""Objects that are copied onto themselves with other headers, which is how S3 changes one in place.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from holdfast.drivers import canonical
from holdfast.drivers.content_types import sendable
from holdfast.drivers.metadata import encode_metadata
from holdfast.drivers.s3.answers import MalformedAnswerError, copied_etag, tags
from holdfast.drivers.s3.headers import setting_headers
from holdfast.drivers.s3.requests import error_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.drivers.altering import Change
    from holdfast.drivers.s3.requests import Bucket

LARGEST = 5 * 1024**3
"""Bytes of an object that S3 copies with one request, and so at once."""

_TRIES = 3  # for an object that is always replaced meanwhile
_PATIENCE = 180.0  # seconds without a byte while S3 copies
_OK = 200
_STANDARD = "STANDARD"  # the class that S3 does not mention
_CLASS, _META, _TAGGING = "x-amz-storage-class", "x-amz-meta-", "x-amz-tagging"
_SAME = frozenset({
    *("content-type", "cache-control", "content-disposition", "content-encoding", "content-language", "expires"),
    *("x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id"),
    *("x-amz-server-side-encryption-bucket-key-enabled", "x-amz-website-redirect-location"),
    *("x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date", "x-amz-object-lock-legal-hold"),
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
        NotImplementedError: It is too large.
    """
    for attempt in range(_TRIES):
        found = bucket.headers(key)
        if int(found.get("content-length", 0)) > LARGEST:
            message = f"{key!r} is larger than 5 GiB, which S3 copies in parts only: copy it to another key"
            raise NotImplementedError(message)
        wanted = _wanted(bucket, key, found, change)
        if wanted is None:
            return False
        try:
            _copy_onto_itself(bucket, key, found, wanted)
        except FileExistsError:  # it is another object by now
            if attempt == _TRIES - 1:
                raise
        else:
            return True
    raise AssertionError  # pragma: no cover


def _wanted(bucket: Bucket, key: str, found: Mapping[str, str], change: Change) -> dict[str, str] | None:
    """Return the headers of the copy; None if the object has them all."""
    kept = {name: value for name, value in found.items() if name in _SAME or name.startswith(_META)}
    kept[_CLASS] = found.get(_CLASS, _STANDARD)
    wanted = dict(kept)
    if kind := sendable(change.content_type):
        wanted["content-type"] = kind
    if change.metadata is not None:
        wanted = {name: value for name, value in wanted.items() if not name.startswith(_META)}
        wanted |= {f"{_META}{name}": value for name, value in encode_metadata(change.metadata).items()}
    settings = change.settings
    wanted |= setting_headers(settings._replace(tags={}))
    if settings.encryption and not settings.encryption_key:  # a key of KMS does not go with another encryption
        wanted = {name: value for name, value in wanted.items() if not name.endswith("-aws-kms-key-id")}
    same = wanted == kept
    if algorithm := settings.checksum_algorithm:
        same = same and f"x-amz-checksum-{algorithm.lower()}" in found
        wanted["x-amz-checksum-algorithm"] = algorithm
    if settings.tags:
        own = _tags(bucket, key)
        merged = {**own, **settings.tags}
        same = same and merged == own
        wanted |= {"x-amz-tagging-directive": "REPLACE", _TAGGING: urlencode(merged, quote_via=quote)}
    return None if same else wanted


def _tags(bucket: Bucket, key: str) -> dict[str, str]:
    try:
        return tags(bucket.send("GET", key, {"tagging": ""}))
    except MalformedAnswerError as error:
        raise OSError(str(error)) from None


def _copy_onto_itself(bucket: Bucket, key: str, found: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    headers = {
        **wanted,
        "x-amz-copy-source": canonical.path(f"{bucket.name}/{key}"),
        "x-amz-copy-source-if-match": found.get("etag", "*"),
        "x-amz-metadata-directive": "REPLACE",
    }
    answer = bucket.send("PUT", key, {}, headers=headers, patience=_PATIENCE)
    if copied_etag(answer) is None:  # S3 begins its answer before it knows whether it can
        raise error_of(_OK, answer)
