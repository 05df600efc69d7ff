"""Bars on a terminal, lines elsewhere."""

import io
import os
import pty
import subprocess
import sys

from rich.console import Console

from holdfast.cli.progress import meter
from holdfast.maintenance import Progress

STEPS = [
    Progress("list", "docs", 10),
    Progress("list", "docs", 20),
    Progress("rows", None, 30),
    Progress("compare", "docs", 5, 20),
    Progress("delete", "docs", 1, 2),
    Progress("compare", "docs", 20, 20),
]


def test_lines():
    """One for each phase, when it begins."""
    console = Console(file=io.StringIO())
    context, show = meter(console)
    with context:
        for step in STEPS:
            show(step)
    lines = ["docs: listing objects", "reading rows", "docs: comparing", "docs: deleting"]
    assert console.file.getvalue().splitlines() == lines


def test_bars():
    """One for each phase, with counts; a phase that is over is full."""
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    context, show = meter(console)
    with context as progress:
        for step in STEPS:
            show(step)
        tasks = {task.description: (task.completed, task.total) for task in progress.tasks}
    assert tasks == {
        "docs: listing objects": (20, 20),
        "reading rows": (30, 30),
        "docs: comparing": (20, 20),
        "docs: deleting": (1, 2),
    }
    assert "━" in console.file.getvalue()


def test_a_terminal(shop):
    """Standard error shows bars, and standard output stays plain where it is a file."""
    shop.add()
    ours, theirs = pty.openpty()
    try:
        command = [sys.executable, "-m", "holdfast.cli", "verify"]
        env = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
        done = subprocess.run(
            command, cwd=shop.folder, env=env, stdout=subprocess.PIPE, stderr=theirs, text=True, timeout=60, check=True
        )
        shown = os.read(ours, 100_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.stdout == "All is well: 1 file in 1 row, 1 object stored.\n"
    assert "docs: comparing" in shown
    assert "\N{ESCAPE}[2K" in shown  # the bars are wiped at the end
