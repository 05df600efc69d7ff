"""Uploads that clients make to S3 by themselves: a PUT, a form, or parts."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from holdfast.drivers import direct, forms
from holdfast.drivers.canonical import Signer
from holdfast.drivers.optional import SignRequest, UploadOffer
from holdfast.drivers.s3 import multipart
from holdfast.drivers.s3.headers import form_fields, setting_headers
from holdfast.drivers.s3.signature import (
    ALGORITHM,
    checksum_text,
    place,
    presigned_url,
    signature_of,
    upload_headers,
)

if TYPE_CHECKING:
    from holdfast.drivers.optional import UploadTerms
    from holdfast.drivers.s3.requests import Bucket

PUT_LIMIT = 5 * 1024**3
"""Bytes of one request, and so of one part."""

PARTS_LIMIT = 10_000
"""Parts of an upload."""


def offer(bucket: Bucket, terms: UploadTerms) -> UploadOffer:
    """Return how a client makes an upload.

    Args:
        bucket: Where to, and who signs.
        terms: What may be uploaded; the key is the whole one.

    Raises:
        NotImplementedError: S3 cannot take that.
        OSError: The request that begins a multipart upload failed.
    """
    if terms.in_parts:
        return _parts(bucket, terms)
    direct.check_single(terms.size, PUT_LIMIT)
    return _form(bucket, terms) if terms.as_form else _put(bucket, terms)


def finish(bucket: Bucket, key: str, upload_id: str) -> None:
    """Make the parts of an upload an object.

    Raises:
        FileNotFoundError: Parts are missing, or there is no such upload.
        OSError: A request failed.
    """
    name = direct.UploadName.of(upload_id)
    multipart.finish(bucket, key, name.upload_id, name.size, {"if-none-match": "*"})


def put_request(terms: UploadTerms) -> SignRequest:
    """Return what the URL of a PUT allows."""
    return SignRequest(
        terms.key,
        "PUT",
        terms.expires_in,
        terms.content_type,
        size=terms.size,
        checksum=terms.checksum,
        if_absent=True,
    )


def put_offer(url: str, terms: UploadTerms) -> UploadOffer:
    """Return an offer for a URL that binds `put_request` and the settings."""
    headers = {**upload_headers(put_request(terms)), **setting_headers(terms.settings)}
    del headers["content-length"]  # which every client sends, and no browser lets a script set
    return UploadOffer("PUT", url, headers, creates_only=True, checks_checksum=terms.checksum is not None)


def _put(bucket: Bucket, terms: UploadTerms) -> UploadOffer:
    more = setting_headers(terms.settings)
    url = presigned_url(bucket.url, put_request(terms), bucket.region, bucket.credentials, datetime.now(UTC), more=more)
    return put_offer(url, terms)


def _form(bucket: Bucket, terms: UploadTerms) -> UploadOffer:
    if not bucket.name:
        message = "a form needs the name of the bucket, which the store does not tell"
        raise NotImplementedError(message)
    who = bucket.credentials
    sign = partial(signature_of, who)
    signer = Signer("X-Amz-", ALGORITHM, who.access_key, place(bucket.region), sign, who.token)
    more = form_fields(terms.settings)
    if terms.checksum is not None:
        more["x-amz-checksum-sha256"] = checksum_text(terms.checksum)
    fields = forms.signed_fields(bucket.name, terms, more, signer, datetime.now(UTC))
    return UploadOffer("POST", f"{bucket.url}/", fields=fields)  # not every copy of S3 looks at a form's checksum


def _parts(bucket: Bucket, terms: UploadTerms) -> UploadOffer:
    sizes = direct.part_sizes(terms.size, most=PARTS_LIMIT, longest=PUT_LIMIT)
    about = {"content-type": terms.content_type, **setting_headers(terms.settings)}
    upload_id = multipart.begin(bucket, terms.key, about)
    now = datetime.now(UTC)
    urls = [
        presigned_url(
            bucket.url,
            SignRequest(terms.key, "PUT", terms.expires_in, size=size),
            bucket.region,
            bucket.credentials,
            now,
            parameters={"partNumber": str(number), "uploadId": upload_id},
        )
        for number, size in enumerate(sizes, 1)
    ]
    return direct.parts_offer(urls, sizes, direct.UploadName(upload_id, terms.size, {}), creates_only=True)
