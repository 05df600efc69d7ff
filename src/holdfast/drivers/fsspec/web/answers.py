"""What the answers of web servers mean, and the bytes in them (RFC 9110)."""

from __future__ import annotations

from contextlib import suppress
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from holdfast import errors
from holdfast.objects import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from holdfast.errors import StorageError

_KINDS: dict[int, type[StorageError]] = {
    401: errors.AuthenticationError,
    403: errors.AccessDeniedError,
    404: errors.NotFoundError,
    405: errors.UnsupportedError,
    407: errors.AuthenticationError,
    408: errors.StorageTimeoutError,
    410: errors.NotFoundError,
    412: errors.PreconditionFailedError,
    429: errors.ThrottledError,
    501: errors.UnsupportedError,
    504: errors.StorageTimeoutError,
    507: errors.StorageError,  # the disk is full
}
_FIRST_ERROR, _FIRST_OF_SERVER = 400, 500


class StatusError(OSError):
    """An answer that is no success. Its text never holds the address, which may hold a password.

    Args:
        status: Status code.
    """

    def __init__(self, status: int) -> None:
        with suppress(ValueError):
            super().__init__(f"the server answered {status} {HTTPStatus(status).phrase}")
            self.status = status
            return
        super().__init__(f"the server answered {status}")
        self.status = status


def kind_of(error: BaseException) -> type[StorageError] | None:
    """Return what a `StatusError` stands for; None for other errors."""
    if not isinstance(error, StatusError):
        return None
    other = errors.UnavailableError if error.status >= _FIRST_OF_SERVER else errors.StorageError
    return _KINDS.get(error.status, other)


def check(status: int) -> None:
    """Refuse an answer that is no success."""
    if status >= _FIRST_ERROR:
        raise StatusError(status)


def quoted(path: str) -> str:
    """Return a path as it stands in an address: every character that could mean something else is encoded."""
    return quote(path, safe="/~")


def described(key: str, headers: Mapping[str, str], size: int) -> ObjectInfo:
    """Return what the headers of an answer tell of an object."""
    return ObjectInfo(
        key,
        size,
        moment(headers.get("Last-Modified")),
        tag(headers.get("ETag")),
        content_type=headers.get("Content-Type"),
    )


def moment(text: str | None) -> float | None:
    """Return the time in a header, in seconds since the epoch."""
    with suppress(ValueError, TypeError):
        return parsedate_to_datetime(text or "").timestamp()
    return None


def tag(text: str | None) -> str | None:
    """Return an entity tag without its quotes and without the mark of a weak one."""
    return (text or "").removeprefix("W/").strip('"') or None


def span(start: int, end: int | None) -> dict[str, str]:
    """Return the header that asks for a part; none for the whole."""
    return {"Range": f"bytes={start}-{'' if end is None else end - 1}"} if start or end is not None else {}


def cut(pieces: Iterator[bytes], skip: int, size: int | None) -> Iterator[bytes]:
    """Yield the part that was asked for, from an answer that holds more: not every server knows ranges."""
    for piece in pieces:
        wanted = piece[skip:] if skip < len(piece) else b""
        skip = max(0, skip - len(piece))
        if size is not None:
            wanted = wanted[:size]
            size -= len(wanted)
        if wanted:
            yield wanted
        if size == 0:
            return
