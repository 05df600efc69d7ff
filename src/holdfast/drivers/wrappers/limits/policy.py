"""Which failures are worth another attempt, and when it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from holdfast import errors

if TYPE_CHECKING:
    from holdfast.errors import StorageError
    from holdfast.objects import ObjectInfo

PASSING = (errors.StorageTimeoutError, errors.UnavailableError, errors.ThrottledError)
"""What may be over by the next attempt."""


class Policy(NamedTuple):
    """How an operation is repeated.

    Attributes:
        retries: Attempts after the first one.
        timeout: Seconds without any progress after which an attempt is given up; None for never.
        first_delay: The longest pause before the first repetition, in seconds; it doubles with each.
        longest_delay: Where doubling ends.
    """

    retries: int = 3
    timeout: float | None = 60.0
    first_delay: float = 0.2
    longest_delay: float = 10.0

    def delay(self, failures: int, kind: type[StorageError] | None, share: float) -> float | None:
        """Return the pause before another attempt, in seconds; None if there is to be none.

        "Full jitter" (AWS Architecture Blog, "Exponential Backoff And Jitter"): any part of the longest pause, so that
        those who failed together do not come back together.

        Args:
            failures: Attempts that failed in a row, at least 1.
            kind: What the last failure means.
            share: A random number from 0 to 1.

        Example:
            >>> [Policy().delay(failures, errors.ThrottledError, 1.0) for failures in (1, 2, 3, 4)]
            [0.2, 0.4, 0.8, None]
        """
        if failures > self.retries or kind is None or not issubclass(kind, PASSING):
            return None
        return share * min(self.longest_delay, self.first_delay * 2.0 ** min(failures - 1, 60))


def unchanged(before: ObjectInfo, now: ObjectInfo) -> bool:
    """Return whether two descriptions are sure to be of the same bytes, as far as a service can tell.

    Example:
        >>> from holdfast.objects import ObjectInfo
        >>> unchanged(ObjectInfo("x", 3, etag="a"), ObjectInfo("x", 3, etag="a"))
        True
        >>> unchanged(ObjectInfo("x", 3), ObjectInfo("x", 3))  # nothing says so
        False
    """
    if (before.size, before.version_id, before.etag) != (now.size, now.version_id, now.etag):
        return False
    if before.last_modified != now.last_modified:
        return False
    return not (before.etag is None and before.last_modified is None)
