"""The last moments of a signed URL."""

import pytest

from holdfast.serving import signed
from holdfast.signed_urls import Grant


@pytest.mark.parametrize(("now", "left"), [(1000.0, 10), (1000.001, 9), (1009.5, 0), (1010.0, 0), (1011.0, 0)])
def test_s17_no_second_is_made_longer(monkeypatch, now, left):
    """What is left of one is not a whole one, so that no cache keeps a file past the end."""
    monkeypatch.setattr(signed.time, "time", lambda: now)
    assert signed.seconds_left(Grant("GET", "docs", "a", 1010)) == left
