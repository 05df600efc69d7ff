"""The journal of `rekey` keeps the first new key that was chosen, and is used by one run at a time."""

from pathlib import Path

import pytest

from holdfast.errors import ConfigurationError
from holdfast.maintenance.rewriting.journal import Entry, Journal

RUN = {"run": "rekey"}


def test_the_first_choice_stays(tmp_path: Path) -> None:
    """A later run is given the keys that an earlier one chose, for the same file and old key."""
    path = tmp_path / "state"
    with Journal(path, RUN) as journal:
        assert journal.plan([("one", "a", "1"), ("two", "a", "2")]) == ["1", "2"]
        journal.switched([("one", "a")])
    with Journal(path, RUN) as journal:
        assert journal.plan([("one", "a", "3"), ("one", "b", "4")]) == ["1", "4"]
        assert list(journal.entries(2)) == [
            [Entry(1, "a", "1", switched=True), Entry(2, "a", "2", switched=False)],
            [Entry(3, "b", "4", switched=False)],
        ]


def test_what_is_forgotten(tmp_path: Path) -> None:
    """Entries go while they are walked, those that are marked stay, and an empty file is removed."""
    path = tmp_path / "state"
    with Journal(path, RUN) as journal:
        journal.plan([(str(number), "a", str(number)) for number in range(5)])
        for page in journal.entries(2):
            journal.forget(page[:1])
            journal.mark(page[1:])
        assert [entry.switched for page in journal.entries(9) for entry in page] == [True, True]
        journal.remove_if_done()
        assert path.exists()
        for page in journal.entries(1):
            journal.forget(page)
        journal.remove_if_done()
    assert not path.exists()


def test_one_run_at_a_time(tmp_path: Path) -> None:
    """Another one would delete the copies that this one has not switched yet."""
    with Journal(tmp_path / "state", RUN), pytest.raises(ConfigurationError, match="locked"):
        Journal(tmp_path / "state", RUN)
    with Journal(tmp_path / "state", RUN) as journal:
        assert list(journal.entries(1)) == []


def test_without_a_file(tmp_path: Path) -> None:
    """It goes with the run."""
    with Journal(None, RUN) as journal, Journal(None, {"run": "other"}) as other:
        journal.plan([("one", "a", "1")])
        assert list(other.entries(1)) == []
        journal.remove_if_done()
    assert list(tmp_path.iterdir()) == []
