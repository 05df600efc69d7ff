"""Which failures are worth another attempt, and when it comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import errors
from holdfast.drivers.wrappers.limits.policy import PASSING, Policy, unchanged
from holdfast.objects import ObjectInfo

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.StorageError)]
POLICIES = st.builds(
    Policy,
    retries=st.integers(0, 50),
    first_delay=st.floats(0.001, 10),
    longest_delay=st.floats(0.001, 100),
)


@given(POLICIES, st.integers(1, 100), st.sampled_from(PASSING), st.floats(0, 1))
def test_a_pause_is_bounded(policy, failures, kind, share):
    """It is any part of a limit that doubles up to its own; after the last retry there is none."""
    delay = policy.delay(failures, kind, share)
    assert (delay is None) == (failures > policy.retries)
    if delay is not None:
        assert 0 <= delay <= min(policy.longest_delay, policy.first_delay * 2 ** (failures - 1))
        assert policy.delay(failures, kind, 0.0) == 0


@given(POLICIES, st.sampled_from([None, *KINDS]))
def test_only_what_passes_is_tried_again(policy, kind):
    """Timeouts, throttling and what cannot be reached; never a refusal, a missing object, or what is not known."""
    again = kind in {errors.StorageTimeoutError, errors.ThrottledError, errors.UnavailableError}
    assert (policy.delay(1, kind, 1.0) is not None) == (again and policy.retries > 0)


@pytest.mark.parametrize(
    "change", [{"size": 4}, {"etag": "b"}, {"version_id": "2"}, {"last_modified": 2.0}, {"etag": None}], ids=str
)
def test_a_change_shows(change):
    """Any of size, tag, version and time tells two states apart."""
    before = ObjectInfo("x", 3, 1.0, "a", "1")
    assert unchanged(before, before._replace(content_type="text/plain"))
    assert not unchanged(before, before._replace(**change))


def test_nothing_to_go_by():
    """A size alone proves nothing."""
    assert not unchanged(ObjectInfo("x", 3), ObjectInfo("x", 3))
