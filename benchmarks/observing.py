"""What it costs to watch storages: a put and a read of a small object in memory, watched in each way.

Prints one JSON line per figure, in microseconds for the pair, and what that is of the same two calls made directly to
the driver. The exit status is 1 when a program that has set nothing up pays more than the limit for being watchable.
"""

import json
import subprocess
import sys

ROUNDS = 4
LIMIT = 15.0  # microseconds for a pair, above the same calls without logs and observers

ROUND = """
import logging, sys
from time import perf_counter
from holdfast.backends import observing
from holdfast.backends.obstore import ObstoreBackend

case = sys.argv[1]
storage = ObstoreBackend("docs", "memory://", checksum=None)
content = b"x" * 1000

if case == "unwatched":
    observing.Observation.begin = lambda self: None
    observing.Observation.end = lambda self, error, retries=0: None
elif case == "logged":
    logging.getLogger("holdfast").setLevel(logging.DEBUG)
elif case == "OpenTelemetry's API without an SDK":
    import opentelemetry.trace
elif case == "OpenTelemetry's SDK":
    from opentelemetry import metrics, trace
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    trace.set_tracer_provider(TracerProvider())
    metrics.set_meter_provider(MeterProvider([InMemoryMetricReader()]))

if case == "driver alone":
    from holdfast.drivers.body import Body
    from holdfast.drivers.protocol import PutOptions
    from holdfast.sources import to_source
    driver, options = storage._driver, PutOptions()
    def pair():
        driver.put("key", Body(to_source(content), None, None), options)
        b"".join(driver.read("key", 0, None, None))
else:
    def pair():
        storage.put("key", content)
        storage.read("key")

best = 1e9
for _ in range(10):
    start = perf_counter()
    for _ in range(200):
        pair()
    best = min(best, perf_counter() - start)
print(best / 200 * 1e6)
"""

CASES = (
    "driver alone",
    "unwatched",
    "nothing set up",
    "logged",
    "OpenTelemetry's API without an SDK",
    "OpenTelemetry's SDK",
)


def main() -> int:
    """Measure, print, compare."""
    best = {case: min(measure(case) for _ in range(ROUNDS)) for case in CASES}
    for case, time in best.items():
        ratio = round(time / best["driver alone"], 2)
        print(json.dumps({"figure": f"put and read, {case}", "us": round(time, 1), "of the driver alone": ratio}))
    added = best["nothing set up"] - best["unwatched"]
    print(json.dumps({"figure": "being watchable", "us": round(added, 1), "limit": LIMIT}))
    return int(added > LIMIT)


def measure(case: str) -> float:
    """Return the microseconds of one pair in a fresh Python."""
    answer = subprocess.run([sys.executable, "-c", ROUND, case], capture_output=True, text=True, check=True)
    return float(answer.stdout)


if __name__ == "__main__":
    sys.exit(main())
