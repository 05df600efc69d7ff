"""What a race is: who plays, how much one round is, and which ratios are asked for."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from pathlib import Path

KIB = 1024
MIB = 1024 * 1024
SPEED = "speed"


@dataclass(frozen=True)
class Setting:
    """What a player finds: a folder of its own, servers, and how much there is to do."""

    folder: Path
    servers: Mapping[str, Mapping[str, str]]
    options: Mapping[str, Any]

    @property
    def amount(self) -> int:
        """How many files, rows or MiB one round has."""
        return int(self.options["amount"])


class Player:
    """One player: the base does nothing, and takes the time of `run`."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting

    def prepare(self) -> None:
        """Make what the round needs; no time is taken."""

    def run(self) -> None:
        """Do what is measured."""

    def check(self) -> None:
        """Raise if the work was not done, and clear away; no time is taken."""

    def measure(self) -> dict[str, float]:
        """Return the figures of one round."""
        start = time.perf_counter()
        self.run()
        return {SPEED: self.setting.amount / (time.perf_counter() - start)}

    def close(self) -> None:
        """Leave nothing."""


class AsyncPlayer(Player):
    """A player whose rounds share one event loop."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.runner = asyncio.Runner()

    def wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine to its end."""
        return self.runner.run(coroutine)

    def run(self) -> None:
        """Do what is measured."""
        self.wait(self.play())

    async def play(self) -> None:
        """Do what is measured."""

    def close(self) -> None:
        """Leave nothing."""
        self.runner.close()


@dataclass(frozen=True)
class Entry:
    """One player of a race: `player` is the class, as `module:name` below `benchmarks.players`."""

    name: str
    player: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """What one player has to reach: so many times the best of others, or a limit for a figure of its own."""

    player: str
    limit: float
    of: tuple[str, ...] = ()
    figure: str = SPEED
    is_ceiling: bool = False

    @property
    def text(self) -> str:
        """How the target reads in a table."""
        relation = "≤" if self.is_ceiling else "≥"
        return f"{relation} {self.limit:g} x {' or '.join(self.of)}" if self.of else f"{relation} {self.limit:g}"


@dataclass(frozen=True)
class Race:
    """Work that several players do in turn."""

    name: str
    title: str
    unit: str
    amount: int
    entries: tuple[Entry, ...]
    targets: tuple[Target, ...] = ()
    rounds: int = 5
    servers: tuple[str, ...] = ()
    is_long: bool = False
    is_less_better: bool = False  # requests, seconds: the plot and the ratios say so
    more: Mapping[str, str] = field(default_factory=dict)  # further figures of a round, and their units
