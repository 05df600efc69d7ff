"""Uploads that clients make to Google Cloud Storage by themselves: a PUT, a form, or parts."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple
from urllib.error import HTTPError
from urllib.request import Request

from holdfast.drivers import direct, forms
from holdfast.drivers.canonical import Signer
from holdfast.drivers.fetching import LARGEST, PATIENCE, PLAIN, Connection, fetch_all
from holdfast.drivers.gcs.signature import ALGORITHM, PLACE, ServiceAccount, presigned_url, upload_headers
from holdfast.drivers.optional import SignRequest, UploadOffer
from holdfast.drivers.s3 import multipart
from holdfast.drivers.s3.requests import error_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.drivers.fetching import Fetched
    from holdfast.drivers.optional import UploadTerms
    from holdfast.object_settings import ObjectSettings

PUT_LIMIT = 5 * 1024**4
"""Bytes of one request."""

_PARTS_LIMIT = 10_000
_OWN_EXPIRY = 300  # seconds until the requests of our own must have been sent
_SETTINGS = {
    "storage_class": "x-goog-storage-class",
    "encryption_key": "x-goog-encryption-kms-key-name",
    "cache_control": "cache-control",
    "content_disposition": "content-disposition",
    "content_encoding": "content-encoding",
    "content_language": "content-language",
}


class Bucket(NamedTuple):
    """A bucket, and who signs for it.

    Attributes:
        endpoint: Where Google is, without a slash at the end.
        name: Its name.
        account: The service account.
        connection: How to reach it.
    """

    endpoint: str
    name: str
    account: ServiceAccount
    connection: Connection = PLAIN

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self.endpoint}/{self.name}"

    def send(
        self,
        method: str,
        key: str,
        query: Mapping[str, str],
        *,
        headers: Mapping[str, str] = MappingProxyType({}),
        body: bytes | None = None,
        patience: float = PATIENCE,
    ) -> bytes:
        """Return the answer to a request that a URL signs; see `holdfast.drivers.s3.requests.Bucket.send`."""
        return self._fetched(method, key, query, headers, body, patience).body

    def headers(self, key: str) -> dict[str, str]:
        """Return what Google says of an object, by names in lower case.

        Raises:
            OSError: The request failed.
        """
        return self._fetched("HEAD", key, {}, {}).headers

    def _fetched(  # noqa: PLR0917  # what a request is made of
        self,
        method: str,
        key: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes | None = None,
        patience: float = PATIENCE,
    ) -> Fetched:
        asked = SignRequest(key, method, _OWN_EXPIRY)
        url = presigned_url(self.url, asked, self.account, datetime.now(UTC), more=headers, parameters=query)
        request = Request(url, body, dict(headers), method=method)  # noqa: S310  # http or https
        try:
            return fetch_all(request, self.connection, patience=patience)
        except HTTPError as error:
            with error:
                raise error_of(error.code, error.read(LARGEST), "Google") from None


def offer(bucket: Bucket, terms: UploadTerms) -> UploadOffer:
    """Return how a client makes an upload.

    Args:
        bucket: Where to, and who signs.
        terms: What may be uploaded; the key is the whole one.

    Raises:
        NotImplementedError: Google cannot take that.
        OSError: The request that begins a multipart upload failed.
    """
    more = setting_headers(terms.settings)
    if terms.in_parts:
        return _parts(bucket, terms, more)
    direct.check_single(terms.size, PUT_LIMIT)
    return _form(bucket, terms, more) if terms.as_form else _put(bucket, terms, more)


def setting_headers(settings: ObjectSettings) -> dict[str, str]:
    """Return the headers of a PUT, by their names in lower case."""
    return {name: getattr(settings, field) for field, name in _SETTINGS.items() if getattr(settings, field)}


def finish(bucket: Bucket, key: str, upload_id: str) -> None:
    """Make the parts of an upload an object.

    Raises:
        FileNotFoundError: Parts are missing, or there is no such upload.
        OSError: A request failed.
    """
    name = direct.UploadName.of(upload_id)
    multipart.finish(bucket, key, name.upload_id, name.size)


def _put(bucket: Bucket, terms: UploadTerms, more: Mapping[str, str]) -> UploadOffer:
    request = SignRequest(terms.key, "PUT", terms.expires_in, terms.content_type, size=terms.size, if_absent=True)
    url = presigned_url(bucket.url, request, bucket.account, datetime.now(UTC), more=more)
    return UploadOffer("PUT", url, {**upload_headers(request), **more}, creates_only=True)


def _form(bucket: Bucket, terms: UploadTerms, more: Mapping[str, str]) -> UploadOffer:
    account = bucket.account
    signer = Signer("X-Goog-", ALGORITHM, account.email, PLACE, lambda _, text: account.sign(text.encode()).hex())
    fields = forms.signed_fields(bucket.name, terms, more, signer, datetime.now(UTC))
    return UploadOffer("POST", f"{bucket.url}/", fields=fields)


def _parts(bucket: Bucket, terms: UploadTerms, more: Mapping[str, str]) -> UploadOffer:
    sizes = direct.part_sizes(terms.size, most=_PARTS_LIMIT, longest=PUT_LIMIT // _PARTS_LIMIT)
    upload_id = multipart.begin(bucket, terms.key, {"content-type": terms.content_type, **more})
    # A part's size would have to be sent in a header of its own: it is looked at when the upload is finished.
    request, now = SignRequest(terms.key, "PUT", terms.expires_in), datetime.now(UTC)
    urls = [
        presigned_url(
            bucket.url,
            request,
            bucket.account,
            now,
            parameters={"partNumber": str(number), "uploadId": upload_id},
        )
        for number in range(1, len(sizes) + 1)
    ]
    return direct.parts_offer(urls, sizes, direct.UploadName(upload_id, terms.size, {}), creates_only=True)
