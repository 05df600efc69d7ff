"""Tracked lists and dicts do what a list and a dict do, and tell each change."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.tracked import TrackedDict, TrackedList, track, untrack

INDEX = st.integers(-6, 6)
ITEMS = st.lists(st.integers(0, 4), max_size=5)
SLICES = st.slices(6)
LIST_EDITS = st.one_of(
    st.tuples(st.just("append"), st.integers(0, 4)),
    st.tuples(st.just("extend"), ITEMS),
    st.tuples(st.just("insert"), INDEX, st.integers(0, 4)),
    st.tuples(st.just("remove"), st.integers(0, 4)),
    st.tuples(st.just("pop")),
    st.tuples(st.just("pop"), INDEX),
    st.tuples(st.just("clear")),
    st.tuples(st.just("reverse")),
    st.tuples(st.just("sort")),
    st.tuples(st.just("__setitem__"), INDEX, st.integers(0, 4)),
    st.tuples(st.just("__setitem__"), SLICES, ITEMS),
    st.tuples(st.just("__delitem__"), INDEX),
    st.tuples(st.just("__delitem__"), SLICES),
    st.tuples(st.just("__iadd__"), ITEMS),
    st.tuples(st.just("__imul__"), st.integers(-1, 2)),
)
KEY = st.sampled_from("abcd")
PAIRS = st.dictionaries(KEY, st.integers(0, 4), max_size=3)
DICT_EDITS = st.one_of(
    st.tuples(st.just("__setitem__"), KEY, st.integers(0, 4)),
    st.tuples(st.just("__delitem__"), KEY),
    st.tuples(st.just("update"), PAIRS),
    st.tuples(st.just("update"), PAIRS.map(lambda pairs: list(pairs.items()))),
    st.tuples(st.just("__ior__"), PAIRS),
    st.tuples(st.just("setdefault"), KEY, st.integers(0, 4)),
    st.tuples(st.just("setdefault"), KEY),
    st.tuples(st.just("pop"), KEY),
    st.tuples(st.just("pop"), KEY, st.none()),
    st.tuples(st.just("popitem")),
    st.tuples(st.just("clear")),
)


def edit(value: object, change: tuple) -> object:
    """Return what a method returned, or the class of what it raised."""
    try:
        result = getattr(value, change[0])(*change[1:])
    except Exception as error:  # noqa: BLE001  # compared
        return type(error)
    return "itself" if result is value else result


@given(ITEMS, st.lists(LIST_EDITS, max_size=8))
def test_a_list_like_any_other(items: list[int], changes: list[tuple]) -> None:
    """Each method returns, raises and changes what a list's does; every change is told."""
    told: list[int] = []
    plain, tracked = list(items), TrackedList(items, lambda: told.append(1))
    for change in changes:
        before = list(plain)
        told.clear()
        assert edit(tracked, change) == edit(plain, change)
        assert tracked == plain
        assert told or plain == before


@given(PAIRS, st.lists(DICT_EDITS, max_size=8))
def test_a_dict_like_any_other(pairs: dict[str, int], changes: list[tuple]) -> None:
    """Each method returns, raises and changes what a dict's does; every change is told."""
    told: list[int] = []
    plain, tracked = dict(pairs), TrackedDict(pairs, lambda: told.append(1))
    for change in changes:
        before = dict(plain)
        told.clear()
        assert edit(tracked, change) == edit(plain, change)
        assert list(tracked.items()) == list(plain.items())
        assert told or plain == before


WAYS_IN = {
    "at first": lambda value: TrackedDict({"in": value}, value.told),
    "set": lambda value: _after(value, lambda outer: outer.__setitem__("in", value)),
    "update": lambda value: _after(value, lambda outer: outer.update({"in": value})),
    "update by keyword": lambda value: _after(value, lambda outer: outer.update(**{"in": value})),
    "or": lambda value: _after(value, lambda outer: outer.__ior__({"in": value})),
    "setdefault": lambda value: _after(value, lambda outer: outer.setdefault("in", value)),
}


def _after(value: object, change: object) -> TrackedDict:
    outer = TrackedDict({}, value.told)
    change(outer)
    return outer


class Inner(dict):
    """A plain dict that counts what is told."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.count = 0

    def told(self) -> None:
        self.count += 1


@pytest.mark.parametrize("way", WAYS_IN)
def test_what_is_nested_tells_too(way: str) -> None:
    """However a dict or list got in, a change deep inside is told."""
    value = Inner({"list": [{"deep": 1}]})
    outer = WAYS_IN[way](value)
    value.count = 0
    outer["in"]["list"][0]["deep"] = 2
    assert value.count == 1
    outer["in"]["list"].append({})
    outer["in"]["list"][-1]["new"] = 1
    assert value.count == 3


def test_track_and_untrack() -> None:
    """They are inverse, and untrack gives copies."""
    plain = {"a": [1, {"b": [2]}], "c": None}
    tracked = track(plain, lambda: None)
    assert untrack(tracked) == plain
    assert type(untrack(tracked)["a"][1]) is dict
    assert type(tracked["a"][1]) is TrackedDict
    untrack(tracked)["a"].append(3)
    assert tracked == plain


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
@pytest.mark.parametrize("value", [TrackedList([1, [2]], print), TrackedDict({"a": {"b": 1}}, print)], ids=type)
def test_copies_have_no_owner(value: object, way: object) -> None:
    """A copy is equal, of the same type, and tells nobody."""
    other = way(value)
    assert (other, type(other)) == (value, type(value))
    assert other.listener is None
