"""S3 through s3fs: its connection, credentials and event loop, but the service's own operations.

The path methods of s3fs read ``?versionId=`` out of a key, answer from remembered listings, tell neither etag nor
version of what was written, and pass over the errors of a bulk delete.
"""

from __future__ import annotations

import time
from contextlib import suppress
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

from fsspec.asyn import sync

from holdfast.drivers.abilities import Abilities
from holdfast.drivers.fsspec import signing, uploads
from holdfast.drivers.fsspec.answers import answer_of
from holdfast.drivers.fsspec.s3fs.answers import SERVICE
from holdfast.drivers.fsspec.s3fs.copying import Copying
from holdfast.drivers.fsspec.s3fs.errors import TAKEN, code, meaning
from holdfast.drivers.fsspec.s3fs.requests import etag_of
from holdfast.drivers.fsspec.s3fs.values import arguments, described
from holdfast.drivers.parts import Head, Parts
from holdfast.drivers.protocol import MIB
from holdfast.drivers.ranges import window
from holdfast.drivers.s3 import altering
from holdfast.object_settings import ObjectSettings
from holdfast.objects import ObjectInfo

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator, Mapping, Sequence

    from holdfast.drivers.altering import Change
    from holdfast.drivers.body import Body
    from holdfast.drivers.optional import SignRequest, UploadOffer, UploadTerms
    from holdfast.drivers.protocol import PutOptions
    from holdfast.errors import StorageError

_IN_FLIGHT = 15 * MIB  # bytes of one upload; on their way to the socket they take four times as much
_DELETE_LIMIT = 1000
_STEP = 8 * MIB  # bytes of an object that are held at a time, of which a part is wanted


