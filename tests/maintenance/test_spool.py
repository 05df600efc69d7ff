"""The sort on disk and the merge of two sorted streams, against plain lists and dicts."""

import gc
from contextlib import suppress
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from holdfast.maintenance.merging import matches
from holdfast.maintenance.spool import SortedSpool

KEYS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6)
OBJECTS = st.dictionaries(KEYS, st.tuples(st.integers(0, 9), st.none() | st.floats(0, 9)), max_size=40)
ROWS = st.lists(
    st.tuples(KEYS, st.integers(0, 3), st.tuples(st.integers()), st.none() | st.integers(0, 9)), max_size=60
)


def open_files() -> list[str]:
    """Return where this process's descriptors lead."""
    found = []
    for each in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the descriptor of the listing itself
            found.append(str(each.readlink()))
    return found


@given(st.lists(st.lists(KEYS, max_size=20), max_size=20), st.integers(1, 7))
def test_a_spool_sorts(parts: list[list[str]], run: int) -> None:
    """In the order of the keys' bytes, whatever fits into memory, and it can be read twice."""
    with SortedSpool(run) as spool:
        for part in parts:
            spool.extend((key, {"any": "value"}) for key in part)
        expected = sorted((key for part in parts for key in part), key=str.encode)
        assert [record[0] for record in spool] == expected
        assert [record for record in spool if record[1] != {"any": "value"}] == []
        assert [record[0] for record in spool] == expected


def test_many_runs_are_merged_in_steps() -> None:
    """However many records there are, only so many files are open, and closing leaves none."""
    gc.collect()  # what other tests left open
    before = len(open_files())
    with SortedSpool(2) as spool:
        spool.extend((f"{number * 7919 % 10007:05}",) for number in range(10007))
        assert len(open_files()) - before < 32 * 3
        assert [record[0] for record in spool] == [f"{number:05}" for number in range(10007)]
    gc.collect()
    assert len(open_files()) == before


def test_records_lie_on_disk(tmp_path: Path, monkeypatch) -> None:
    """In files without a name, in the folder for temporary files: nobody else can open them."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with SortedSpool(2) as spool:
        spool.extend([("secret",)] * 5)
        assert list(tmp_path.iterdir()) == []
        assert any(target.startswith(str(tmp_path)) for target in open_files())


@given(OBJECTS, ROWS, st.integers(1, 5))
def test_each_key_is_matched_once(objects, rows, run: int) -> None:
    """What is listed and what is held come together, whichever side lacks it, in the order of the keys."""
    with SortedSpool(run) as listed, SortedSpool(run) as held:
        listed.extend((key, *facts) for key, facts in objects.items())
        held.extend((*row, None) for row in rows)
        found = list(matches(iter(listed), iter(held)))
    assert [match.key for match in found] == sorted(objects.keys() | {row[0] for row in rows}, key=str.encode)
    for match in found:
        assert (match.listed and match.listed[1:]) == objects.get(match.key)
        mine = [row for row in rows if row[0] == match.key]
        assert match.held == len(mine)
        assert sorted(map(str, (each[:4] for each in match.references))) == sorted(map(str, mine))


def test_a_key_that_is_listed_twice_is_one() -> None:
    """A listing may show an object again that is replaced meanwhile: the later one counts."""
    (match,) = matches(iter([("a", 1, 1.0), ("a", 2, 2.0)]), iter([]))
    assert (match.listed.size, match.held) == (2, 0)


def test_references_are_bounded() -> None:
    """A million rows with one key are counted, and a hundred of them kept."""
    (match,) = matches(iter([]), (("a", 0, (number,), None, None) for number in range(1000)))
    assert (match.held, len(match.references)) == (1000, 100)
