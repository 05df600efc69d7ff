"""Kills processes at random and prints how often at which point: ``python -m tests.crash --help``.

The exit status is 1 if a file was lost or left lying; then the line to repeat it with is printed.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from tests.crash.combinations import COMBINATIONS, Outcome, run
from tests.crash.mutants import MUTANTS
from tests.servers.shared import VARIABLE, open_run


def main(arguments: Sequence[str]) -> int:
    """Run campaigns, each in a process of its own that has no other models, storages or threads."""
    options = _options(arguments)
    close = None if VARIABLE in os.environ else open_run()
    begun = time.monotonic()
    table: dict[str, Counter[str]] = {}
    failed = False
    try:
        for name, outcome in _outcomes(options.combination or COMBINATIONS, options):
            table[name] = outcome.kills
            if outcome.broken is not None:
                failed = True
                sys.stdout.write(f"BROKEN {name}\n{outcome.broken}\n")
    finally:
        if close is not None:
            close()
    sys.stdout.write(f"{_shown(table)}\nseed {options.seed}, {time.monotonic() - begun:.1f} s\n")
    return int(failed)


def _outcomes(names: Sequence[str], options: argparse.Namespace) -> Iterator[tuple[str, Outcome]]:
    if len(names) == 1:
        yield names[0], run(names[0], options)
        return
    with ProcessPoolExecutor(options.jobs, get_context("spawn"), max_tasks_per_child=1) as executor:
        running = {executor.submit(run, name, options): name for name in names}
        for future in as_completed(running):
            yield running[future], future.result()


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("combination", nargs="*", help=f"one or more of {', '.join(COMBINATIONS)}; all by default")
    parser.add_argument("--rounds", type=int, default=40, help="kills in each combination")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="where all choices come from")
    parser.add_argument("--anywhere", action="store_true", help="also kill from outside, at any moment")
    parser.add_argument("--jobs", type=int, default=2, help="campaigns at once")
    parser.add_argument("--mutant", choices=list(MUTANTS), default="none", help="a rule to switch off")
    options = parser.parse_args(arguments)
    if unknown := set(options.combination) - set(COMBINATIONS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return options


def _shown(table: dict[str, Counter[str]]) -> str:
    """Return the kills as text: a line for each combination, a column for each point."""
    table = {name: table[name] for name in COMBINATIONS if name in table}
    table["all"] = sum(table.values(), Counter())
    points = sorted(table["all"])
    width = max(map(len, table))
    lines = ["  ".join([" " * width, *points, "kills"])]
    for name, kills in table.items():
        cells = [f"{kills[point]:{len(point)}}" for point in points]
        lines.append("  ".join([f"{name:{width}}", *cells, f"{kills.total():5}"]))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
