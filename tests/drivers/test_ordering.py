"""Listings in the order of UTF-8, from whichever order they come in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.drivers.ordering import utf8_ordered
from holdfast.objects import ObjectInfo

KEYS = st.lists(st.text(st.sampled_from("a/\ue000\uffff\U00010000\U0001f389"), max_size=5), unique=True)


@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-8"])
@given(keys=KEYS)
def test_any_order_of_a_service_becomes_that_of_utf8(encoding: str, keys: list[str]) -> None:
    """Every key comes once, in the order of its UTF-8 bytes."""
    listed = sorted(keys, key=lambda key: key.encode(encoding))
    found = [info.key for info in utf8_ordered(ObjectInfo(key, 0) for key in listed)]
    assert found == sorted(keys, key=str.encode)


def test_ordinary_keys_are_not_held_back() -> None:
    """A key is handed on before the next one is asked for."""
    taken = []

    def listing():
        for key in ["a", "b", "c"]:
            taken.append(key)
            yield ObjectInfo(key, 0)

    assert next(utf8_ordered(listing())).key == "a"
    assert taken == ["a"]
