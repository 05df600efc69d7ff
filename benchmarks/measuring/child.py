"""One player in a process of its own: it plays a round for each line on stdin and answers with a line of JSON."""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

from benchmarks.measuring.race import SPEED, Player, Setting


def main() -> None:
    """Play as long as there are lines."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints goes to the log
    job = json.loads(sys.argv[1])
    module, _, name = job["player"].partition(":")
    setting = Setting(Path(job["folder"]), job["servers"], job["options"])
    player = getattr(importlib.import_module(f"benchmarks.players.{module}"), name)(setting)
    for _ in sys.stdin:
        print(json.dumps(one_round(player)), file=answers, flush=True)
    player.close()


def one_round(player: Player) -> dict[str, float]:
    """Return the figures of a round: the player's, the growth of its memory, and its processor's time."""
    player.prepare()
    gc.collect()
    if sys.platform == "linux":
        os.sync()
        reset_peak()
    before, cpu = resident("VmRSS"), spent()
    figures = player.measure()
    costs = {"cpu": spent() - cpu, "growth": max(0.0, (resident("VmHWM") - before) / 1e6)}
    figures |= {name: cost for name, cost in costs.items() if name not in figures}  # a server's own are in them
    player.check()
    if SPEED not in figures:
        raise ValueError("a round has no speed")
    return figures


def spent() -> float:
    """Return the seconds of the processor that this process has used."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def reset_peak(process: int | str = "self") -> None:
    """Start the peak anew (proc(5), clear_refs)."""
    Path(f"/proc/{process}/clear_refs").write_text("5")


def resident(figure: str, process: int | str = "self") -> int:
    """Return a figure of /proc/self/status in bytes, 0 where there is none."""
    if sys.platform != "linux":
        return 0
    lines: Any = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(figure))


if __name__ == "__main__":
    main()
