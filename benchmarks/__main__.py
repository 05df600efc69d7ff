"""Measure Holdfast beside its peers and the bare libraries: `make bench`, or `python -m benchmarks rows-s3`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from benchmarks.measuring.figures import lines
from benchmarks.measuring.running import open_folder, run
from benchmarks.races import RACES


def main() -> int:
    """Run races; return 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("races", nargs="*", help="parts of names; without one, all that are not long")
    parser.add_argument("--full", action="store_true", help="the long ones too")
    parser.add_argument("--rounds", type=int, help="instead of as many as a race has")
    parser.add_argument("--only", default="", help="players whose name has this")
    parser.add_argument("--output", type=Path, help="also write the lines to this file")
    arguments = parser.parse_args()
    missed = 0
    output = arguments.output.open("w") if arguments.output else None
    with open_folder() as folder:
        for race in RACES:
            if arguments.races and not any(part in race.name for part in arguments.races):
                continue
            if race.is_long and not arguments.full and race.name not in arguments.races:
                continue
            start = time.perf_counter()
            print(f"# {race.title}", file=sys.stderr)
            for line in lines(race, run(race, folder, arguments.rounds or race.rounds, arguments.only)):
                print(json.dumps(line), flush=True)
                missed += line.get("met") is False
                if output:
                    print(json.dumps(line), file=output, flush=True)
            print(f"# {time.perf_counter() - start:.0f} s", file=sys.stderr)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
