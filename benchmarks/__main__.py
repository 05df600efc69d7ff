"""Measure Holdfast beside its peers and the bare libraries: `make bench`, or `python -m benchmarks rows-s3`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measuring import page
from benchmarks.measuring.figures import lines
from benchmarks.measuring.machine import machine
from benchmarks.measuring.running import ROOT, PlayerFailedError, open_folder, run
from benchmarks.races import RACES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.measuring.race import Race

PAGE = ROOT / "docs/performance.md"
FIGURES = ROOT / "build/bench/figures.jsonl"


def main() -> int:
    """Run races; return 1 if a target is missed, or a player has failed."""
    arguments = parse()
    output_path = arguments.output or figures_of(arguments.races)
    if arguments.figures:
        page.render(page.read(arguments.figures), RACES, PAGE)
        return 0
    output_path.parent.mkdir(parents=True, exist_ok=True)
    missed = []
    with output_path.open("w") as output:
        for line in measured(arguments):
            print(json.dumps(line), flush=True)
            print(json.dumps(line), file=output, flush=True)
            if line.get("met") is False:
                missed.append(f"{line['race']}: {line['player']} {line['target']}, reached {line['value']}")
            if "failed" in line:
                missed.append(f"{line['race']}: {line['failed']} failed")
    if arguments.page:
        page.render(page.read(output_path), RACES, PAGE)
    for each in missed:
        print(f"# missed: {each}", file=sys.stderr)
    return int(bool(missed))


def figures_of(names: list[str]) -> Path:
    """Return where the lines of a run go: those of some races beside those of all."""
    return FIGURES.with_stem("-".join(["figures", *names]))


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("races", nargs="*", help="parts of names; without one, all that are not long")
    parser.add_argument("--full", action="store_true", help="the long ones too")
    parser.add_argument("--rounds", type=int, help="instead of as many as a race has")
    parser.add_argument("--only", default="", help="players whose name has this")
    parser.add_argument("--output", type=Path, help=f"where the lines go as well ({FIGURES.relative_to(ROOT)})")
    parser.add_argument("--page", action="store_true", help="write them into docs/performance.md")
    parser.add_argument("--from", type=Path, dest="figures", help="measure nothing, write these lines into the page")
    return parser.parse_args()


def measured(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield the machine, then the lines of each race."""
    with open_folder() as folder:
        yield {"machine": machine(folder)}
        for race in chosen(arguments):
            start = time.perf_counter()
            print(f"# {race.title}", file=sys.stderr)
            try:
                yield from lines(race, run(race, folder, arguments.rounds or race.rounds, arguments.only))
            except PlayerFailedError as error:  # the others are not to be lost: a program may be missing
                yield {"race": race.name, "failed": str(error)}
            print(f"# {time.perf_counter() - start:.0f} s", file=sys.stderr)


def chosen(arguments: argparse.Namespace) -> Iterator[Race]:
    """Yield the races that are asked for; a long one is, by all of its name."""
    for race in RACES:
        is_asked_for = not arguments.races or any(part in race.name for part in arguments.races)
        if is_asked_for and (not race.is_long or arguments.full or race.name in arguments.races):
            yield race


if __name__ == "__main__":
    sys.exit(main())
