"""Imports in a fresh Python that has SQLAlchemy's ORM already; this module imports no library."""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.measuring.race import SPEED, Player

_ROUND = """
import sqlalchemy.orm
from time import perf_counter
start = perf_counter()
{statement}
print((perf_counter() - start) * 1000)
"""


class Import(Player):
    """One import."""

    def measure(self) -> dict[str, float]:
        """Return the milliseconds that it takes; the round before all others has written the bytecode."""
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        command = [sys.executable, "-c", _ROUND.format(statement=self.setting.options["statement"])]
        answer = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        return {SPEED: float(answer.stdout)}
