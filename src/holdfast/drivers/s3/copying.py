"""Copies that S3 makes by itself, from one bucket to another or inside one.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from holdfast.drivers import canonical, threads
from holdfast.drivers.attempts import repeated
from holdfast.drivers.optional import Refusal
from holdfast.drivers.protocol import MIB
from holdfast.drivers.s3 import multipart
from holdfast.drivers.s3.answers import Part, Upload, copied_etag
from holdfast.drivers.s3.headers import setting_headers
from holdfast.drivers.s3.requests import error_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.drivers.s3.requests import Bucket
    from holdfast.object_settings import ObjectSettings

_LIMIT = 1024 * MIB  # S3 copies up to 5 GiB with one request, but parts side by side are faster, and break less
_PART = 512 * MIB
_PARTS_LIMIT = 10_000
_PATIENCE = 180.0  # seconds without a byte while S3 copies
_PAUSES = (0.5, 2.0)  # seconds before another attempt
_OF_ONE_OBJECT = ("InvalidObjectState",)  # it lies in an archive
_DEFAULT_TYPE = "binary/octet-stream"
_OK = 200

_pool = threads.Pool("holdfast-copy", 8)


class Original(NamedTuple):
    """The object that is copied.

    Attributes:
        bucket: Name of its bucket.
        key: The whole one.
        size: Its bytes.
        etag: Its entity tag, without quotes: what has another one is not copied.
    """

    bucket: str
    key: str
    size: int
    etag: str

    def headers(self) -> dict[str, str]:
        """Return the headers that name it."""
        return {
            "x-amz-copy-source": canonical.path(f"{self.bucket}/{self.key}"),
            "x-amz-copy-source-if-match": f'"{self.etag}"',
        }


class _Span(NamedTuple):
    """The bytes of one part: from `start` up to `end`."""

    number: int
    start: int
    end: int


class Written(NamedTuple):
    """What the copy is to have.

    Attributes:
        content_type: Media type, if it can be a header.
        metadata: As pairs that can be headers.
        settings: Settings of the object.
    """

    content_type: str | None
    metadata: Mapping[str, str]
    settings: ObjectSettings

    def headers(self) -> dict[str, str]:
        """Return the headers of the request that begins to write it."""
        kind = {"content-type": self.content_type} if self.content_type else {}
        pairs = {f"x-amz-meta-{name}": value for name, value in self.metadata.items()}
        return {**kind, **pairs, **setting_headers(self.settings)}


def copy(bucket: Bucket, original: Original, key: str, written: Written) -> Refusal | None:
    """Let S3 copy an object, unless the key is taken.

    Args:
        bucket: Where to, and who asks.
        original: The object.
        key: The whole key of the copy.
        written: What the copy is to have.

    Returns:
        Why S3 does not; None if it did.

    Raises:
        FileExistsError: The key is taken, or the original is another one now.
        ConnectionError: S3 cannot be reached, or fails.
    """
    large = original.size > _LIMIT
    if large and written.settings.checksum_algorithm:
        return Refusal("it takes the checksum of a copy in parts from whoever completes it")
    try:
        (_in_parts if large else _whole)(bucket, original, key, written)
    except (FileExistsError, ConnectionError, TimeoutError):
        raise
    except FileNotFoundError as error:
        return Refusal(str(error))
    except (OSError, NotImplementedError) as error:
        return Refusal(str(error), lasting=not any(code in str(error) for code in _OF_ONE_OBJECT))
    return None


def _whole(bucket: Bucket, original: Original, key: str, written: Written) -> None:
    replaced = {"x-amz-metadata-directive": "REPLACE", "x-amz-tagging-directive": "REPLACE"}
    headers = {**original.headers(), **replaced, **written.headers(), "if-none-match": "*"}
    if written.settings.checksum_algorithm:
        headers["x-amz-checksum-algorithm"] = written.settings.checksum_algorithm
    for unknown in ("if-none-match", None if written.settings.tags else "x-amz-tagging-directive"):
        try:
            _copied(bucket, key, {}, headers)
        except NotImplementedError:  # of the condition, or of tags that nobody asked for
            if unknown is None:
                raise
            del headers[unknown]
        else:
            return
    _copied(bucket, key, {}, headers)


def _in_parts(bucket: Bucket, original: Original, key: str, written: Written) -> None:
    upload = multipart.begin(bucket, key, {"content-type": _DEFAULT_TYPE, **written.headers()})
    size = max(_PART, -(-original.size // _PARTS_LIMIT))
    try:
        copies = [
            _pool.submit(_part, bucket, original, key, upload, _Span(number, start, min(start + size, original.size)))
            for number, start in enumerate(range(0, original.size, size), 1)
        ]
        try:
            parts = [copy.result() for copy in copies]
        except BaseException:
            for copy in copies:
                copy.cancel()
            for copy in copies:  # a part that comes after the upload was dropped would stay
                with suppress(BaseException):
                    copy.result()
            raise
        multipart.complete(bucket, key, upload, parts, {"if-none-match": "*"})
    except BaseException:
        with suppress(Exception):
            bucket.abort(Upload(key, upload, None))
        raise


def _part(bucket: Bucket, original: Original, key: str, upload: str, span: _Span) -> Part:
    headers = {**original.headers(), "x-amz-copy-source-range": f"bytes={span.start}-{span.end - 1}"}
    etag = _copied(bucket, key, {"partNumber": str(span.number), "uploadId": upload}, headers)
    return Part(span.number, span.end - span.start, etag)


def _copied(bucket: Bucket, key: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str:
    """Return the tag of a copy; a request that failed for a passing reason is sent again."""
    for pause in (*_PAUSES, None):
        try:
            answer = bucket.send("PUT", key, query, headers=headers, patience=_PATIENCE)
            if (etag := copied_etag(answer)) is None:  # S3 begins its answer before it knows whether it can
                raise error_of(_OK, answer)
        except ConnectionError:
            if pause is None:
                raise
            repeated()
            time.sleep(pause)
        else:
            return etag
    raise AssertionError  # pragma: no cover
