"""Figures about storages for Prometheus: durations, bytes, retries and failures, by storage and operation.

Add `observers.add(Prometheus())` to the start of a program that serves ``/metrics`` with `prometheus_client`.
"""

from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from holdfast.backends.observing import Observation, Observer

LABELS = ("storage", "operation")


class Prometheus(Observer):
    """Counts and measures.

    Args:
        registry: Where the figures are registered.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.seconds = Histogram(
            "holdfast_operation_seconds", "Duration of operations", [*LABELS, "outcome"], registry=registry
        )
        self.bytes = Counter("holdfast_bytes", "Bytes of objects", [*LABELS, "direction"], registry=registry)
        self.retries = Counter("holdfast_retries", "Requests sent again", LABELS, registry=registry)
        self.failures = Counter("holdfast_failures", "Failures", [*LABELS, "error"], registry=registry)

    def end(self, observation: Observation, begun: Any) -> None:  # noqa: ARG002  # what `begin` returned
        """Take an operation down."""
        labels = observation.storage, observation.operation
        self.seconds.labels(*labels, observation.outcome).observe(observation.seconds)
        self.bytes.labels(*labels, "read").inc(observation.bytes_read)
        self.bytes.labels(*labels, "written").inc(observation.bytes_written)
        self.retries.labels(*labels).inc(observation.retries)
        if observation.outcome == "failed":
            # Of objects that were written together, each that failed.
            errors = [error for _, error in observation.failures] or [observation.error]
            for error in errors:
                self.failures.labels(*labels, type(error).__name__).inc()