class S3FSDriver(Copying):
    """Objects in a bucket.

    Args:
        fs: The s3fs file system, or what makes one.
        root: Bucket, and after a slash the prefix, without slashes at the ends.
    """

    abilities = Abilities(versions=True, settings=frozenset(ObjectSettings._fields))

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write in one request up to `SINGLE_PUT_LIMIT`, beyond that in parts."""
        target, fs = {"Key": self._prefix + key}, self.native
        about = {**described(options.content_type, options.metadata), **arguments(options.settings)}
        condition = {"IfNoneMatch": "*"} if options.if_absent else {}
        if fs.default_block_size != type(fs).default_block_size:  # the user's own
            options = options._replace(chunk_size=max(options.chunk_size, fs.default_block_size))
        parts, head = Parts.plan(options, body.expected_size), Head.of(options)
        blocks = body.blocks(parts.size)
        try:
            if not (head.full or any(head.take(block) for block in blocks)):
                answer = self._call("put_object", **target, **about, **condition, Body=b"".join(head.release()))
            else:
                requests = _uploads(chain(head.release(), blocks), about)
                concurrency = max(1, min(parts.concurrency, _IN_FLIGHT // parts.size))
                answer = self._in_parts(target, about, condition, requests, concurrency)
        except OSError as error:
            if condition and body.error is None and code(error) in TAKEN:
                raise FileExistsError(key) from error
            raise
        return ObjectInfo(key, body.size, _time(answer), etag_of(answer), answer.get("VersionId"))

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Read with one request."""
        span = {"Range": f"bytes={start}-{'' if end is None else end - 1}"} if start or end is not None else {}
        try:
            answer = self._call("get_object", Key=self._prefix + key, **span)
        except OSError as error:
            if code(error) in {"InvalidRange", "416"}:  # past the end of the object
                return
            raise
        body, loop = answer["Body"], self.native.loop
        try:
            cut = window(answer["ResponseMetadata"]["HTTPStatusCode"], answer.get("ContentRange"), start, end)
            if cut is None:
                yield from _chunks(loop, body, chunk_size)
            elif chunk_size is None:
                yield b"".join(cut.over(_chunks(loop, body, _STEP)))
            else:
                yield from cut.over(_chunks(loop, body, chunk_size))
        finally:
            loop.call_soon_threadsafe(body.close)

    def delete(self, keys: Sequence[str]) -> None:
        """Delete up to a thousand objects with one request."""
        if len(keys) == 1:
            self._call("delete_object", Key=self._prefix + keys[0])
            return
        for start in range(0, len(keys), _DELETE_LIMIT):
            objects = [{"Key": self._prefix + key} for key in keys[start : start + _DELETE_LIMIT]]
            answer = self._call("delete_objects", Delete={"Objects": objects})
            if failed := answer.get("Errors"):
                first = failed[0]
                kind = PermissionError if first.get("Code") == "AccessDenied" else OSError
                message = f"{len(failed)} were not deleted, {first.get('Key')!r} for {first.get('Code')}"
                raise kind(f"{message}: {first.get('Message')}")

    def clear_partial_uploads(self, older_than: float, *, delete: bool) -> list[str]:
        """List and abort multipart uploads."""
        return self._clear(self._prefix, older_than, delete=delete)

    def clear_partial_uploads_below(self, folder: str, older_than: float, *, delete: bool) -> list[str]:
        """Like `clear_partial_uploads`, in a folder."""
        return self._clear(f"{self._prefix}{folder}/", older_than, delete=delete)

    def _clear(self, prefix: str, older_than: float, *, delete: bool) -> list[str]:
        cleared: list[str] = []
        more: dict[str, str] = {}
        while True:
            page = self._call("list_multipart_uploads", Prefix=prefix, **more)
            for upload in page.get("Uploads", ()):
                key: str = upload["Key"]
                if key.startswith(prefix) and upload["Initiated"].timestamp() < older_than:
                    cleared.append(key.removeprefix(self._prefix))
                    if delete:
                        self._abort(key, upload["UploadId"])
            if not page.get("IsTruncated"):
                return cleared
            with answer_of(SERVICE):
                more = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}

    def list(self, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
        """List a thousand objects per request, in the order that S3 has."""
        folder = f"{self._prefix}{prefix}/" if prefix else self._prefix
        more = {"StartAfter": self._prefix + after} if after else {}
        while True:
            page = self._call("list_objects_v2", Prefix=folder, **more)
            with answer_of(SERVICE):
                # One that ends with a slash stands for an empty folder.
                objects = [found for found in page.get("Contents", ()) if not found["Key"].endswith("/")]
                infos = [self._listed(found) for found in objects]
            yield from infos
            if not page.get("IsTruncated"):
                return
            with answer_of(SERVICE):
                more = {"ContinuationToken": page["NextContinuationToken"]}

    def _listed(self, found: Mapping[str, Any]) -> ObjectInfo:
        key = found["Key"].removeprefix(self._prefix)
        return ObjectInfo(key, found["Size"], found["LastModified"].timestamp(), etag_of(found))

    def sign(self, request: SignRequest) -> str:
        """Return a presigned URL."""
        return signing.s3fs_url(self.native, self._bucket, request._replace(key=self._prefix + request.key))

    def check_alter(self, settings: ObjectSettings) -> None:  # noqa: ARG002  # botocore checks them
        """Look for the credentials."""
        signing.s3fs_bucket(self.native, self._bucket)

    def alter(self, key: str, change: Change) -> bool:
        """Copy the object onto itself, with a request of our own."""
        return altering.alter(signing.s3fs_bucket(self.native, self._bucket), self._prefix + key, change)

    def offer_upload(self, terms: UploadTerms) -> UploadOffer:
        """Sign as for URLs."""
        whole = terms._replace(key=self._prefix + terms.key)
        return uploads.s3fs_offer(self.native, self._bucket, whole)

    def finish_upload(self, key: str, upload_id: str) -> None:
        """Finish with requests of our own."""
        uploads.s3fs_finish(self.native, self._bucket, self._prefix + key, upload_id)

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Go by S3's code, which s3fs keeps in the cause, and by what botocore raises."""
        return meaning(error) or super().classify(error)


def _chunks(loop: asyncio.AbstractEventLoop, body: Any, size: int | None) -> Iterator[bytes]:
    while chunk := sync(loop, body.read, -1 if size is None else size):
        yield chunk


def _uploads(blocks: Iterator[memoryview], about: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    more = {name: about[name] for name in ("ChecksumAlgorithm",) if name in about}
    for block in blocks:
        yield "upload_part", {"Body": bytes(block), **more}


def _time(answer: Mapping[str, Any]) -> float:
    """Return the service's clock when it answered; S3 does not tell the time of a write itself."""
    with suppress(KeyError, TypeError, ValueError):
        return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp()
    return time.time()
