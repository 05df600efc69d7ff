"""How long `import holdfast` takes in a program that uses SQLAlchemy's ORM anyway.

Each round is a fresh Python that first imports the ORM and then Holdfast. Prints one JSON line per figure, in
milliseconds; the exit status is 1 when Holdfast's share is over the limit.
"""

import json
import os
import statistics
import subprocess
import sys

LIMIT = 15.0
ROUNDS = 21

ROUND = """
from time import perf_counter
start = perf_counter()
import sqlalchemy.orm
middle = perf_counter()
import holdfast
print((middle - start) * 1000, (perf_counter() - middle) * 1000)
"""


def main() -> int:
    """Measure, print, compare."""
    rounds = [measure() for _ in range(ROUNDS + 1)][1:]  # the first one writes the bytecode
    orm, added = (statistics.median(times) for times in zip(*rounds, strict=True))
    print(json.dumps({"figure": "import sqlalchemy.orm", "ms": round(orm, 1)}))
    print(json.dumps({"figure": "import holdfast on top of it", "ms": round(added, 1), "limit": LIMIT}))
    return int(added > LIMIT)


def measure() -> list[float]:
    """Return the two times of one round."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", ROUND]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return [float(time) for time in answer.stdout.split()]


if __name__ == "__main__":
    sys.exit(main())
