"""What the answers of web servers mean, and the bytes in them (RFC 9110)."""

from __future__ import annotations

import re
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
    503: errors.ThrottledError,
    504: errors.StorageTimeoutError,
    507: errors.StorageError,  # the disk is full
}
_SUCCESSES, _FIRST_OF_SERVER = range(200, 300), 500
_OK, _PARTIAL, _UNSATISFIABLE = 200, 206, 416
_PLACE = re.compile(r"bytes (?:(\d{1,19})-(\d{1,19})|\*)/(\d{1,19}|\*)", re.IGNORECASE)  # RFC 9110 §14.4


class StatusError(OSError):
    """An answer that is no success. Its text never holds the address, which may hold a password.

    Args:
        status: Status code.
        more: What else there is to say.
    """

    def __init__(self, status: int, more: str = "") -> None:
        told = str(status)
        with suppress(ValueError):
            told = f"{status} {HTTPStatus(status).phrase}"
        super().__init__(": ".join(filter(None, (f"the server answered {told}", more))))
        self.status = status


class OtherBytesError(OSError):
    """An answer that holds other bytes than were asked for."""


def kind_of(error: BaseException) -> type[StorageError] | None:
    """Return what a `StatusError` stands for; None for other errors."""
    if not isinstance(error, StatusError):
        return None
    other = errors.UnavailableError if error.status >= _FIRST_OF_SERVER else errors.StorageError
    return _KINDS.get(error.status, other)


def check(status: int) -> None:
    """Refuse an answer that is no success."""
    if status not in _SUCCESSES:
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


def asked_for(
    status: int, headers: Mapping[str, str], pieces: Iterator[bytes], start: int, end: int | None
) -> Iterator[bytes]:
    """Yield the bytes that `span` has asked for, and no others: not every server knows ranges.

    Args:
        status: Of the answer.
        headers: Of the answer.
        pieces: Its body.
        start: First byte.
        end: Byte behind the last one.

    Raises:
        StatusError: The answer has no bytes.
        OtherBytesError: It has others, or fewer than it says.
    """
    size = None if end is None else end - start
    if status == _OK:
        yield from _cut(pieces, start, size)
        return
    if status not in {_PARTIAL, _UNSATISFIABLE} or not span(start, end):
        raise StatusError(status)
    place = _PLACE.fullmatch((headers.get("Content-Range") or "").strip())
    total = int(place[3]) if place and place[3] != "*" else None
    if status == _UNSATISFIABLE:
        if total is not None and start < total:
            message = f"the server has {total} bytes, and refuses to send those from {start} on"
            raise OtherBytesError(message)
        return  # past the end
    ends = [each for each in (end, total) if each is not None]
    behind = int(place[2]) + 1 if place and place[1] and int(place[1]) == start else None
    if behind is None or (ends and behind != min(ends)):
        message = (
            f"the server answered 206 with other bytes than those from {start} to {'the end' if end is None else end}"
        )
        raise OtherBytesError(message)
    left = behind - start
    for piece in _cut(pieces, 0, left):
        left -= len(piece)
        yield piece
    if left:
        message = f"the server sent {left} bytes less than it had said"
        raise OtherBytesError(message)


def _cut(pieces: Iterator[bytes], skip: int, size: int | None) -> Iterator[bytes]:
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
