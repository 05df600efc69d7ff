"""Trying signed URLs, as those who get them will use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from holdfast.config.probing.links import Links
from holdfast.config.probing.network import network_of
from holdfast.errors import MissingExtraError, UnsupportedError

if TYPE_CHECKING:
    from holdfast.backends.base import StorageBackend

_EXPIRES = 60
_TRUST = (
    "the server's certificate is one that this storage was told to trust: whoever opens a signed URL must trust "
    "its authority, too"
)
_SHOWN = "signed URLs cannot say that a browser is to save the file, so it may show what a stranger uploaded: "


class Read(NamedTuple):
    """What signed URLs have shown.

    Attributes:
        body: The bytes behind them.
        note: What else to know about them.
        refused: Why they cannot say what a browser is to do.
    """

    body: bytes
    note: str = ""
    refused: Exception | None = None


def read(storage: StorageBackend, key: str, timeout: float) -> Read:
    """Fetch an object through a signed URL, and again through one that asks a browser to save it.

    Raises:
        UnsupportedError: There are none.
        StorageError: One could not be fetched.
    """
    url = storage.sign(key, expires_in=_EXPIRES)
    links = Links(network_of(storage.native))
    body = links.fetch(url, timeout).body
    note = _TRUST if links.untrusted else ""
    try:
        url = storage.sign(key, expires_in=_EXPIRES, content_disposition="attachment")
    except (UnsupportedError, MissingExtraError) as error:
        return Read(body, note, error)
    if not links.fetch(url, timeout).disposition.startswith("attachment"):
        return Read(body, note, UnsupportedError("the service overlooks the header"))
    return Read(body, note)


def told(refused: str) -> str:
    """Return the note about URLs that cannot say what a browser is to do."""
    return f"{_SHOWN}{refused}"


def upload(storage: StorageBackend, key: str, content: bytes, timeout: float) -> None:
    """Write an object through a signed URL.

    Raises:
        UnsupportedError: There are none.
        StorageError: It was not taken.
    """
    url = storage.sign(key, expires_in=_EXPIRES, for_upload=True)
    Links(network_of(storage.native)).upload(url, content, timeout)
