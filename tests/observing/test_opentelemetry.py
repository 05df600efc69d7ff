"""OpenTelemetry's SDK gets spans and measurements; without it nothing is loaded."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from holdfast import StorageBackend
from holdfast.backends.batch import PutRequest
from holdfast.backends.observing import Observer, observers
from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.opentelemetry import OpenTelemetry
from holdfast.backends.wrappers import GradualBackend
from holdfast.drivers.local import LocalDriver
from holdfast.errors import StorageError
from holdfast.testing.faults import Fault
from tests.files.conftest import Twin
from tests.observing.test_observations import Repeating, Waiting


@dataclass
class Telemetry:
    """An SDK in memory."""

    tracer: trace.Tracer
    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """Those that have ended."""
        return self.exporter.get_finished_spans()

    def points(self, name: str) -> list[tuple[dict[str, Any], Any]]:
        """Return attributes and value (of a histogram: count) of each series of a metric."""
        data = self.reader.get_metrics_data()
        return [
            (dict(point.attributes), getattr(point, "value", None) or point.count)
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    """Providers of the test's own: those of the process can be set only once."""
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    spans = TracerProvider(shutdown_on_exit=False)
    spans.add_span_processor(SimpleSpanProcessor(exporter))
    meters = MeterProvider([reader], shutdown_on_exit=False)
    observer = observers.add(OpenTelemetry(spans, meters))
    yield Telemetry(spans.get_tracer("test"), exporter, reader)
    observers.remove(observer)
    meters.shutdown()
    spans.shutdown()


async def test_a_span_for_each_operation(memory: StorageBackend, twin: Twin, telemetry: Telemetry) -> None:
    """It is the child of the caller's span, and tells what was moved."""
    with telemetry.tracer.start_as_current_span("request") as parent:
        await twin(memory.put, "a", b"12345")
        await twin.collect(memory.stream, "a")
        assert trace.get_current_span() is parent
    put, read, request = telemetry.spans
    assert (put.name, read.name, put.kind) == ("holdfast.put", "holdfast.read", SpanKind.CLIENT)
    assert [span.parent.span_id for span in (put, read)] == [request.context.span_id] * 2
    about = {"holdfast.storage": "docs", "holdfast.key": "a", "holdfast.outcome": "ok"}
    written = {"holdfast.operation": "put", "holdfast.bytes_written": 5, "holdfast.objects": 1}
    assert put.attributes == {**about, **written}
    assert read.attributes == {**about, "holdfast.operation": "read", "holdfast.bytes_read": 5}
    assert put.status.status_code == StatusCode.UNSET


class Nested(LocalDriver):
    """Local disk whose library is instrumented too."""

    def stat(self, key):
        trace.get_tracer("inner").start_span("inner").end()
        self.current = trace.get_current_span()
        return super().stat(key)


async def test_spans_of_the_services_library_are_children(tmp_path, twin: Twin, telemetry: Telemetry) -> None:
    """Such as those of an instrumented botocore; also in a thread."""
    driver = Nested(tmp_path, durable=False)
    storage = StorageBackend("docs", driver)
    await twin(storage.put, "a", b"")
    await twin(storage.stat, "a")
    assert driver.current.get_span_context().span_id == telemetry.spans[-1].context.span_id


async def test_a_stream_leaves_the_callers_context_alone(
    storage: StorageBackend, twin: Twin, telemetry: Telemetry
) -> None:
    """The span lasts as long as the read, and is never the current one while the caller's code runs."""
    await twin(storage.put, "a", b"x" * 3_000_000)
    with telemetry.tracer.start_as_current_span("request") as parent:
        if twin.is_async:
            found = [trace.get_current_span() async for _ in storage.stream_async("a", chunk_size=1_000_000)]
        else:
            found = [trace.get_current_span() for _ in storage.stream("a", chunk_size=1_000_000)]
    assert set(found) == {parent}
    assert [span.name for span in telemetry.spans] == ["holdfast.put", "holdfast.read", "request"]


async def test_streams_side_by_side(memory: StorageBackend, telemetry: Telemetry) -> None:
    """Each has its own span and parent, however they interleave and wherever they are closed."""
    await memory.put_async("a", b"x" * 3_000_000)

    async def reader(name: str) -> None:
        with telemetry.tracer.start_as_current_span(name):
            async for _ in memory.stream_async("a", chunk_size=1_000_000):
                await asyncio.sleep(0)

    await asyncio.gather(reader("one"), reader("two"))
    spans = {span.context.span_id: span for span in telemetry.spans}
    parents = [spans[span.parent.span_id].name for span in telemetry.spans if span.name == "holdfast.read"]
    assert sorted(parents) == ["one", "two"]


