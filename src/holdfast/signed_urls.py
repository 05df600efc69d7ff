"""Holdfast's own signed URLs, for storages whose service has none: an application serves what they allow.

The token is the URL's last folder but one, before the name of the file, which only makes it readable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlsplit

from holdfast.errors import ConfigurationError, InvalidTokenError
from holdfast.tokens import TokenKeys

if TYPE_CHECKING:
    from collections.abc import Sequence

_PURPOSE = "holdfast-url"


class Grant(NamedTuple):
    """What a signed URL allows.

    Attributes:
        method: ``GET`` (and HEAD), or ``PUT`` (and POST of a form).
        storage: Name of the storage.
        key: The object.
        expires_at: Seconds since the epoch.
        content_type: Of a GET: the answer's ``Content-Type``. Of a PUT: the one that the upload must have.
        content_disposition: Of a GET: the answer's header.
        size: Of a PUT: the bytes that the upload must have.
        checksum: Of a PUT: the checksum that the upload must have.
        if_absent: Of a PUT: never replace an object.
    """

    method: str
    storage: str
    key: str
    expires_at: int
    content_type: str | None = None
    content_disposition: str | None = None
    size: int | None = None
    checksum: str | None = None
    if_absent: bool = False


class SignedURLs:
    """Makes URLs that only its secrets can make, and reads them again.

    Args:
        base_url: Where the application that serves them is mounted, as clients reach it.
        secret: See `holdfast.tokens.TokenKeys`; several for a rotation.

    Raises:
        ConfigurationError: The URL is none, or a secret is too short.

    Example:
        >>> import time
        >>> urls = SignedURLs("https://example.com/files", "a secret of the application's own")
        >>> url = urls.url(Grant("GET", "docs", "a/report.pdf", int(time.time()) + 60))
        >>> url.startswith("https://example.com/files/"), url.endswith("/report.pdf")
        (True, True)
    """

    def __init__(self, base_url: str, secret: str | bytes | Sequence[str | bytes]) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment:
            message = f"base_url={base_url!r} must be the whole address, such as 'https://example.com/files'"
            raise ConfigurationError(message)
        self.base_url = base_url.rstrip("/")
        self.keys = TokenKeys(secret)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.base_url!r}>"

    def url(self, grant: Grant) -> str:
        """Return the URL for a grant."""
        fields = ["" if value is None else str(value) for value in (*grant[:-1], int(grant.if_absent))]
        token = self.keys.sign(_PURPOSE, fields, expires_at=grant.expires_at)
        return f"{self.base_url}/{token}/{quote(grant.key.rpartition('/')[2], safe='')}"

    def read(self, token: str, method: str) -> Grant:
        """Return what a token allows.

        Args:
            token: The part of the URL after `base_url`, without the name.
            method: What the client wants: ``GET`` or ``PUT``.

        Raises:
            InvalidTokenError: It is no token of ours, it has expired, or it is for the other method.
        """
        signed_for, storage, key, expires_at, *rest = self.keys.read(_PURPOSE, token)
        if signed_for != method:
            message = f"the URL is for {signed_for}, not for {method}"
            raise InvalidTokenError(message)
        content_type, content_disposition, size, checksum, if_absent = (text or None for text in rest)
        return Grant(
            signed_for,
            storage,
            key,
            int(expires_at),
            content_type,
            content_disposition,
            None if size is None else int(size),
            checksum,
            if_absent == "1",
        )
