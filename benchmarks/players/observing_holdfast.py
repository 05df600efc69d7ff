"""A put and a read of a small object in memory, watched in each way."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from benchmarks.measuring.race import SPEED, Player
from holdfast.backends import observing
from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers.body import Body
from holdfast.drivers.protocol import PutOptions
from holdfast.sources import BytesSource

if TYPE_CHECKING:
    from benchmarks.measuring.race import Setting

CONTENT = b"x" * 1000


class Watched(Player):
    """As the option `how` says."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.storage = ObstoreBackend("bench", "memory://", checksum=None)
        how = setting.options.get("how")
        if how == "not":
            observing.Observation.begin = lambda _: None  # type: ignore[method-assign]
            observing.Observation.end = lambda *_, **__: None  # type: ignore[method-assign]
        elif how == "log":
            logging.getLogger("holdfast").setLevel(logging.DEBUG)
        elif how == "api":
            import opentelemetry.trace  # noqa: F401, PLC0415
        elif how == "sdk":
            watch_with_sdk()

    def run(self) -> None:
        """Put and read."""
        for _ in range(self.setting.amount):
            self.storage.put("key", CONTENT)
            self.storage.read("key")

    def measure(self) -> dict[str, float]:
        """Return the microseconds for a pair."""
        start = time.perf_counter()
        self.run()
        return {SPEED: (time.perf_counter() - start) / self.setting.amount * 1e6}


class Driver(Watched):
    """The same calls made directly to the driver."""

    def run(self) -> None:
        """Put and read."""
        driver, options = self.storage._driver, PutOptions()
        for _ in range(self.setting.amount):
            driver.put("key", Body(BytesSource(memoryview(CONTENT)), None, None), options)
            b"".join(driver.read("key", 0, None, None))


def watch_with_sdk() -> None:
    """Set OpenTelemetry up."""
    from opentelemetry import metrics, trace  # noqa: PLC0415
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415

    trace.set_tracer_provider(TracerProvider())
    metrics.set_meter_provider(MeterProvider([InMemoryMetricReader()]))
