"""The Range header (RFC 9110 §14): which bytes are asked for.

A server may ignore the header (§14.2), and ignores here what it does not understand, and requests for several ranges:
the answer is the whole file, which is never wrong. So nobody can ask for a thousand overlapping parts of it.
"""

from __future__ import annotations

import re

UNSATISFIABLE = (0, 0)
"""No byte of the file is in the range."""

_LONGEST = 256  # characters; also keeps int() fast, whose time is quadratic
_ONE_RANGE = re.compile("bytes=([0-9]*)-([0-9]*)", re.ASCII | re.IGNORECASE)


def asked_span(header: str, size: int) -> tuple[int, int] | None:
    """Return the first byte that is asked for and the one after the last, or None if the header is to be ignored.

    Args:
        header: ``bytes=0-499``, ``bytes=500-``, ``bytes=-500``; what is after the end is cut off.
        size: Of the file. Every range of an empty file is ignored: there is no 206 without bytes, and who asks for
            all from the first byte on shall get that.

    Example:
        >>> asked_span("bytes=500-", 1000), asked_span("bytes=-1", 1000), asked_span("lines=1-2", 1000)
        ((500, 1000), (999, 1000), None)
    """
    if not size or len(header) > _LONGEST or not (found := _ONE_RANGE.fullmatch(header)):
        return None
    first, last = found.groups()
    if not first:
        return _suffix(last, size)
    start = int(first)
    end = int(last) + 1 if last else size
    if last and end <= start:
        return None  # not a range at all: §14.1.1
    return (start, min(end, size)) if start < size else UNSATISFIABLE


def _suffix(length: str, size: int) -> tuple[int, int] | None:
    if not length:
        return None
    return (max(size - int(length), 0), size) if int(length) else UNSATISFIABLE
