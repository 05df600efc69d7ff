"""The claim of an upload that a client made by itself: what the first row that takes the file has to know.

Next to the upload lies a marker once it was used, so that nobody uses it again: `StorageBackend.put` with ``if_absent``
lets one of several win. Who has to delete an upload makes the marker first, for the same reason.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.errors import InvalidTokenError
from holdfast.saving import Ref

if TYPE_CHECKING:
    from holdfast.objects import ObjectInfo

_SUFFIX = ".claimed"

LONGEST_TICKET = 12 * 3600
"""Seconds that a ticket may be valid for: half of the time for which a sweep leaves young objects alone."""

LONGEST_CLAIM = 3600
"""Seconds after a ticket's end in which a file that was claimed may be given to a row."""

MARKERS_LAST = 24 * 3600
"""Seconds for which a sweep leaves a marker alone, whatever else it deletes: longer than there can be claims."""


def marker_key(key: str) -> str:
    """Return the key of the marker of an upload.

    Example:
        >>> marker_key("2025/10/17/plan.pdf")
        '2025/10/17/plan.pdf.claimed'
    """
    return key + _SUFFIX


def may_be_marker(key: str) -> bool:
    """Return whether a key looks like that of a marker; a file may be named like one."""
    return key.endswith(_SUFFIX)


@dataclass(slots=True, eq=False)
class Claim:
    """What the first row that takes a claimed file has to do.

    Attributes:
        upload: What the client wrote.
        file: What the row is going to hold: the upload, or a copy of it.
        found: What was checked.
        deadline: Until when a row may take it, in seconds since the epoch.
        is_used: Whether a transaction that is not rolled back has made the marker, and found what was checked.
    """

    upload: Ref
    file: Ref
    found: ObjectInfo
    deadline: float
    is_used: bool = False

    @property
    def marker(self) -> Ref:
        """Where the marker lies."""
        return Ref(self.upload.backend, marker_key(self.upload.path))

    def check_time(self) -> None:
        """Refuse a claim that is so old that its marker may have been swept.

        Raises:
            InvalidTokenError: It is.
        """
        if time.time() > self.deadline:
            message = "the upload was claimed too long ago: claim it in the request that puts it into a row"
            raise InvalidTokenError(message)

    def check_same(self, info: ObjectInfo) -> None:
        """Refuse an object that is not the one that was checked.

        Raises:
            InvalidTokenError: It is another.
        """
        if (info.size, info.etag) != (self.found.size, self.found.etag):
            message = "the upload was changed after it had been claimed"
            raise InvalidTokenError(message)


def used_before() -> InvalidTokenError:
    """Return the error for an upload that was claimed, or refused, before."""
    return InvalidTokenError("the upload was claimed before: each ticket is good for one claim")
