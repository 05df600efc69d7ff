"""Requests to a bucket over the connections and with the credentials of s3fs, but the service's own operations."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from fsspec.asyn import sync

from holdfast.drivers.attempts import repeated
from holdfast.drivers.fsspec.answers import answer_of
from holdfast.drivers.fsspec.closing import close_in
from holdfast.drivers.fsspec.filesystem import FileSystem
from holdfast.drivers.fsspec.in_flight import in_flight
from holdfast.drivers.fsspec.s3fs.answers import SERVICE, check_answer
from holdfast.drivers.fsspec.s3fs.errors import code
from holdfast.drivers.metadata import decode_metadata
from holdfast.drivers.places import Place, in_s3, said
from holdfast.objects import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Future


class Requests(FileSystem):
    """The part of the driver that asks S3.

    Args:
        fs: The s3fs file system, or what makes one.
        root: Bucket, and after a slash the prefix, without slashes at the ends.
    """

    def __init__(self, fs: Any, root: str) -> None:
        super().__init__(fs)
        self._bucket, slash, prefix = root.partition("/")
        self._prefix = prefix + slash

    def place(self) -> Place:
        """Read the options."""
        _, _, options = self.recipe()
        given = {**(options.get("client_kwargs") or {}), **options}
        endpoint = said(given, "endpoint_url", variables=("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"))
        return in_s3(endpoint, self._bucket, self._prefix)

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
                etag_of(found),
                found.get("VersionId"),
                found.get("ContentType"),
                decode_metadata(found.get("Metadata", {})),
            )

    def _made(self) -> Any:
        fs = super()._made()
        # Seconds of silence; s3fs has 15, and some servers put a large upload together for longer than that.
        fs.connect_timeout, fs.read_timeout = 5, 180
        fs.retries = 1  # botocore has attempts of its own, and each would be multiplied by these
        return fs

    def _prepared(self, fs: Any) -> Any:
        fs.close_session = lambda loop, client: close_in(loop, partial(client.__aexit__, None, None, None))
        return fs

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


def _expect_nothing(params: dict[str, Any], **_: Any) -> None:
    """Send a body at once, without ``Expect: 100-continue``."""
    params["headers"].pop("Expect", None)


def _part(answer: Mapping[str, Any], checksum: str | None) -> dict[str, str]:
    """Return what the completion of an upload repeats of the answer to a part."""
    told = answer.get("CopyPartResult", answer)
    return {name: told[name] for name in ("ETag", f"Checksum{checksum}") if name in told}


def etag_of(answer: Mapping[str, Any]) -> str | None:
    """Return the entity tag in an answer, without quotes."""
    tag = answer.get("ETag")
    return tag.strip('"') if tag else None
