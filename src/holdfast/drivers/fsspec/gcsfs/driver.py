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
from contextlib import suppress
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

from yarl import URL

from holdfast import errors
from holdfast.drivers.abilities import HEADERS, Abilities
from holdfast.drivers.fsspec import signing, uploads
from holdfast.drivers.fsspec.answers import ForeignAnswerError, answer_of
from holdfast.drivers.fsspec.closing import close_in
from holdfast.drivers.fsspec.content_types import sendable
from holdfast.drivers.fsspec.filesystem import FileSystem
from holdfast.drivers.fsspec.gcsfs.errors import meaning
from holdfast.drivers.fsspec.gcsfs.requests import SERVICE, GCSError, Requests
from holdfast.drivers.fsspec.gcsfs.resumable import UNIT, resumable
from holdfast.drivers.metadata import decode_metadata, encode_metadata
from holdfast.drivers.parts import Head, Parts
from holdfast.drivers.places import Place, in_gcs, said
from holdfast.errors import UnsupportedError
from holdfast.object_settings import NO_SETTINGS, ObjectSettings
from holdfast.objects import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from holdfast.drivers.body import Body
    from holdfast.drivers.fsspec.gcsfs.requests import Answer
    from holdfast.drivers.protocol import PutOptions, SignRequest, UploadOffer, UploadTerms
    from holdfast.errors import StorageError

_DELETE_LIMIT = 100
_METADATA_LIMIT = 8192
_PAGE = 1000
_FIELDS = "kind,items(name,size,updated,etag,generation,contentType,metadata),nextPageToken"
_DELETED = {200, 204, 404}
_NO_CONTENT, _CONFLICT, _NOT_FOUND, _PAST_THE_END = 204, 412, 404, 416
_LISTING = "storage#objects"
_NAMES = {
    "storage_class": "storageClass",
    "cache_control": "cacheControl",
    "content_disposition": "contentDisposition",
    "content_encoding": "contentEncoding",
    "content_language": "contentLanguage",
}
_DESCRIPTION = ("contentType", "metadata", *(name for name in _NAMES.values() if name != "storageClass"))
Statuses = list[int]  # `list` is a method below
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")


class GCSFSDriver(FileSystem):
    """Objects in a bucket.

    Args:
        fs: The gcsfs file system, or what makes one.
        root: Bucket, and after a slash the prefix, without slashes at the ends.
    """

    abilities = Abilities(versions=True, settings=HEADERS | {"storage_class", "encryption_key"})

    def __init__(self, fs: Any, root: str) -> None:
        super().__init__(fs)
        self._bucket, slash, prefix = root.partition("/")
        self._prefix = prefix + slash

    def place(self) -> Place:
        """Read the options."""
        endpoint = said(self.options(), "endpoint_url", variables=("STORAGE_EMULATOR_HOST",))
        return in_gcs(endpoint, self._bucket, self._prefix)

    def _made(self) -> Any:
        try:
            return super()._made()
        except KeyError:  # gcsfs tries the fields of a user, too
            message = "the file system cannot be made from its options: token holds no credentials that can be read"
            raise errors.ConfigurationError(message) from None

    def _prepared(self, fs: Any) -> Any:
        fs.close_session = lambda loop, session, *_: close_in(loop, session.close)
        return fs

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
            if options.if_absent and error.status == _CONFLICT:
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

    def stat(self, key: str) -> ObjectInfo:
        """Ask for an object's description."""
        try:
            return self._described(self._requests.send("GET", self._url(key)).json())
        except GCSError as error:
            raise self._explained(error) from None

    def delete(self, keys: Sequence[str]) -> None:
        """Delete up to a hundred objects with one request."""
        if len(keys) == 1:
            self._delete_one(keys[0])
            return
        for start in range(0, len(keys), _DELETE_LIMIT):
            page = keys[start : start + _DELETE_LIMIT]
            statuses = self._delete_batch(page)
            if all(status == _NOT_FOUND for status in statuses):
                self._delete_one(page[0])  # maybe it is the bucket that is missing
            for key, status in zip(page, statuses, strict=True):
                if status not in _DELETED:
                    self._delete_one(key)  # it is gone, or this tells what is wrong

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Copy inside Google, in as many steps as it takes."""
        path = (
            "b",
            self._bucket,
            "o",
            self._prefix + source,
            "rewriteTo",
            "b",
            self._bucket,
            "o",
            self._prefix + target,
        )
        query = {"destinationKmsKeyName": settings.encryption_key}
        token = None
        try:
            changed = self._changed(source, settings)
            while True:
                url = self._requests.url(*path, **query, rewriteToken=token)
                done = self._requests.send("POST", url, **changed).json()
                token = done.get("rewriteToken")
                if done.get("done", True):
                    return
        except GCSError as error:
            raise self._explained(error) from None

    def _changed(self, key: str, settings: ObjectSettings) -> dict[str, Any]:
        """Return what a copy is sent with to have another storage class: the whole description, for it replaces all."""
        if not settings.storage_class:
            return {}
        found = self._requests.send("GET", self._url(key)).json()
        about = {name: found[name] for name in _DESCRIPTION if name in found}
        body = json.dumps({**about, "storageClass": settings.storage_class}).encode()
        return {"headers": {"Content-Type": "application/json"}, "body": body}

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

    # --- requests

    @property
    def _requests(self) -> Requests:
        return Requests(self.native)

    def _url(self, key: str, **parameters: str | None) -> URL:
        return self._requests.url("b", self._bucket, "o", self._prefix + key, **parameters)

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
        answer = self._requests.send("POST", url, headers=headers, body=whole, good=(_CONFLICT,))
        if answer.status != _CONFLICT:
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
            if error.status != _NOT_FOUND or self.classify(explained) is errors.BucketNotFoundError:
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

    def _explained(self, error: GCSError) -> GCSError:
        """Return an error that tells a missing bucket from a missing object; Google says it, its doubles do not."""
        if error.status == _NOT_FOUND and not error.text:
            with suppress(GCSError):
                self._requests.send("GET", self._requests.url("b", self._bucket, fields="name"))
                return error
            return GCSError(_NOT_FOUND, "notFound", "The specified bucket does not exist.")
        return error

    # --- descriptions

    def _about(self, key: str, options: PutOptions) -> dict[str, Any]:
        about: dict[str, Any] = {"name": self._prefix + key}
        if kind := sendable(options.content_type):
            about["contentType"] = kind
        if options.metadata:
            metadata = encode_metadata(options.metadata)
            used = sum(len(name) + len(value) for name, value in metadata.items())
            if used > _METADATA_LIMIT:
                message = f"put of {key!r} refused: its metadata takes {used} bytes, GCS keeps {_METADATA_LIMIT}"
                raise UnsupportedError(message, operation="put", path=key)
            about["metadata"] = metadata
        given = options.settings._asdict()
        return {**about, **{name: given[field] for field, name in _NAMES.items() if given[field]}}

    def _described(self, found: Mapping[str, Any]) -> ObjectInfo:
        with answer_of(SERVICE):
            return ObjectInfo(
                found["name"].removeprefix(self._prefix),
                int(found["size"]),
                datetime.fromisoformat(found["updated"]).timestamp(),
                found.get("etag"),
                found.get("generation"),
                found.get("contentType"),
                decode_metadata(found.get("metadata", {})),
            )
