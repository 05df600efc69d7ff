"""Which objects a sweep leaves alone, whoever holds them."""

from __future__ import annotations

import math
from typing import NamedTuple

from holdfast.claim import may_be_marker
from holdfast.keys import find_id, id_time
from holdfast.maintenance.run import born


class Sparing(NamedTuple):
    """The limits of one sweep.

    Attributes:
        too_young: Objects that were made after this time stay, in seconds since the epoch.
        since: Objects whose keys were made before this time stay; None for no limit.
        all_keys: Whether keys that Holdfast did not make are looked at.
        markers: The same as `too_young` for markers of claimed uploads: a ticket could be used again without.
    """

    too_young: float
    since: float | None = None
    all_keys: bool = False
    markers: float = math.inf

    def reason(self, key: str, last_modified: float | None) -> str | None:
        """Return why an object stays, or None if it may go.

        Example:
            >>> Sparing(too_young=100.0).reason("logo.png", 50.0)
            'foreign'
            >>> Sparing(too_young=100.0, all_keys=True).reason("logo.png", 150.0)
            'recent'
        """
        identifier = find_id(key)
        if identifier is None and not self.all_keys:
            return "foreign"
        at = born(key, last_modified)
        if at is None:
            return "undated"
        if at > (min(self.too_young, self.markers) if may_be_marker(key) else self.too_young):
            return "recent"
        if self.since is not None and (at if identifier is None else id_time(identifier)) < self.since:
            return "earlier"
        return None
