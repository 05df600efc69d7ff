"""Requests to a bucket, signed here and sent with the standard library."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from holdfast.drivers import canonical
from holdfast.drivers.s3.answers import MalformedAnswerError, error_code, uploads_page
from holdfast.drivers.s3.signature import Credentials, signed_headers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from urllib.request import OpenerDirector

    from holdfast.drivers.s3.answers import Upload

_TIMEOUT = 30.0  # seconds without a byte
_LARGEST = 16 * 1024 * 1024  # bytes of an answer; a full page of uploads with the longest keys has about two million
_UNKNOWN = {"NotImplemented", "MethodNotAllowed", "UnsupportedOperation"}
_DENIED = {401, 403}
_MISSING = 404


class _NoRedirects(HTTPRedirectHandler):
    """A redirect would carry the signature to another host."""

    def redirect_request(self, *_: object) -> None:
        """Follow none."""


class Bucket(NamedTuple):
    """A bucket, and how to reach it.

    Attributes:
        url: Address, with the bucket in host or path, without a slash at the end.
        region: Its region.
        credentials: Who asks.
        certificates: More certificates to trust, as PEM.
        verify: Whether to check the server's certificate.
        proxy: URL of a proxy; None for the environment's.
    """

    url: str
    region: str
    credentials: Credentials
    certificates: str | None = None
    verify: bool = True
    proxy: str | None = None

    def uploads(self, prefix: str) -> Iterator[Upload]:
        """Yield the multipart uploads under way for keys that begin with `prefix`; none where S3's double knows none.

        Raises:
            OSError: The request failed.
        """
        following: Mapping[str, str] | None = {}
        while following is not None:
            try:
                answer = self._send("GET", "", {"uploads": "", "prefix": prefix, **following})
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
            self._send("DELETE", upload.key, {"uploadId": upload.upload_id})
        except FileNotFoundError as error:
            if "NoSuchUpload" not in str(error):
                raise

    def _send(self, method: str, key: str, query: Mapping[str, str]) -> bytes:
        url = f"{self.url}/{canonical.path(key)}?{canonical.query_string(query)}"
        headers = signed_headers(method, url, self.region, self.credentials, datetime.now(UTC))
        try:
            with self._opener().open(Request(url, headers=headers, method=method), timeout=_TIMEOUT) as answer:  # noqa: S310  # http or https
                body: bytes = answer.read(_LARGEST + 1)
        except HTTPError as error:
            with error:
                raise _error(error.code, error.read(_LARGEST)) from None
        if len(body) > _LARGEST:
            message = f"S3's answer has more than {_LARGEST} bytes"
            raise OSError(message)
        return body

    def _opener(self) -> OpenerDirector:
        context = ssl.create_default_context()
        if self.certificates:
            context.load_verify_locations(cadata=self.certificates)
        if not self.verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        proxies = [ProxyHandler({"http": self.proxy, "https": self.proxy})] if self.proxy else []
        return build_opener(_NoRedirects, HTTPSHandler(context=context), *proxies)


def _error(status: int, body: bytes) -> OSError | NotImplementedError:
    code, text = error_code(body)
    message = f"S3 answered {status} {code}: {text}" if code else f"S3 answered {status}"
    if code in _UNKNOWN or status in {405, 501}:
        return NotImplementedError(message)
    if status in _DENIED:
        return PermissionError(message)
    if status == _MISSING:
        return FileNotFoundError(message)
    return OSError(message)
