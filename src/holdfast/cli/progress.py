"""How far a run is: bars on a terminal, a line for each phase elsewhere."""

from __future__ import annotations

import time
from contextlib import nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from holdfast.cli.words import plain

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rich.console import Console
    from rich.progress import Task, TaskID

    from holdfast.maintenance import Progress as Step

_PHASES = {
    "list": "listing objects",
    "rows": "reading rows",
    "compare": "comparing",
    "confirm": "looking again",
    "check": "asking for each once more",
    "delete": "deleting",
    "move": "moving files",
    "copy": "copying rows",
    "adopt": "adopting files",
    "shards": "working through shards",
    "clear": "deleting, in shards",
}


class Meter(Protocol):
    """Takes the steps of a run."""

    def __call__(self, step: Step) -> None:
        """Show a step."""


class Lines:
    """A line when a phase begins, and now and then how far it is, for logs.

    Args:
        console: Where to.
        every: Seconds between two lines of one phase.
    """

    def __init__(self, console: Console, every: float = 30.0) -> None:
        self._console, self._every = console, every
        self._begun: dict[str, tuple[float, int]] = {}
        self._told = 0.0

    def __call__(self, step: Step) -> None:
        """Print what is due."""
        title, now = _title(step), time.monotonic()
        if title not in self._begun:
            self._begun[title] = now, step.done
            self._print(title, now)
        elif now >= self._told + self._every:
            since, before = self._begun[title]
            self._print(f"{title}: {_far(step, (step.done - before) / (now - since))}", now)

    def _print(self, text: str, now: float) -> None:
        self._told = now
        self._console.print(Text(text), soft_wrap=True)


class Bars:
    """A bar for each phase, gone when the run has ended."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}
        self._last: tuple[TaskID, int] | None = None

    def __call__(self, step: Step) -> None:
        """Move a bar; a phase that begins is the end of the one before."""
        title = _title(step)
        if title not in self._tasks:
            if self._last is not None:
                task, done = self._last
                self._progress.update(task, total=done)
            self._tasks[title] = self._progress.add_task(title, total=step.total)
        task = self._tasks[title]
        self._progress.update(task, completed=step.done, total=step.total)
        self._last = task, step.done


def _bars(console: Console) -> Progress:
    columns: tuple[ProgressColumn, ...] = (
        SpinnerColumn(finished_text=" "),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        _Count(),
        TimeElapsedColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    return Progress(*columns, console=console, transient=True)


def meter(console: Console) -> tuple[AbstractContextManager[object], Meter]:
    """Return what shows steps on this console, and the context to show them in."""
    if console.is_terminal:
        progress = _bars(console)
        return progress, Bars(progress)
    return nullcontext(), Lines(console)


class _Count(ProgressColumn):
    """``12,345/1,000,000  8,000/s``."""

    def render(self, task: Task) -> Text:
        """Write the count, and the rate where there is one."""
        total = f"/{task.total:,.0f}" if task.total is not None else ""
        rate = f"  {task.speed:,.0f}/s" if task.speed else ""
        return Text(f"{task.completed:,.0f}{total}{rate}", style="progress.download")


def _far(step: Step, rate: float) -> str:
    """Return ``12,000/100,000, 950/s, 0:01:32 left``."""
    if step.total is None or rate <= 0:
        return f"{step.done:,}, {rate:,.0f}/s"
    left = timedelta(seconds=round(max(step.total - step.done, 0) / rate))
    return f"{step.done:,}/{step.total:,}, {rate:,.0f}/s, {left} left"


def _title(step: Step) -> str:
    words = _PHASES.get(step.phase, step.phase)
    return plain(f"{step.storage}: {words}" if step.storage else words)
