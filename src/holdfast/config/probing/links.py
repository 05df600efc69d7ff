"""Following signed URLs, as a client without credentials does. No message shows the URL: whoever has it may use it."""

from __future__ import annotations

import re
import ssl
from http.client import HTTPException
from typing import TYPE_CHECKING, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import Request

from holdfast.config.probing.network import Network
from holdfast.errors import StorageError

if TYPE_CHECKING:
    from urllib.request import OpenerDirector

_CODE = re.compile(rb"<Code>(\w+)</Code>")
_MOST = 4096


class Answer(NamedTuple):
    """What lies behind a URL.

    Attributes:
        body: Its bytes.
        disposition: The header ``Content-Disposition``; empty without one.
    """

    body: bytes
    disposition: str


class Links:
    """Follows URLs.

    Args:
        network: That of the storage. Its certificates are used where this machine does not trust the server.

    Attributes:
        untrusted: Whether they had to be: others, such as browsers, will not trust it either.
    """

    def __init__(self, network: Network = Network()) -> None:  # noqa: B008  # it does not change
        self._network = network
        self.untrusted = False

    def fetch(self, url: str, timeout: float) -> Answer:
        """Return what lies behind a URL.

        Raises:
            StorageError: It could not be fetched.
        """
        return self._answer(Request(url), timeout)  # noqa: S310

    def upload(self, url: str, content: bytes, timeout: float) -> None:
        """Send an object to a URL.

        Raises:
            StorageError: It was not taken.
        """
        headers = {
            "Content-Type": "application/octet-stream",
            "x-ms-blob-type": "BlockBlob",  # Azure asks for it; the others overlook it
        }
        self._answer(Request(url, content, headers, method="PUT"), timeout)  # noqa: S310

    def _answer(self, request: Request, timeout: float) -> Answer:
        if request.type not in {"http", "https"}:
            message = f"the signed URL is not one of the web but {request.type}:"
            raise StorageError(message, operation="sign")
        url = request.full_url
        try:
            return _open(self._network.opener(url), request, timeout)
        except URLError as error:
            if not (self._network.trusts_more and isinstance(error.reason, ssl.SSLCertVerificationError)):
                raise _told(error) from None
            self.untrusted = True
        except (OSError, HTTPException) as error:
            raise _told(error) from None
        try:
            return _open(self._network.opener(url, trusting=True), request, timeout)
        except (OSError, HTTPException) as error:
            raise _told(error) from None


def _open(opener: OpenerDirector, request: Request, timeout: float) -> Answer:
    with opener.open(request, timeout=timeout) as answer:
        return Answer(answer.read(_MOST), answer.headers.get("Content-Disposition", ""))


def _told(error: Exception) -> StorageError:
    if isinstance(error, HTTPError):
        code = _CODE.search(error.read(_MOST))
        message = f"the service refused the signed URL: {error.code} {code[1].decode() if code else error.reason}"
    elif isinstance(error, URLError):
        message = f"the signed URL leads nowhere: {error.reason}"
    else:
        message = f"the signed URL leads nowhere: {type(error).__name__}"
    return StorageError(message, operation="sign")
