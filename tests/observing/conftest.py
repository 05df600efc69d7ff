from collections.abc import Iterator
from typing import Any

import pytest

from holdfast import StorageBackend
from holdfast.backends.observing import Observation, Observer, observers
from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers.local import LocalDriver
from holdfast.testing.faults import FaultyDriver
from tests.files.conftest import Twin


class Recorder(Observer):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.seen: list[Observation] = []

    def begin(self, observation: Observation) -> Any:
        self.begun.append(observation.operation)
        return observation

    def end(self, observation: Observation, begun: Any) -> None:
        assert begun is observation
        self.seen.append(observation)

    @property
    def told(self) -> list[tuple[str, str | None, str]]:
        return [(each.operation, each.key, each.outcome) for each in self.seen]


@pytest.fixture(params=["sync", "async"])
def twin(request: pytest.FixtureRequest) -> Twin:
    """Run the test once in each world."""
    return Twin(request.param)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Watch all storages."""
    added = Recorder()
    observers.add(added)
    yield added
    observers.remove(added)


@pytest.fixture
def memory() -> StorageBackend:
    """A storage with both halves."""
    return ObstoreBackend("docs", "memory://")


@pytest.fixture
def local(tmp_path) -> StorageBackend:
    """A storage that runs in threads and writes in batches."""
    return StorageBackend("docs", LocalDriver(tmp_path / "docs", durable=False))


@pytest.fixture(params=["memory", "local"])
def storage(request: pytest.FixtureRequest) -> StorageBackend:
    """Each of the two."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def faulty(tmp_path) -> StorageBackend:
    """A storage that fails on cue, by ``faulty._plain.fail``."""
    return StorageBackend("docs", FaultyDriver(LocalDriver(tmp_path / "docs", durable=False)))
