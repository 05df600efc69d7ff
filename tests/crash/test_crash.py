"""Processes killed in the middle of transactions, drains and sweeps lose no file and leave none lying."""

import os
import subprocess
import sys

import pytest

from tests.crash.combinations import COMBINATIONS
from tests.crash.kill import CLEANUP, DRAIN, SWEEP, TRANSACTION

SOAK = int(os.environ.get("HOLDFAST_SOAK", "0"))
"""With it, this many times 30 kills in every combination, at any moment too. Without it each point once, in a few."""

SHORT = [
    "sqlite+disk+none",
    "sqlite+disk+triggers",
    "postgres+ministack+none",
    "postgres+ministack+plain",
    "mariadb+rclone+triggers",
]

MUTANTS = {
    "uploads_come_after_commit": "lost",
    "files_go_before_commit": "lost",
    "entries_go_before_their_files": "undrained",
    "unfinished_uploads_stay": "unfinished",
    "nothing_is_swept": "unswept",
}
"""Rules that are switched off, and what the bench says then."""


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the bench in a process of its own: it forks, which one that has used obstore cannot."""
    command = [sys.executable, "-m", "tests.crash", "--jobs", "1", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.usefixtures("postgres_server", "mariadb_server", "ministack", "rclone_s3")
@pytest.mark.parametrize("combination", COMBINATIONS if SOAK else SHORT)
def test_killed_processes_lose_no_file(combination: str) -> None:
    """Every committed row has its exact bytes, and after a sweep nothing else is there."""
    points = {*TRANSACTION, CLEANUP, SWEEP, *(() if combination.endswith("none") else DRAIN)}
    options = ["--rounds", str(30 * SOAK), "--anywhere"] if SOAK else ["--rounds", str(len(points)), "--seed", "3"]
    ended = bench(combination, *options)
    sys.stdout.write(ended.stdout)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert {point for point in points if point in ended.stdout} == points


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_crash_bench_notices(mutant: str) -> None:
    """A rule that is switched off shows within a few kills."""
    ended = bench("sqlite+disk+plain", "--rounds", "40", "--seed", "3", "--mutant", mutant)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert f"\n{MUTANTS[mutant]}: " in ended.stdout
