"""What the rounds of a race come to: medians, spreads, ratios; one line of JSON for each player and each target."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.measuring.race import Race, Target
    from benchmarks.measuring.running import Rounds


THREE_DIGITS = 100


@dataclass(frozen=True)
class Verdict:
    """What came of a target."""

    target: Target
    value: float

    @property
    def is_met(self) -> bool:
        """Whether it was reached, to the two digits that are printed."""
        value = round(self.value, 2)
        return value <= self.target.limit if self.target.is_ceiling else value >= self.target.limit


def lines(race: Race, rounds: Rounds) -> Iterator[dict[str, Any]]:
    """Yield a line for each player, then one for each target."""
    for player, figures in rounds.items():
        speeds = [each["speed"] for each in figures]
        line: dict[str, Any] = {"race": race.name, "player": player, "unit": race.unit}
        line |= {"median": shown(median(speeds)), "low": shown(min(speeds)), "high": shown(max(speeds))}
        line["rounds"] = len(figures)
        for name in figures[0]:
            if name != "speed":
                line[name] = shown(median(each[name] for each in figures))
        yield line
    for target in race.targets:
        if {target.player, *target.of} <= set(rounds):
            verdict = judge(target, rounds)
            yield {
                "race": race.name,
                "player": target.player,
                "target": target.text,
                "figure": target.figure,
                "value": round(verdict.value, 2),
                "met": verdict.is_met,
            }


def judge(target: Target, rounds: Rounds) -> Verdict:
    """Compare in each round what was measured in that round, with the one that is best in the median: drift cancels."""
    ours = [each[target.figure] for each in rounds[target.player]]
    if not target.of:
        return Verdict(target, median(ours))
    medians = {name: median(each[target.figure] for each in rounds[name]) for name in target.of}
    best = (min if target.is_ceiling else max)(medians, key=lambda name: medians[name])
    theirs = [each[target.figure] for each in rounds[best]]
    return Verdict(target, median(our / their for our, their in zip(ours, theirs, strict=True)))


def shown(value: float) -> float:
    """Round to three digits, and keep whole numbers whole."""
    return float(f"{value:.3g}") if abs(value) < THREE_DIGITS else round(value)
