"""OpenTelemetry: a span and a few measurements for each operation of a storage.

Nothing is to be switched on: a program that has set up OpenTelemetry's SDK gets them. Names that the semantic
conventions have (``error.type``, ``exception.*``, ``network.io.direction``) are used, all others begin with
``holdfast.``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import context, metrics, trace
from opentelemetry.trace import SpanKind, StatusCode

from holdfast.backends.log import text
from holdfast.backends.observing import Observer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from holdfast.backends.observing import Observation

_SCOPE = "holdfast"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class OpenTelemetry(Observer):
    """Reports to OpenTelemetry. One that uses the process's providers is always in place.

    Args:
        tracer_provider: Where spans go; the process's if left out.
        meter_provider: Where measurements go; the process's if left out.
    """

    def __init__(
        self, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        self._tracer_provider, self._meter_provider = tracer_provider, meter_provider
        self._tracer = trace.get_tracer(_SCOPE, tracer_provider=tracer_provider)
        meter = metrics.get_meter(_SCOPE, meter_provider=meter_provider)
        self._duration = meter.create_histogram(
            "holdfast.operation.duration",
            unit="s",
            description="Duration of storage operations.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._io = meter.create_counter(
            "holdfast.operation.io", unit="By", description="Bytes of objects written (transmit) and read (receive)."
        )
        self._retries = meter.create_counter(
            "holdfast.operation.retries", unit="{retry}", description="Requests that were sent again."
        )
        self._failures = meter.create_counter(
            "holdfast.operation.failures", unit="{failure}", description="Operations, or objects of one, that failed."
        )

        self._from_old = meter.create_counter(
            "holdfast.gradual.reads_from_old",
            unit="{read}",
            description="Reads of objects that a moving storage found in its old place.",
        )

    def begin(self, observation: Observation) -> Any:
        """Start a span, and make it the current one unless the caller's code runs in between."""
        if _is_idle(self._tracer_provider or trace.get_tracer_provider()):
            return None
        attributes = {"holdfast.operation": observation.operation, "holdfast.storage": observation.storage}
        if observation.key is not None:
            attributes["holdfast.key"] = observation.key
        span = self._tracer.start_span(
            f"holdfast.{observation.operation}", kind=SpanKind.CLIENT, attributes=attributes, record_exception=False
        )
        token = None if observation.streamed else context.attach(trace.set_span_in_context(span))
        return span, token

    def end(self, observation: Observation, begun: Any) -> None:
        """End the span, and measure."""
        if begun is not None:
            span, token = begun
            if token is not None:
                context.detach(token)
            if span.is_recording():
                span.set_attributes(_attributes(observation))
                _report_error(span, observation)
            span.end()
        if not _is_idle(self._meter_provider or metrics.get_meter_provider()):
            self._measure(observation)

    def read_from_old(self, storage: str) -> None:
        """Count."""
        if not _is_idle(self._meter_provider or metrics.get_meter_provider()):
            self._from_old.add(1, {"holdfast.storage": storage})

    def _measure(self, observation: Observation) -> None:
        about = {
            "holdfast.operation": observation.operation,
            "holdfast.storage": observation.storage,
            "holdfast.outcome": observation.outcome,
        }
        error = observation.error
        failed = about if error is None else {**about, "error.type": type(error).__qualname__}
        self._duration.record(observation.seconds, failed)
        if observation.bytes_written:
            self._io.add(observation.bytes_written, {**about, "network.io.direction": "transmit"})
        if observation.bytes_read:
            self._io.add(observation.bytes_read, {**about, "network.io.direction": "receive"})
        if observation.retries:
            self._retries.add(observation.retries, about)
        for _, each in observation.failures:
            self._failures.add(1, {**about, "error.type": type(each).__qualname__})
        if observation.outcome == "failed" and not observation.failures:
            self._failures.add(1, failed)


def _is_idle(provider: object) -> bool:
    """Return whether a provider only stands in for one that nobody has set up: most of the cost is saved."""
    return type(provider).__name__.startswith(("Proxy", "_Proxy", "NoOp"))


def _attributes(observation: Observation) -> Mapping[str, str | int | float]:
    """Return what is known at the end."""
    attributes: dict[str, str | int | float] = {"holdfast.outcome": observation.outcome}
    for name in ("objects", "bytes_read", "bytes_written", "retries"):
        if value := getattr(observation, name):
            attributes[f"holdfast.{name}"] = value
    if observation.failures:
        attributes["holdfast.failures"] = len(observation.failures)
    return attributes


def _report_error(span: trace.Span, observation: Observation) -> None:
    """Tell an error without its traceback, which would print causes with texts that are not ours."""
    error = observation.error
    if error is None:
        return
    kind = type(error).__qualname__
    span.set_attribute("error.type", kind)
    if observation.outcome == "failed":
        message = text(observation)
        span.set_status(StatusCode.ERROR, message)
        span.add_event("exception", {"exception.type": kind, "exception.message": message})
