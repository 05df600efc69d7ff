"""Uploads that clients make to Azure Blob Storage by themselves: one request, or blocks.

A SAS token binds the blob, the time and that nothing is replaced, but neither size nor type.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple
from urllib.error import HTTPError
from urllib.request import Request

from holdfast.drivers import canonical, direct
from holdfast.drivers.azure.answers import error_of, uncommitted
from holdfast.drivers.azure.signature import Account, presigned_url
from holdfast.drivers.fetching import LARGEST, PLAIN, Connection, fetch_all
from holdfast.drivers.optional import SignRequest, UploadOffer
from holdfast.drivers.protocol import MIB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.drivers.fetching import Fetched
    from holdfast.drivers.optional import UploadTerms
    from holdfast.object_settings import ObjectSettings

_PUT_LIMIT, _BLOCK_LIMIT, _BLOCKS_LIMIT = 5000 * MIB, 4000 * MIB, 50_000
_OWN_EXPIRY = 300  # seconds until the requests of our own must have been sent
_SETTINGS = {
    "storage_class": "x-ms-access-tier",
    "cache_control": "x-ms-blob-cache-control",
    "content_disposition": "x-ms-blob-content-disposition",
    "content_encoding": "x-ms-blob-content-encoding",
    "content_language": "x-ms-blob-content-language",
}
_TYPE = "x-ms-blob-content-type"


class Container(NamedTuple):
    """A container, and who signs for it.

    Attributes:
        address: URL of the account, without a slash at the end.
        name: Its name.
        account: Who signs.
        connection: How to reach it.
    """

    address: str
    name: str
    account: Account
    connection: Connection = PLAIN

    def url(self, request: SignRequest) -> str:
        """Return a signed URL."""
        return presigned_url(self.address, self.name, request, self.account, datetime.now(UTC))

    def send(
        self, method: str, key: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes | None = None
    ) -> bytes:
        """Return the body of the answer to a request that a SAS token signs.

        Raises:
            OSError: The request failed.
        """
        return self.ask(method, key, query, headers, body).body

    def ask(
        self, method: str, key: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes | None = None
    ) -> Fetched:
        """Return the whole answer, likewise."""
        url = self.url(SignRequest(key, "PUT" if method == "PUT" else "GET", _OWN_EXPIRY))
        if query:
            url = f"{url}&{canonical.query_string(query)}"
        try:
            request = Request(url, body, dict(headers), method=method)  # noqa: S310  # http or https
            return fetch_all(request, self.connection)
        except HTTPError as error:
            with error:
                raise error_of(error.code, error.headers.get("x-ms-error-code"), error.read(LARGEST)) from None


def offer(container: Container, terms: UploadTerms) -> UploadOffer:
    """Return how a client makes an upload.

    Args:
        container: Where to, and who signs.
        terms: What may be uploaded; the key is the whole one.

    Raises:
        NotImplementedError: Azure cannot take that.
    """
    if terms.as_form:
        message = "Azure takes no forms: leave as_form out, for a PUT"
        raise NotImplementedError(message)
    headers = {_TYPE: terms.content_type, **_setting_headers(terms.settings)}
    if terms.in_parts:
        return _blocks(container, terms, headers)
    direct.check_single(terms.size, _PUT_LIMIT)
    url = container.url(SignRequest(terms.key, "PUT", terms.expires_in, if_absent=True))
    return UploadOffer("PUT", url, {"x-ms-blob-type": "BlockBlob", **headers}, creates_only=True)


def finish(container: Container, key: str, upload_id: str) -> None:
    """Make the blocks of an upload a blob, if they are all there; one that was made before is no error.

    Raises:
        FileNotFoundError: Blocks are missing, or there is no such upload.
        FileExistsError: There is a blob, and it was not made of this upload.
        OSError: A request failed.
    """
    name = direct.UploadName.of(upload_id)
    found = uncommitted(container.send("GET", key, {"comp": "blocklist", "blocklisttype": "uncommitted"}, {}))
    if not found:
        container.send("HEAD", key, {}, {})
        return
    numbers = range(1, len(_sizes(name.size)) + 1)
    present = [(number, found[_block(number)]) for number in numbers if _block(number) in found]
    direct.check_parts(name.size, present)
    lines = "".join(f"<Uncommitted>{_block(number)}</Uncommitted>" for number in numbers)
    document = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{lines}</BlockList>'
    headers = {**name.headers, "if-none-match": "*", "content-type": "application/xml"}
    try:
        container.send("PUT", key, {"comp": "blocklist"}, headers, document.encode())
    except FileExistsError:
        # Somebody else may have finished it at the same time: then no block is left.
        if uncommitted(container.send("GET", key, {"comp": "blocklist", "blocklisttype": "uncommitted"}, {})):
            raise


def _blocks(container: Container, terms: UploadTerms, headers: Mapping[str, str]) -> UploadOffer:
    sizes = _sizes(terms.size)
    # To send a block takes the right to write, with which the whole blob could be replaced.
    url = container.url(SignRequest(terms.key, "PUT", terms.expires_in))
    urls = [
        f"{url}&{canonical.query_string({'comp': 'block', 'blockid': _block(number)})}"
        for number in range(1, len(sizes) + 1)
    ]
    return direct.parts_offer(urls, sizes, direct.UploadName("", terms.size, headers), creates_only=False)


def _sizes(size: int) -> list[int]:
    return direct.part_sizes(size, most=_BLOCKS_LIMIT, longest=_BLOCK_LIMIT)


def _block(number: int) -> str:
    return base64.b64encode(f"{number:09}".encode()).decode()


def _setting_headers(settings: ObjectSettings) -> dict[str, str]:
    for field in ("tags", "encryption_key"):
        if getattr(settings, field):
            message = f"Azure lets no client set {field}: such files go through the application"
            raise NotImplementedError(message)
    return {name: getattr(settings, field) for field, name in _SETTINGS.items() if getattr(settings, field)}
