"""What rounds come to: medians, spreads, ratios, verdicts."""

import pytest

from benchmarks.measuring.figures import judge, lines, shown
from benchmarks.measuring.race import Entry, Race, Target

ROUNDS = {
    "ours": [{"speed": 30.0, "cpu": 1.0}, {"speed": 10.0, "cpu": 3.0}, {"speed": 20.0, "cpu": 2.0}],
    "slow": [{"speed": 10.0, "cpu": 1.0}, {"speed": 5.0, "cpu": 1.0}, {"speed": 10.0, "cpu": 1.0}],
    "fast": [{"speed": 20.0, "cpu": 4.0}, {"speed": 5.0, "cpu": 4.0}, {"speed": 20.0, "cpu": 4.0}],
}


def race(*targets: Target) -> Race:
    """Return a race of these three."""
    return Race("name", "title", "files/s", 1, tuple(Entry(name, "module:Class") for name in ROUNDS), targets)


def test_a_line_for_each_player() -> None:
    """Has the median of its speeds, the lowest and the highest, and the medians of all else."""
    first, *others = lines(race(), ROUNDS)
    assert first == {
        "race": "name",
        "player": "ours",
        "unit": "files/s",
        "median": 20.0,
        "low": 10.0,
        "high": 30.0,
        "rounds": 3,
        "cpu": 2.0,
    }
    assert [line["player"] for line in others] == ["slow", "fast"]


def test_a_ratio_is_that_of_rounds_next_to_each_other() -> None:
    """So a round that was slow for all of them changes nothing; the best of the others counts."""
    assert judge(Target("ours", 1, ("slow",)), ROUNDS).value == 2.0
    assert judge(Target("ours", 1, ("slow", "fast")), ROUNDS).value == 1.5


@pytest.mark.parametrize(
    ("target", "value", "met"),
    [
        (Target("ours", 1.5, ("slow", "fast")), 1.5, True),
        (Target("ours", 1.51, ("slow", "fast")), 1.5, False),
        (Target("ours", 2.0, figure="cpu", is_ceiling=True), 2.0, True),
        (Target("ours", 1.9, figure="cpu", is_ceiling=True), 2.0, False),
        (Target("ours", 2.0, ("slow", "fast"), figure="cpu", is_ceiling=True), 2.0, True),
    ],
)
def test_a_target_is_met_or_not(target: Target, value: float, met: bool) -> None:
    """From below or from above, beside others or alone."""
    (line,) = [line for line in lines(race(target), ROUNDS) if "target" in line]
    assert (line["value"], line["met"]) == (value, met)


def test_a_target_of_somebody_who_did_not_play_says_nothing() -> None:
    """As when only some players were asked for."""
    assert not [line for line in lines(race(Target("ours", 1, ("absent",))), ROUNDS) if "target" in line]


@pytest.mark.parametrize(("value", "text"), [(0.0123456, "0.0123"), (99.94, "99.9"), (12345.6, "12346")])
def test_three_digits_are_enough(value: float, text: str) -> None:
    """But whole numbers stay whole."""
    assert str(shown(value)) == text
