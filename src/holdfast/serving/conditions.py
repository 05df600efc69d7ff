"""Conditional requests (RFC 9110 §13): whether the file is still wanted, and whether a part of it still fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.serving.dates import parse_date
from holdfast.serving.etags import is_same, lists_equivalent, lists_same

if TYPE_CHECKING:
    from collections.abc import Mapping

NOT_MODIFIED = 304
PRECONDITION_FAILED = 412


def unmet(headers: Mapping[str, str], etag: str | None, modified: int | None, now: float) -> int | None:
    """Return the status that answers a GET or HEAD whose conditions are not met, or None if they are.

    The order is that of RFC 9110 §13.2.2: a tag, where one is given, decides alone, and dates are not looked at.

    Args:
        headers: Of the request, by names in lower case.
        etag: As the answer has it.
        modified: Seconds since the epoch, as the answer has it.
        now: Seconds since the epoch.
    """
    if (tags := headers.get("if-match")) is not None:
        if not lists_same(tags, etag):
            return PRECONDITION_FAILED
    elif (date := headers.get("if-unmodified-since")) is not None and _is_newer(modified, date, now) is True:
        return PRECONDITION_FAILED
    if (tags := headers.get("if-none-match")) is not None:
        if lists_equivalent(tags, etag):
            return NOT_MODIFIED
    elif (date := headers.get("if-modified-since")) is not None and _is_newer(modified, date, now) is False:
        return NOT_MODIFIED
    return None


def is_unchanged(validator: str, etag: str | None, modified: int | None, now: float) -> bool:
    """Return whether ``If-Range`` holds: the client's part and ours are of the same bytes (RFC 9110 §13.1.5).

    A date says so if it is exactly the same: none is sent before its second is over (§8.8.2.2).
    """
    if validator.endswith('"'):
        return is_same(etag, validator)
    return modified is not None and parse_date(validator, now) == modified


def _is_newer(modified: int | None, header: str, now: float) -> bool | None:
    """Return whether the file is newer than a date, or None if one of them is not known: the header is ignored."""
    if modified is None or (date := parse_date(header, now)) is None:
        return None
    return modified > date
