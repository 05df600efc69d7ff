"""Requests to a bucket, signed here and sent with the standard library."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple
from urllib.error import HTTPError
from urllib.request import Request

from holdfast.drivers import canonical
from holdfast.drivers.fetching import LARGEST, PATIENCE, Connection, fetch_all, is_passing
from holdfast.drivers.s3.answers import MalformedAnswerError, error_code, uploads_page
from holdfast.drivers.s3.signature import Credentials, signed_headers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from holdfast.drivers.fetching import Fetched
    from holdfast.drivers.s3.answers import Upload

_UNKNOWN = {"NotImplemented", "MethodNotAllowed", "UnsupportedOperation"}
_PASSING = {"InternalError", "SlowDown", "ServiceUnavailable", "RequestTimeout", "OperationAborted"}
_DENIED = {401, 403}
_MISSING, _TAKEN = 404, 412


class Bucket(NamedTuple):
    """A bucket, and how to reach it.

    Attributes:
        url: Address, with the bucket in host or path, without a slash at the end.
        region: Its region.
        credentials: Who asks.
        certificates: More certificates to trust, as PEM.
        verify: Whether to check the server's certificate.
        proxy: URL of a proxy; None for the environment's.
        name: Of the bucket; empty where nobody tells.
    """

    url: str
    region: str
    credentials: Credentials
    certificates: str | None = None
    verify: bool = True
    proxy: str | None = None
    name: str = ""

    def uploads(self, prefix: str) -> Iterator[Upload]:
        """Yield the multipart uploads under way for keys that begin with `prefix`; none where S3's double knows none.

        Raises:
            OSError: The request failed.
        """
        following: Mapping[str, str] | None = {}
        while following is not None:
            try:
                answer = self.send("GET", "", {"uploads": "", "prefix": prefix, **following})
                page = uploads_page(answer)
            except NotImplementedError:
                return
            except FileNotFoundError as error:
                if "NoSuchUpload" not in str(error):
                    raise
                return  # what rclone answers where there are none
            except MalformedAnswerError as error:
                raise OSError(str(error)) from None
            if page is None:
                return
            # A server may overlook the prefix.
            yield from (upload for upload in page.uploads if upload.key.startswith(prefix))
            following = page.following

    def abort(self, upload: Upload) -> None:
        """Drop an upload and its parts; one that is gone already is no error."""
        try:
            self.send("DELETE", upload.key, {"uploadId": upload.upload_id})
        except FileNotFoundError as error:
            if "NoSuchUpload" not in str(error):
                raise

    def headers(self, key: str) -> dict[str, str]:
        """Return what S3 says of an object, by names in lower case.

        Raises:
            OSError: The request failed.
        """
        return self._fetched("HEAD", key, {}, {"x-amz-checksum-mode": "ENABLED"}).headers

    def send(  # what a request is made of
        self,
        method: str,
        key: str,
        query: Mapping[str, str],
        *,
        headers: Mapping[str, str] = MappingProxyType({}),
        body: bytes | None = None,
        patience: float = PATIENCE,
    ) -> bytes:
        """Return the answer to a request.

        Args:
            method: Of HTTP.
            key: Of an object; empty for the bucket.
            query: Parameters.
            headers: By their names in lower case.
            body: What is sent, if anything, with a ``content-type`` among the headers.
            patience: Seconds without a byte.

        Raises:
            OSError: The request failed.
            NotImplementedError: The server does not know it.
        """
        return self._fetched(method, key, query, headers, body, patience).body

    def _fetched(  # noqa: PLR0917  # what a request is made of
        self,
        method: str,
        key: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes | None = None,
        patience: float = PATIENCE,
    ) -> Fetched:
        url = f"{self.url}/{canonical.path(key)}"
        if query:
            url = f"{url}?{canonical.query_string(query)}"
        now = datetime.now(UTC)
        signed = signed_headers(method, url, self.region, self.credentials, now, more=headers, body=body or b"")
        request = Request(url, body, signed, method=method)  # noqa: S310  # http or https
        try:
            return fetch_all(request, Connection(self.certificates, self.verify, self.proxy), patience=patience)
        except HTTPError as error:
            with error:
                raise error_of(error.code, error.read(LARGEST)) from None


def error_of(status: int, body: bytes, service: str = "S3") -> OSError | NotImplementedError:
    """Return what an answer means as an exception."""
    code, text = error_code(body)
    message = f"{service} answered {status} {code}: {text}" if code else f"{service} answered {status}"
    if code in _UNKNOWN or status in {405, 501}:
        return NotImplementedError(message)
    if status in _DENIED:
        return PermissionError(message)
    if status == _TAKEN or code == "ConditionalRequestConflict":
        return FileExistsError(message)
    if status == _MISSING or code == "NoSuchUpload":
        return FileNotFoundError(message)
    if is_passing(status) or code in _PASSING:
        return ConnectionError(message)
    return OSError(message)
