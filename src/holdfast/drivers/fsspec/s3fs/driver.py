"""S3 through s3fs: its connection, credentials and event loop, but the service's own operations.

The path methods of s3fs read ``?versionId=`` out of a key, answer from remembered listings, tell neither etag nor
version of what was written, and pass over the errors of a bulk delete.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from email.utils import parsedate_to_datetime
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from fsspec.asyn import sync

from holdfast.drivers.abilities import Abilities
from holdfast.drivers.attempts import repeated
from holdfast.drivers.fsspec import signing, uploads
from holdfast.drivers.fsspec.answers import answer_of
from holdfast.drivers.fsspec.closing import close_in
from holdfast.drivers.fsspec.filesystem import FileSystem
from holdfast.drivers.fsspec.in_flight import in_flight
from holdfast.drivers.fsspec.s3fs.answers import SERVICE, check_answer
from holdfast.drivers.fsspec.s3fs.errors import TAKEN, code, meaning
from holdfast.drivers.fsspec.s3fs.values import arguments, described, headers, of_copy
from holdfast.drivers.metadata import decode_metadata
from holdfast.drivers.parts import Head, Parts
from holdfast.drivers.places import Place, in_s3, said
from holdfast.drivers.protocol import MIB
from holdfast.drivers.ranges import window
from holdfast.object_settings import NO_SETTINGS, ObjectSettings
from holdfast.objects import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from holdfast.drivers.body import Body
    from holdfast.drivers.protocol import PutOptions, SignRequest, UploadOffer, UploadTerms
    from holdfast.errors import StorageError

_IN_FLIGHT = 15 * MIB  # bytes of one upload; on their way to the socket they take four times as much
_DELETE_LIMIT = 1000
_STEP = 8 * MIB  # bytes of an object that are held at a time, of which a part is wanted
_COPY_LIMIT = 5 * 1024**3
_COPY_PART = 1024**3
_NO_TAGS = {"NotImplemented", "MethodNotAllowed", "501", "405"}
_COPIES = 8  # parts of a copy under way at once; they take no memory here


class S3FSDriver(FileSystem):
    """Objects in a bucket.

    Args:
        fs: The s3fs file system, or what makes one.
        root: Bucket, and after a slash the prefix, without slashes at the ends.
    """

    abilities = Abilities(versions=True, settings=frozenset(ObjectSettings._fields))

    def __init__(self, fs: Any, root: str) -> None:
        super().__init__(fs)
        self._bucket, slash, prefix = root.partition("/")
        self._prefix = prefix + slash

    def place(self) -> Place:
        """Read the options."""
        options = self.options()
        given = {**(options.get("client_kwargs") or {}), **options}
        endpoint = said(given, "endpoint_url", variables=("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"))
        return in_s3(endpoint, self._bucket, self._prefix)

    def _made(self) -> Any:
        fs = super()._made()
        # Seconds of silence; s3fs has 15, and some servers put a large upload together for longer than that.
        fs.connect_timeout, fs.read_timeout = 5, 180
        fs.retries = 1  # botocore has attempts of its own, and each would be multiplied by these
        return fs

    def _prepared(self, fs: Any) -> Any:
        fs.close_session = lambda loop, client: close_in(loop, partial(client.__aexit__, None, None, None))
        return fs

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
        return ObjectInfo(key, body.size, _time(answer), _etag(answer), answer.get("VersionId"))

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

    def stat(self, key: str) -> ObjectInfo:
        """Ask for an object's headers."""
        try:
            found = self._call("head_object", Key=self._prefix + key)
        except OSError as error:
            told = self._explained(key, error)
            raise told from told.__cause__
        with answer_of(SERVICE):
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
            answer = self._call("delete_objects", Delete={"Objects": objects})
            if failed := answer.get("Errors"):
                first = failed[0]
                kind = PermissionError if first.get("Code") == "AccessDenied" else OSError
                message = f"{len(failed)} were not deleted, {first.get('Key')!r} for {first.get('Code')}"
                raise kind(f"{message}: {first.get('Message')}")

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Copy inside S3, in parts beyond 5 GiB."""
        origin, key = {"Bucket": self._bucket, "Key": self._prefix + source}, {"Key": self._prefix + target}
        info = self.stat(source)
        if info.size <= _COPY_LIMIT:
            self._call("copy_object", **key, **of_copy(arguments(settings)), CopySource=origin)
        else:
            about = {
                **described(info.content_type, info.metadata),
                **arguments(settings),
                **self._own(source, settings),
            }
            self._in_parts(key, about, {}, _copies(origin, info.size), _COPIES)

    def _own(self, key: str, settings: ObjectSettings) -> dict[str, str]:
        """Return the headers and tags of an object, which a copy in parts does not take along, as a whole one does."""
        found = headers(self._call("head_object", Key=self._prefix + key))
        try:
            own = self._call("get_object_tagging", Key=self._prefix + key)["TagSet"]
        except OSError as error:
            if code(error) not in _NO_TAGS:
                raise
            return found  # a service without tags
        tags = {**settings.tags, **{tag["Key"]: tag["Value"] for tag in own}}
        return {**found, **arguments(ObjectSettings(tags=tags))}

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
        return ObjectInfo(key, found["Size"], found["LastModified"].timestamp(), _etag(found))

    def sign(self, request: SignRequest) -> str:
        """Return a presigned URL."""
        return signing.s3fs_url(self.native, self._bucket, request._replace(key=self._prefix + request.key))

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

    # --- requests

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        answer: dict[str, Any] = sync(self.native.loop, self._request, operation, **arguments)
        repeated(answer.get("ResponseMetadata", {}).get("RetryAttempts", 0))
        return answer

    def _begin(self, operation: str, **arguments: Any) -> Future[dict[str, Any]]:
        return asyncio.run_coroutine_threadsafe(self._request(operation, **arguments), self.native.loop)

    async def _request(self, operation: str, **arguments: Any) -> dict[str, Any]:
        client = await self.native.set_session()
        # aiohttp has no timeout for the interim answer: a put would wait for a silent server for ever.
        client.meta.events.register_last("before-call.s3", _expect_nothing, unique_id="holdfast-expect")
        answer: dict[str, Any] = await self.native._call_s3(operation, Bucket=self._bucket, **arguments)
        try:
            check_answer(operation, answer)
        except BaseException:
            if "Body" in answer:
                answer["Body"].close()
            raise
        return answer

    def _explained(self, key: str, error: OSError) -> OSError:
        """Return the error of a GET for that of a HEAD, which has no body and so tells no more than a number."""
        if code(error) not in {"400", "403", "404"}:
            return error
        try:
            answer = self._call("get_object", Key=self._prefix + key, Range="bytes=0-0")
        except OSError as told:
            return told
        self.native.loop.call_soon_threadsafe(answer["Body"].close)  # it was written meanwhile
        return error

    def _abort(self, key: str, upload_id: str) -> None:
        try:
            self._call("abort_multipart_upload", Key=key, UploadId=upload_id)
        except OSError as error:
            if code(error) != "NoSuchUpload":  # else it came to its end meanwhile
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

        def begin(number: int, request: tuple[str, dict[str, Any]]) -> Future[dict[str, Any]]:
            operation, arguments = request
            return self._begin(operation, **target, PartNumber=number, **arguments)

        try:
            answers = in_flight(begin, requests, concurrency)
            checksum = about.get("ChecksumAlgorithm") or self.native.s3_additional_kwargs.get("ChecksumAlgorithm")
            parts = [{"PartNumber": number, **_part(answer, checksum)} for number, answer in enumerate(answers, 1)]
            return self._call("complete_multipart_upload", **target, **condition, MultipartUpload={"Parts": parts})
        except BaseException:
            with suppress(Exception):
                self._call("abort_multipart_upload", **target)
            raise


def _chunks(loop: asyncio.AbstractEventLoop, body: Any, size: int | None) -> Iterator[bytes]:
    while chunk := sync(loop, body.read, -1 if size is None else size):
        yield chunk


def _expect_nothing(params: dict[str, Any], **_: Any) -> None:
    """Send a body at once, without ``Expect: 100-continue``."""
    params["headers"].pop("Expect", None)


def _uploads(blocks: Iterator[memoryview], about: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    more = {name: about[name] for name in ("ChecksumAlgorithm",) if name in about}
    for block in blocks:
        yield "upload_part", {"Body": bytes(block), **more}


def _copies(origin: Mapping[str, str], size: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for start in range(0, size, _COPY_PART):
        span = f"bytes={start}-{min(start + _COPY_PART, size) - 1}"
        yield "upload_part_copy", {"CopySource": origin, "CopySourceRange": span}


def _part(answer: Mapping[str, Any], checksum: str | None) -> dict[str, str]:
    """Return what the completion of an upload repeats of the answer to a part."""
    told = answer.get("CopyPartResult", answer)
    return {name: told[name] for name in ("ETag", f"Checksum{checksum}") if name in told}


def _etag(answer: Mapping[str, Any]) -> str | None:
    tag = answer.get("ETag")
    return tag.strip('"') if tag else None


def _time(answer: Mapping[str, Any]) -> float:
    """Return the service's clock when it answered; S3 does not tell the time of a write itself."""
    with suppress(KeyError, TypeError, ValueError):
        return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp()
    return time.time()
