"""Which objects a sweep leaves alone: keys, times and limits as a table."""

import pytest

from holdfast.keys import new_id
from holdfast.maintenance.sparing import Sparing

OLD, NEW = new_id(1000.0), new_id(3000.0)


@pytest.mark.parametrize(
    ("limits", "key", "last_modified", "reason"),
    [
        (Sparing(2000.0), "a/{old}-a.txt", 1000.0, None),
        (Sparing(2000.0), "a/{old}-a.txt", None, None),
        (Sparing(2000.0), "a/{old}-a.txt", 2000.0, None),
        (Sparing(2000.0), "a/{old}-a.txt", 2000.5, "recent"),
        (Sparing(2000.0), "a/{new}-a.txt", 1000.0, "recent"),
        (Sparing(2000.0), "a/{new}-a.txt", None, "recent"),
        (Sparing(2000.0), "a.txt", 1000.0, "foreign"),
        (Sparing(2000.0, all_keys=True), "a.txt", 1000.0, None),
        (Sparing(2000.0, all_keys=True), "a.txt", None, "undated"),
        (Sparing(2000.0, since=1500.0), "a/{old}-a.txt", 1800.0, "earlier"),
        (Sparing(4000.0, since=1500.0), "a/{new}-a.txt", 1000.0, None),
        (Sparing(2000.0, since=1500.0, all_keys=True), "a.txt", 1000.0, "earlier"),
        (Sparing(2000.0, since=1500.0, all_keys=True), "a.txt", 1800.0, None),
    ],
)
def test_the_limits(limits: Sparing, key: str, last_modified: float | None, reason: str | None) -> None:
    """The later of the object's time and the key's counts; no time known is no time to delete."""
    assert limits.reason(key.format(old=OLD, new=NEW), last_modified) == reason
