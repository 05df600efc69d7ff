"""Google Cloud Storage through gcsfs: its connection, credentials and event loop, but the service's own operations.

The path methods of gcsfs read ``#generation`` out of a key, answer from remembered listings, set no content type that
they do not guess, and first ask what kind of bucket it is, which needs another permission.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from base64 import b64encode
from itertools import chain
from typing import TYPE_CHECKING, Any

from yarl import URL

from holdfast import errors
from holdfast.drivers.abilities import HEADERS, Abilities
from holdfast.drivers.fsspec import signing, uploads
from holdfast.drivers.fsspec.answers import ForeignAnswerError, answer_of
from holdfast.drivers.fsspec.gcsfs.bucket import CONFLICT, NOT_FOUND
from holdfast.drivers.fsspec.gcsfs.copying import Copying
from holdfast.drivers.fsspec.gcsfs.errors import meaning
from holdfast.drivers.fsspec.gcsfs.requests import SERVICE, GCSError
from holdfast.drivers.fsspec.gcsfs.resumable import UNIT, resumable
from holdfast.drivers.gcs import altering
from holdfast.drivers.parts import Head, Parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from holdfast.drivers.altering import Change
    from holdfast.drivers.body import Body
    from holdfast.drivers.fsspec.gcsfs.requests import Answer
    from holdfast.drivers.optional import SignRequest, UploadOffer, UploadTerms
    from holdfast.drivers.protocol import PutOptions
    from holdfast.errors import StorageError
    from holdfast.object_settings import ObjectSettings
    from holdfast.objects import ObjectInfo

_DELETE_LIMIT = 100
_PAGE = 1000
_FIELDS = "kind,items(name,size,updated,etag,generation,contentType,metadata),nextPageToken"
_DELETED = {200, 204, 404}
_NO_CONTENT, _PAST_THE_END = 204, 416
_LISTING = "storage#objects"
Statuses = list[int]  # `list` is a method below
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")


class GCSFSDriver(Copying):
    """Objects in a bucket.

    Args:
        fs: The gcsfs file system, or what makes one.
        root: Bucket, and after a slash the prefix, without slashes at the ends.
    """

    abilities = Abilities(versions=True, settings=HEADERS | {"storage_class", "encryption_key"})

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write in one request up to `SINGLE_PUT_LIMIT`, beyond that block after block."""
        about = self._about(key, options)
        condition = {"ifGenerationMatch": "0"} if options.if_absent else {}
        query = {**condition, "kmsKeyName": options.settings.encryption_key}
        size = Parts.plan(options, body.expected_size).size
        size = -(-size // UNIT) * UNIT
        head, blocks = Head.of(options), body.blocks(size)
        try:
            if not (head.full or any(head.take(block) for block in blocks)):
                answer = self._put_whole(about, query, b"".join(head.release()))
            else:
                answer = resumable(self._requests, self._bucket, about, query, chain(head.release(), blocks), size=size)
        except GCSError as error:
            if options.if_absent and error.status == CONFLICT:
                raise FileExistsError(key) from error
            raise
        return self._described(answer.json())

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Read with one request."""
        span = {"Range": f"bytes={start}-{'' if end is None else end - 1}"} if start or end is not None else {}
        try:
            stream = self._requests.open(self._url(key, alt="media"), span)
        except GCSError as error:
            if error.status == _PAST_THE_END:
                return
            raise self._explained(error) from None
        yield from stream.chunks(start, end, chunk_size)

    def delete(self, keys: Sequence[str]) -> None:
        """Delete up to a hundred objects with one request."""
        if len(keys) == 1:
            self._delete_one(keys[0])
            return
        for start in range(0, len(keys), _DELETE_LIMIT):
            page = keys[start : start + _DELETE_LIMIT]
            statuses = self._delete_batch(page)
            if all(status == NOT_FOUND for status in statuses):
                self._delete_one(page[0])  # maybe it is the bucket that is missing
            for key, status in zip(page, statuses, strict=True):
                if status not in _DELETED:
                    self._delete_one(key)  # it is gone, or this tells what is wrong

    def list(self, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
        """List a thousand objects per request, in the order that Google has."""
        folder = f"{self._prefix}{prefix}/" if prefix else self._prefix
        first = self._prefix + after if after else None
        token = None
        while True:
            url = self._requests.url(
                *("b", self._bucket, "o"),
                prefix=folder or None,
                startOffset=first,
                pageToken=token,
                maxResults=str(_PAGE),
                fields=_FIELDS,
            )
            page = self._requests.send("GET", url).json()
            with answer_of(SERVICE):
                if page["kind"] != _LISTING:
                    raise ForeignAnswerError(SERVICE, f"it is a {page['kind']!r}")
                # One that ends so stands for an empty folder; and the first one may be the one to come after.
                items = [
                    found
                    for found in page.get("items", ())
                    if not found["name"].endswith("/") and (first is None or found["name"] > first)
                ]
            yield from map(self._described, items)
            token = page.get("nextPageToken")
            if not token:
                return

    def sign(self, request: SignRequest) -> str:
        """Return a URL that is signed with a service account."""
        return signing.gcsfs_url(self.native, self._bucket, request._replace(key=self._prefix + request.key))

    def check_alter(self, settings: ObjectSettings) -> None:  # noqa: ARG002  # Google checks them
        """Look for the key of a service account."""
        uploads.gcsfs_bucket(self.native, self._bucket)

    def alter(self, key: str, change: Change) -> bool:
        """Copy the object onto itself with a request of our own."""
        return altering.alter(uploads.gcsfs_bucket(self.native, self._bucket), self._prefix + key, change)

    def offer_upload(self, terms: UploadTerms) -> UploadOffer:
        """Sign as for URLs."""
        whole = terms._replace(key=self._prefix + terms.key)
        return uploads.gcsfs_offer(self.native, self._bucket, whole)

    def finish_upload(self, key: str, upload_id: str) -> None:
        """Finish with requests of our own."""
        uploads.gcsfs_finish(self.native, self._bucket, self._prefix + key, upload_id)

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Go by Google's code, and by what aiohttp and google.auth raise."""
        return meaning(error) or super().classify(error)

    def _put_whole(self, about: Mapping[str, Any], query: Mapping[str, str | None], data: bytes) -> Answer:
        url = self._requests.upload_url(self._bucket, "multipart", query)
        boundary = secrets.token_hex(16)
        kind = about.get("contentType", "application/octet-stream")
        start = (
            f"--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{json.dumps(about)}\r\n"
            f"--{boundary}\r\nContent-Type: {kind}\r\n\r\n"
        )
        whole = b"".join([start.encode(), data, f"\r\n--{boundary}--".encode()])
        headers = {"Content-Type": f"multipart/related; boundary={boundary}"}
        answer = self._requests.send("POST", url, headers=headers, body=whole, good=(CONFLICT,))
        if answer.status != CONFLICT:
            return answer
        if answer.attempts > 1:  # the answer to our own write may have been lost
            found = self._requests.send("GET", self._requests.url("b", self._bucket, "o", about["name"]))
            if found.json().get("md5Hash") == b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode():
                return found
        raise answer.error()

    def _delete_one(self, key: str) -> None:
        try:
            answer = self._requests.send("DELETE", self._url(key))
            if answer.status != _NO_CONTENT and answer.body:
                raise ForeignAnswerError(SERVICE, f"a deletion with {answer.status} and a text")
        except GCSError as error:
            explained = self._explained(error)
            if error.status != NOT_FOUND or self.classify(explained) is errors.BucketNotFoundError:
                raise explained from None

    def _delete_batch(self, keys: Sequence[str]) -> Statuses:
        boundary = secrets.token_hex(16)
        parts = [
            f"--{boundary}\r\nContent-Type: application/http\r\nContent-ID: <{number}>\r\n\r\n"
            f"DELETE {self._url(key).raw_path_qs} HTTP/1.1\r\n\r\n"
            for number, key in enumerate(keys)
        ]
        url = URL(f"{self.native._location}/batch/storage/v1")
        answer = self._requests.send(
            "POST",
            url,
            headers={"Content-Type": f"multipart/mixed; boundary={boundary}"},
            body=f"{''.join(parts)}--{boundary}--".encode(),
        )
        statuses = [int(status) for status in _STATUS.findall(answer.body)]
        return statuses if len(statuses) == len(keys) else [0] * len(keys)
