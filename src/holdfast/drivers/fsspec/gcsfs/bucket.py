"""A bucket and its objects as gcsfs reaches them, described in the words of the JSON API."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from holdfast import errors
from holdfast.drivers.content_types import sendable
from holdfast.drivers.fsspec.answers import answer_of
from holdfast.drivers.fsspec.closing import close_in
from holdfast.drivers.fsspec.filesystem import FileSystem
from holdfast.drivers.fsspec.gcsfs.requests import SERVICE, GCSError, Requests
from holdfast.drivers.metadata import decode_metadata, encode_metadata
from holdfast.drivers.places import Place, in_gcs, said
from holdfast.errors import UnsupportedError
from holdfast.objects import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yarl import URL

    from holdfast.drivers.protocol import PutOptions

CONFLICT, NOT_FOUND = 412, 404
"""Codes of answers."""

_NAMES = {
    "storage_class": "storageClass",
    "cache_control": "cacheControl",
    "content_disposition": "contentDisposition",
    "content_encoding": "contentEncoding",
    "content_language": "contentLanguage",
}
DESCRIPTION = ("contentType", "metadata", *(name for name in _NAMES.values() if name != "storageClass"))
"""What an object has besides its bytes and its storage class."""

_METADATA_LIMIT = 8192


class Bucket(FileSystem):
    """The part of the driver that knows where objects are, and what they are.

    Args:
        fs: The gcsfs file system, or what makes one.
        root: Bucket, and after a slash the prefix, without slashes at the ends.
    """

    def __init__(self, fs: Any, root: str) -> None:
        super().__init__(fs)
        self._bucket, slash, prefix = root.partition("/")
        self._prefix = prefix + slash

    def place(self) -> Place:
        """Read the options."""
        _, _, options = self.recipe()
        endpoint = said(options, "endpoint_url", variables=("STORAGE_EMULATOR_HOST",))
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

    def stat(self, key: str) -> ObjectInfo:
        """Ask for an object's description."""
        try:
            return self._described(self._requests.send("GET", self._url(key)).json())
        except GCSError as error:
            raise self._explained(error) from None

    @property
    def _requests(self) -> Requests:
        return Requests(self.native)

    def _url(self, key: str, **parameters: str | None) -> URL:
        return self._requests.url("b", self._bucket, "o", self._prefix + key, **parameters)

    def _explained(self, error: GCSError) -> GCSError:
        """Return an error that tells a missing bucket from a missing object; Google says it, its doubles do not."""
        if error.status == NOT_FOUND and not error.text:
            with suppress(GCSError):
                self._requests.send("GET", self._requests.url("b", self._bucket, fields="name"))
                return error
            return GCSError(NOT_FOUND, "notFound", "The specified bucket does not exist.")
        return error

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
