"""Multipart uploads whose parts somebody else sends: how they begin and end.

The XML API of Google Cloud Storage has the same, to the names in its answers.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol
from xml.sax.saxutils import escape

from holdfast.drivers.direct import check_parts
from holdfast.drivers.fetching import PATIENCE
from holdfast.drivers.s3.answers import MalformedAnswerError, completed, parts_page, upload_id
from holdfast.drivers.s3.requests import error_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from holdfast.drivers.s3.answers import Part

_NOTHING: Mapping[str, str] = MappingProxyType({})
_PATIENCE = 180.0  # seconds without a byte while parts are put together
_OK = 200


class Bucket(Protocol):
    """Who sends requests, see `holdfast.drivers.s3.requests.Bucket.send`."""

    def send(
        self,
        method: str,
        key: str,
        query: Mapping[str, str],
        *,
        headers: Mapping[str, str] = _NOTHING,
        body: bytes | None = None,
        patience: float = PATIENCE,
    ) -> bytes:
        """Return the answer."""


def begin(bucket: Bucket, key: str, headers: Mapping[str, str]) -> str:
    """Return S3's name of a new upload.

    Args:
        bucket: Where to.
        key: The whole one.
        headers: What the object is to have, by their names in lower case.
    """
    answer = bucket.send("POST", key, {"uploads": ""}, headers=headers, body=b"")
    try:
        return upload_id(answer)
    except MalformedAnswerError as error:
        raise OSError(str(error)) from None


def finish(bucket: Bucket, key: str, upload: str, size: int, condition: Mapping[str, str] = _NOTHING) -> None:
    """Make the parts an object, if they are all there; one that was made before is no error.

    Args:
        bucket: Where.
        key: The whole one.
        upload: The service's name of the upload.
        size: Bytes of the whole.
        condition: Headers that say under which condition.

    Raises:
        FileNotFoundError: Parts are missing, or there is neither upload nor object.
        FileExistsError: There is an object, and it was not made of this upload.
    """
    parts = _listed(bucket, key, upload)
    if parts is None:
        bucket.send("HEAD", key, {})
        return
    check_parts(size, ((part.number, part.size) for part in parts))
    try:
        complete(bucket, key, upload, parts, condition)
    except (FileExistsError, FileNotFoundError):
        # Somebody else may have finished it at the same time: then it is an object, and no upload any more.
        if _listed(bucket, key, upload) is not None:
            raise
        bucket.send("HEAD", key, {})


def complete(bucket: Bucket, key: str, upload: str, parts: Sequence[Part], condition: Mapping[str, str]) -> None:
    """Make parts an object.

    Args:
        bucket: Where.
        key: The whole one.
        upload: The service's name of the upload.
        parts: All of its parts.
        condition: Headers that say under which condition, where the service knows such.
    """
    try:
        _complete(bucket, key, upload, parts, condition)
    except NotImplementedError:  # of the condition: a key of our making is not taken
        if not condition:
            raise
        _complete(bucket, key, upload, parts, {})


def _complete(bucket: Bucket, key: str, upload: str, parts: Sequence[Part], condition: Mapping[str, str]) -> None:
    lines = (f"<Part><PartNumber>{part.number}</PartNumber><ETag>{escape(part.etag)}</ETag></Part>" for part in parts)
    document = f"<CompleteMultipartUpload>{''.join(lines)}</CompleteMultipartUpload>"
    answer = bucket.send(
        "POST",
        key,
        {"uploadId": upload},
        headers={"content-type": "application/xml", **condition},
        body=document.encode(),
        patience=_PATIENCE,
    )
    if not completed(answer):  # S3 begins its answer before it knows whether it can
        raise error_of(_OK, answer)


def _listed(bucket: Bucket, key: str, upload: str) -> list[Part] | None:
    """Return the parts that have been sent; None if there is no such upload."""
    try:
        return list(_parts(bucket, key, upload))
    except FileNotFoundError as error:
        if "NoSuchUpload" not in str(error):
            raise
        return None


def _parts(bucket: Bucket, key: str, upload: str) -> Iterator[Part]:
    following: Mapping[str, str] | None = {}
    while following is not None:
        answer = bucket.send("GET", key, {"uploadId": upload, **following})
        try:
            page = parts_page(answer)
        except MalformedAnswerError as error:
            raise OSError(str(error)) from None
        yield from page.parts
        following = page.following
