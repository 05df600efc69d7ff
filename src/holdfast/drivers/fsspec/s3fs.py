"""S3 through s3fs: its connection, credentials and event loop, but the service's own operations.

The path methods of s3fs read ``?versionId=`` out of a key, answer from remembered listings, tell neither etag nor
version of what was written, and pass over the errors of a bulk delete.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from concurrent.futures import Future, wait
from contextlib import suppress
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

from fsspec.asyn import sync

from holdfast import errors
from holdfast.drivers.abilities import Abilities
from holdfast.drivers.fsspec.filesystem import FileSystem
from holdfast.drivers.metadata import decode_metadata, encode_metadata
from holdfast.drivers.parts import Head, Parts
from holdfast.drivers.protocol import MIB
from holdfast.objects import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from holdfast.drivers.body import Body
    from holdfast.drivers.protocol import PutOptions, SignRequest
    from holdfast.errors import StorageError

_IN_FLIGHT = 15 * MIB  # bytes of one upload; on their way to the socket they take four times as much
_DELETE_LIMIT = 1000
_COPY_LIMIT = 5 * 1024**3
_COPY_PART = 1024**3
_COPIES = 8  # parts of a copy under way at once; they take no memory here
_TAKEN = {"PreconditionFailed", "412", "ConditionalRequestConflict"}


class S3FSDriver(FileSystem):
    """Objects in a bucket.

    Args:
        fs: The s3fs file system, or what makes one.
        root: Bucket, and after a slash the prefix, without slashes at the ends.
    """

    abilities = Abilities(versions=True)

    def __init__(self, fs: Any, root: str) -> None:
        super().__init__(fs)
        self._bucket, slash, prefix = root.partition("/")
        self._prefix = prefix + slash

    def _prepared(self, fs: Any) -> Any:
        fs.close_session = _close_session
        return fs

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write in one request up to `SINGLE_PUT_LIMIT`, beyond that in parts."""
        target = {"Key": self._prefix + key}
        about = _about(options.content_type, options.metadata)
        condition = {"IfNoneMatch": "*"} if options.if_absent else {}
        parts, head = Parts.plan(options, body.expected_size), Head.of(options)
        blocks = body.blocks(parts.size)
        if not (head.full or any(head.take(block) for block in blocks)):
            answer = self._call("put_object", **target, **about, **condition, Body=b"".join(head.release()))
        else:
            requests = _uploads(chain(head.release(), blocks))
            concurrency = max(1, min(parts.concurrency, _IN_FLIGHT // parts.size))
            answer = self._in_parts(target, about, condition, requests, concurrency)
        return ObjectInfo(key, body.size, _time(answer), _etag(answer), answer.get("VersionId"))

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Read with one request."""
        span = {"Range": f"bytes={start}-{'' if end is None else end - 1}"} if start or end is not None else {}
        try:
            answer = self._call("get_object", Key=self._prefix + key, **span)
        except OSError as error:
            if _code(error) in {"InvalidRange", "416"}:  # past the end of the object
                return
            raise
        body, loop = answer["Body"], self.native.loop
        try:
            while chunk := sync(loop, body.read, -1 if chunk_size is None else chunk_size):
                yield chunk
        finally:
            loop.call_soon_threadsafe(body.close)

    def stat(self, key: str) -> ObjectInfo:
        """Ask for an object's headers."""
        found = self._call("head_object", Key=self._prefix + key)
        return ObjectInfo(
            key,
            found["ContentLength"],
            found["LastModified"].timestamp(),
            _etag(found),
            found.get("VersionId"),
            found.get("ContentType"),
            decode_metadata(found.get("Metadata", {})),
        )

    def delete(self, keys: Sequence[str]) -> None:
        """Delete up to a thousand objects with one request."""
        if len(keys) == 1:
            self._call("delete_object", Key=self._prefix + keys[0])
            return
        for start in range(0, len(keys), _DELETE_LIMIT):
            objects = [{"Key": self._prefix + key} for key in keys[start : start + _DELETE_LIMIT]]
            answer = self._call("delete_objects", Delete={"Objects": objects, "Quiet": True})
            if failed := answer.get("Errors"):
                first = failed[0]
                kind = PermissionError if first.get("Code") == "AccessDenied" else OSError
                message = f"{len(failed)} were not deleted, {first.get('Key')!r} for {first.get('Code')}"
                raise kind(f"{message}: {first.get('Message')}")

    def copy(self, source: str, target: str) -> None:
        """Copy inside S3, in parts beyond 5 GiB."""
        origin, key = {"Bucket": self._bucket, "Key": self._prefix + source}, {"Key": self._prefix + target}
        info = self.stat(source)
        if info.size <= _COPY_LIMIT:
            self._call("copy_object", **key, CopySource=origin)
        else:
            about = _about(info.content_type, info.metadata)
            self._in_parts(key, about, {}, _copies(origin, info.size), _COPIES)

    def clear_partial_uploads(self, older_than: float, *, delete: bool) -> list[str]:
        """List and abort multipart uploads."""
        cleared: list[str] = []
        more: dict[str, str] = {}
        while True:
            page = self._call("list_multipart_uploads", Prefix=self._prefix, **more)
            for upload in page.get("Uploads", ()):
                key: str = upload["Key"]
                if key.startswith(self._prefix) and upload["Initiated"].timestamp() < older_than:
                    cleared.append(key.removeprefix(self._prefix))
                    if delete:
                        self._abort(key, upload["UploadId"])
            if not page.get("IsTruncated"):
                return cleared
            more = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}

    def list(self, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
        """List a thousand objects per request, in the order that S3 has."""
        folder = f"{self._prefix}{prefix}/" if prefix else self._prefix
        more = {"StartAfter": self._prefix + after} if after else {}
        while True:
            page = self._call("list_objects_v2", Prefix=folder, **more)
            for found in page.get("Contents", ()):
                if not found["Key"].endswith("/"):  # else it stands for an empty folder
                    name = found["Key"].removeprefix(self._prefix)
                    yield ObjectInfo(name, found["Size"], found["LastModified"].timestamp(), _etag(found))
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def sign(self, request: SignRequest) -> str:
        """Return a presigned URL."""

        async def presigned() -> str:
            await self.native.set_session()
            client = await self.native.get_s3(self._bucket)
            client.meta.events.register_first("choose-signer.s3", _modern, unique_id="holdfast-presign")
            target = {"Bucket": self._bucket, "Key": self._prefix + request.key}
            operation = f"{request.method.lower()}_object"
            url: str = await client.generate_presigned_url(operation, target, request.expires_in)
            return url

        url: str = sync(self.native.loop, presigned)
        return url

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Go by S3's code where s3fs has no class of its own for it."""
        return errors.AlreadyExistsError if _code(error) in _TAKEN else super().classify(error)

    # --- requests

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.native.call_s3(operation, Bucket=self._bucket, **arguments)
        return answer

    def _begin(self, operation: str, **arguments: Any) -> Future[dict[str, Any]]:
        fs = self.native
        request = fs._call_s3(operation, Bucket=self._bucket, **arguments)
        return asyncio.run_coroutine_threadsafe(request, fs.loop)

    def _abort(self, key: str, upload_id: str) -> None:
        try:
            self._call("abort_multipart_upload", Key=key, UploadId=upload_id)
        except OSError as error:
            if _code(error) != "NoSuchUpload":  # else it came to its end meanwhile
                raise

    def _in_parts(
        self,
        target: Mapping[str, str],
        about: Mapping[str, Any],
        condition: Mapping[str, str],
        requests: Iterator[tuple[str, dict[str, Any]]],
        concurrency: int,
    ) -> dict[str, Any]:
        """Run a multipart upload to its end, or abort it."""
        upload = self._call("create_multipart_upload", **target, **about)
        target = {**target, "UploadId": upload["UploadId"]}
        under_way: deque[Future[dict[str, Any]]] = deque()
        tags: list[str] = []
        try:
            for operation, arguments in requests:
                number = len(tags) + len(under_way) + 1
                under_way.append(self._begin(operation, **target, PartNumber=number, **arguments))
                if len(under_way) == concurrency:
                    tags.append(_part_tag(under_way.popleft()))
            tags += map(_part_tag, under_way)
            parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
            return self._call("complete_multipart_upload", **target, **condition, MultipartUpload={"Parts": parts})
        except BaseException:
            wait(under_way)  # a part that arrives after the abort would stay for ever
            with suppress(Exception):
                self._call("abort_multipart_upload", **target)
            raise


def _about(content_type: str | None, metadata: Mapping[str, Any]) -> dict[str, Any]:
    about: dict[str, Any] = {"Metadata": encode_metadata(metadata)} if metadata else {}
    return {**about, "ContentType": content_type} if content_type else about


def _uploads(blocks: Iterator[memoryview]) -> Iterator[tuple[str, dict[str, Any]]]:
    for block in blocks:
        yield "upload_part", {"Body": bytes(block)}


def _copies(origin: Mapping[str, str], size: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for start in range(0, size, _COPY_PART):
        span = f"bytes={start}-{min(start + _COPY_PART, size) - 1}"
        yield "upload_part_copy", {"CopySource": origin, "CopySourceRange": span}


def _close_session(loop: asyncio.AbstractEventLoop | None, client: Any) -> None:
    """Close connections in their own event loop.

    s3fs itself does so in whichever loop runs in the thread where the garbage collector finds the file system, and
    asyncio reports "got Future attached to a different loop" there.
    """
    if loop is not None and loop.is_running():
        with suppress(RuntimeError):  # it has just been closed
            loop.call_soon_threadsafe(lambda: loop.create_task(client.__aexit__(None, None, None)))


def _modern(signature_version: Any, **_: Any) -> str | None:
    """Choose Signature Version 4 for presigned URLs: left alone, botocore makes the old kind, which AWS refuses."""
    presigned = isinstance(signature_version, str) and signature_version.endswith("-query")
    return "s3v4-query" if presigned else None


def _part_tag(part: Future[dict[str, Any]]) -> str:
    answer = part.result()
    tag: str = answer.get("CopyPartResult", answer)["ETag"]
    return tag


def _etag(answer: Mapping[str, Any]) -> str | None:
    tag = answer.get("ETag")
    return tag.strip('"') if tag else None


def _time(answer: Mapping[str, Any]) -> float:
    """Return the service's clock when it answered; S3 does not tell the time of a write itself."""
    with suppress(KeyError, TypeError, ValueError):
        return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp()
    return time.time()


def _code(error: BaseException | None) -> str | None:
    """Return S3's own code of an error; s3fs keeps it in the cause."""
    for candidate in (error, error.__cause__ if error else None):
        response = getattr(candidate, "response", None)
        if isinstance(response, dict):
            code: str | None = response.get("Error", {}).get("Code")
            return code
    return None
