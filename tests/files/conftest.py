"""Storages that are real and quick, and one way to call both halves of a pair."""

from collections.abc import Iterator
from typing import Any

import pytest

from holdfast import StorageBackend, storages
from holdfast.backends.obstore import ObstoreBackend


class Twin:
    """Calls `x` or `x_async`: `await twin(file.save)` is both tests at once."""

    def __init__(self, world: str) -> None:
        self.is_async = world == "async"

    def _of(self, method: Any) -> Any:
        return getattr(method.__self__, f"{method.__name__}_async") if self.is_async else method

    async def __call__(self, method: Any, *args: Any, **options: Any) -> Any:
        result = self._of(method)(*args, **options)
        return await result if self.is_async else result

    async def collect(self, method: Any, *args: Any, **options: Any) -> list[bytes]:
        """Return what an iterating method yields."""
        found = self._of(method)(*args, **options)
        return [chunk async for chunk in found] if self.is_async else list(found)


@pytest.fixture(params=["sync", "async"])
def twin(request: pytest.FixtureRequest) -> Twin:
    """Run the test once in each world."""
    return Twin(request.param)


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    """Leave the registry as it was found."""
    before = dict(storages._backends)
    storages.clear()
    yield
    storages._backends.clear()
    storages._backends.update(before)


@pytest.fixture(params=["memory", "local"])
def storage(request: pytest.FixtureRequest, tmp_path: Any) -> StorageBackend:
    """Return a registered storage named docs."""
    if request.param == "memory":
        return storages.register_backend(ObstoreBackend("docs", "memory://"))
    return storages.register_backend(f"file://{tmp_path}/docs/", key="docs", durable=False)


@pytest.fixture
def memory() -> StorageBackend:
    """Return a registered storage named docs, in memory."""
    return storages.register_backend("memory://", key="docs")


def keys(storage: StorageBackend) -> list[str]:
    """Return the keys of all that lies in a storage."""
    return [info.key for info in storage.list()]
