"""Following signed URLs, as a client without credentials does. No message shows the URL: whoever has it may use it."""

from __future__ import annotations

import re
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from holdfast.errors import StorageError

_CODE = re.compile(rb"<Code>(\w+)</Code>")
_MOST = 4096


def fetch(url: str, timeout: float) -> bytes:
    """Return what lies behind a URL.

    Raises:
        StorageError: It could not be fetched.
    """
    return _answer(Request(url), timeout)  # noqa: S310


def upload(url: str, content: bytes, timeout: float) -> None:
    """Send an object to a URL.

    Raises:
        StorageError: It was not taken.
    """
    headers = {
        "Content-Type": "application/octet-stream",
        "x-ms-blob-type": "BlockBlob",  # Azure asks for it; the others overlook it
    }
    _answer(Request(url, content, headers, method="PUT"), timeout)  # noqa: S310


def _answer(request: Request, timeout: float) -> bytes:
    if request.type not in {"http", "https"}:
        message = f"the signed URL is not one of the web but {request.type}:"
        raise StorageError(message, operation="sign")
    try:
        with urlopen(request, timeout=timeout) as answer:  # noqa: S310
            body: bytes = answer.read(_MOST)
            return body
    except HTTPError as error:
        code = _CODE.search(error.read(_MOST))
        reason = code[1].decode() if code else error.reason
        message = f"the service refused the signed URL: {error.code} {reason}"
    except URLError as error:
        message = f"the signed URL leads nowhere: {error.reason}"
    except (OSError, HTTPException) as error:
        message = f"the signed URL leads nowhere: {type(error).__name__}"
    raise StorageError(message, operation="sign")
