"""Holdfast's own signed URLs, for storages whose service has none: an application serves what they allow.

The token is the URL's last folder, before the name of the object, which makes it readable.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlsplit

from holdfast.errors import ConfigurationError, InvalidTokenError
from holdfast.tokens import TokenKeys

if TYPE_CHECKING:
    from collections.abc import Sequence

_PURPOSE = "holdfast-url"
_METHODS = ("GET", "PUT")
_LONGEST = 7 * 24 * 3600  # seconds, what storages sign for
_SKEW = 300  # seconds by which the clocks of two hosts may differ
_GIVEN = "="  # before each value, so that an empty one is not none
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_ADDRESS = re.compile(r"[!-~]+")  # of what a URL may hold; urlsplit drops line breaks


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

    @property
    def name(self) -> str:
        """The last part of the key, which is also that of the URL."""
        return self.key.rpartition("/")[2]


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
        self.base_url = web_address("base_url", base_url, "https://example.com/files")
        self.keys = TokenKeys(secret, max_age=_LONGEST + _SKEW)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.base_url!r}>"

    def url(self, grant: Grant) -> str:
        """Return the URL for a grant.

        Raises:
            ConfigurationError: It would be too long.
        """
        fields = ["" if each is None else f"{_GIVEN}{each}" for each in (*grant[:-1], int(grant.if_absent))]
        token = self.keys.sign(_PURPOSE, fields, expires_at=grant.expires_at)
        return f"{self.base_url}/{token}/{quote(grant.name, safe='')}"

    def read(self, token: str, method: str) -> Grant:
        """Return what a token allows.

        Args:
            token: The part of the URL after `base_url`, without the name.
            method: What the client wants: ``GET`` or ``PUT``.

        Raises:
            InvalidTokenError: It is no token of ours, it has expired, or it is for the other method.
        """
        grant = _grant(self.keys.read(_PURPOSE, token))
        if grant is None:
            message = "the token holds something else than a signed URL does"
            raise InvalidTokenError(message)
        if grant.method != method:
            message = f"the URL is for {grant.method}, not for {method}"
            raise InvalidTokenError(message)
        return grant


def web_address(name: str, value: Any, example: str) -> str:
    """Return the address of a folder on the web, without a slash at its end.

    Raises:
        ConfigurationError: It is none, or holds more than that.
    """
    if isinstance(value, str) and _ADDRESS.fullmatch(value):
        try:
            parts = urlsplit(value)
            host, _ = parts.hostname, parts.port  # which may be no number
        except ValueError:
            host, parts = None, urlsplit("")
        whole = parts.scheme.lower() in {"http", "https"} and host
        if whole and not ("?" in value or "#" in value or "@" in parts.netloc):
            return value.rstrip("/")
    # Not shown: it may hold a password.
    message = f"{name} must be a whole address, without a user or a query, such as {name}={example!r}"
    raise ConfigurationError(message)


def _grant(fields: list[str]) -> Grant | None:
    """Return what the fields of a token mean; None if they mean nothing."""
    if len(fields) != len(Grant._fields) or any(field and field[0] != _GIVEN for field in fields):
        return None
    method, storage, key, expires_at, content_type, disposition, size, checksum, if_absent = (
        field[1:] if field else None for field in fields
    )
    if method not in _METHODS or storage is None or key is None or if_absent not in {"0", "1"}:
        return None
    if not _is_number(expires_at) or not (size is None or _is_number(size)):
        return None
    held = None if size is None else int(size)
    return Grant(
        method, storage, key, int(expires_at or 0), content_type, disposition, held, checksum, if_absent == "1"
    )


def _is_number(text: str | None) -> bool:
    return text is not None and _NUMBER.fullmatch(text) is not None
