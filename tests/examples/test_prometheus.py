"""The example for Prometheus serves the figures that it promises."""

import importlib.util
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry, start_http_server

from holdfast.backends.observing import observers
from holdfast.backends.obstore import ObstoreBackend
from holdfast.errors import NotFoundError

EXAMPLE = Path(__file__).parents[2] / "examples" / "prometheus" / "holdfast_metrics.py"


def test_the_metrics_page() -> None:
    """Operations, bytes and failures show, by storage and operation."""
    spec = importlib.util.spec_from_file_location("holdfast_metrics", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    registry = CollectorRegistry()
    observer = observers.add(module.Prometheus(registry))
    server, thread = start_http_server(0, addr="127.0.0.1", registry=registry)
    try:
        storage = ObstoreBackend("docs", "memory://")
        storage.put("a", b"12345")
        storage.read("a", end=3)
        with pytest.raises(NotFoundError):
            storage.read("b")
        page = urlopen(f"http://127.0.0.1:{server.server_port}/metrics").read().decode().splitlines()
    finally:
        observers.remove(observer)
        server.shutdown()
        server.server_close()
        thread.join()
    for line in (
        'holdfast_operation_seconds_count{operation="put",outcome="ok",storage="docs"} 1.0',
        'holdfast_operation_seconds_count{operation="read",outcome="failed",storage="docs"} 1.0',
        'holdfast_bytes_total{direction="written",operation="put",storage="docs"} 5.0',
        'holdfast_bytes_total{direction="read",operation="read",storage="docs"} 3.0',
        'holdfast_retries_total{operation="put",storage="docs"} 0.0',
        'holdfast_failures_total{error="NotFoundError",operation="read",storage="docs"} 1.0',
    ):
        assert line in page, "\n".join(page)