async def test_a_failure(faulty: StorageBackend, twin: Twin, telemetry: Telemetry) -> None:
    """Status, event and ``error.type`` as the semantic conventions have them, without a traceback."""
    faulty._plain.fail(Fault("put"))
    with pytest.raises(StorageError) as caught:
        await twin(faulty.put, "a", b"1")
    (span,) = telemetry.spans
    kind = type(caught.value).__name__
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, str(caught.value))
    assert span.attributes["error.type"] == kind
    (event,) = span.events
    assert (event.name, dict(event.attributes)) == (
        "exception",
        {"exception.type": kind, "exception.message": str(caught.value)},
    )
    about = {"holdfast.operation": "put", "holdfast.storage": "docs", "holdfast.outcome": "failed", "error.type": kind}
    assert telemetry.points("holdfast.operation.failures") == [(about, 1)]


async def test_measurements(tmp_path, twin: Twin, telemetry: Telemetry) -> None:
    """Durations, bytes in both directions, and retries, by storage and operation."""
    storage = StorageBackend("docs", Repeating(tmp_path, durable=False))
    await twin(storage.put, "a", b"12345")
    await twin(storage.put, "b", b"12345")
    await twin(storage.read, "a", end=3)
    await twin(storage.stat, "a")
    put, read, stat = (
        {"holdfast.operation": name, "holdfast.storage": "docs", "holdfast.outcome": "ok"}
        for name in ("put", "read", "stat")
    )
    assert telemetry.points("holdfast.operation.duration") == [(put, 2), (read, 1), (stat, 1)]
    assert telemetry.points("holdfast.operation.io") == [
        ({**put, "network.io.direction": "transmit"}, 10),
        ({**read, "network.io.direction": "receive"}, 3),
    ]
    assert telemetry.points("holdfast.operation.retries") == [(stat, 2)]
    assert telemetry.points("holdfast.operation.failures") == []


async def test_reads_of_what_has_not_moved(memory: StorageBackend, twin: Twin, telemetry: Telemetry) -> None:
    """A storage that moves counts what its old storage had to answer; an observer that fails stops nobody."""

    class Failing(Observer):
        def read_from_old(self, storage: str) -> None:
            raise RuntimeError(storage)

    failing = observers.add(Failing())
    try:
        storage = GradualBackend("moving", new=ObstoreBackend("new", "memory://"), old=memory)
        memory.put("a", b"12345")
        await twin(storage.read, "a")
        await twin(storage.put, "b", b"1")
        await twin(storage.read, "b")
        await twin(storage.stat, "a")
    finally:
        observers.remove(failing)
    assert telemetry.points("holdfast.gradual.reads_from_old") == [({"holdfast.storage": "moving"}, 2)]


async def test_failures_in_a_batch_are_counted_each(local: StorageBackend, twin: Twin, telemetry: Telemetry) -> None:
    """The batch is one operation and one span, but its failures are as many as they are."""
    await twin(local.put, "a", b"")
    await twin(local.put, "b", b"")
    await twin(local.put_many, [PutRequest(name, b"", if_absent=True) for name in "abc"])
    assert telemetry.spans[-1].attributes["holdfast.failures"] == 2
    ((attributes, count),) = telemetry.points("holdfast.operation.failures")
    assert (attributes["error.type"], count) == ("AlreadyExistsError", 2)


async def test_cancellation_is_no_failure(tmp_path, telemetry: Telemetry) -> None:
    """It is an outcome of its own, in spans and in measurements."""
    driver = Waiting(tmp_path)
    task = asyncio.create_task(StorageBackend("docs", driver).stat_async("a"))
    await driver.asked.wait()
    task.cancel()
    await asyncio.wait([task])
    (span,) = telemetry.spans
    assert (span.attributes["holdfast.outcome"], span.status.status_code) == ("cancelled", StatusCode.UNSET)
    ((attributes, _),) = telemetry.points("holdfast.operation.duration")
    assert attributes["error.type"] == "CancelledError"
    assert telemetry.points("holdfast.operation.failures") == []


BY_ITSELF = """
import sys
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from holdfast.backends.obstore import ObstoreBackend

storage = ObstoreBackend("docs", "memory://")
storage.put("before", b"")  # before anything is set up
exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(exporter))
metrics.set_meter_provider(MeterProvider([reader]))
storage.put("a", b"12345")
print([span.attributes["holdfast.key"] for span in exporter.get_finished_spans()])
scope = reader.get_metrics_data().resource_metrics[0].scope_metrics[0]
print(sorted(metric.name for metric in scope.metrics))
"""


def test_nothing_has_to_be_switched_on() -> None:
    """A program that sets the SDK up, early or late, gets spans and measurements."""
    done = subprocess.run([sys.executable, "-c", BY_ITSELF], capture_output=True, text=True, check=True)
    spans, metrics = done.stdout.splitlines()
    assert spans == "['a']"
    assert metrics == "['holdfast.operation.duration', 'holdfast.operation.io']"


WITHOUT = """
import sys
from holdfast.backends.obstore import ObstoreBackend
storage = ObstoreBackend("docs", "memory://")
storage.put("a", b"12345")
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""


def test_a_program_without_it_loads_nothing() -> None:
    """Neither `import holdfast` nor an operation looks for it."""
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
