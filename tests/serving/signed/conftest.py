"""Each test runs against both kinds of server; the application has storages of its own."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from holdfast import StorageBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.registry import StorageRegistry
from tests.serving.signed.worlds import World, serving

SECRET = "a secret that nobody else knows"


class Site:
    """An application that is served in one of the worlds, and a client of it.

    Attributes:
        registry: Its storages.
        client: Sends requests.
    """

    def __init__(self, world: World, client: httpx.Client) -> None:
        self.world, self.client = world, client
        self.registry = StorageRegistry()
        self.registry.sign_urls(f"{world.base_url}/files", SECRET)
        self.serve()

    def serve(self, **options: Any) -> None:
        """Let an application with other options answer."""
        self.world.app = self.world.kind(self.registry, **options)

    def add(self, storage: StorageBackend) -> StorageBackend:
        """Register a storage."""
        return self.registry.register_backend(storage)

    def get(self, url: str, **headers: str) -> httpx.Response:
        """Send a GET."""
        return self.client.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def put(self, url: str, content: Any, content_type: str | None = None) -> httpx.Response:
        """Send a PUT."""
        headers = {} if content_type is None else {"content-type": content_type}
        return self.client.put(url, content=content, headers=headers)


@pytest.fixture(scope="package", params=["asgi", "wsgi"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Return a server."""
    with serving(request.param) as running:
        yield running


@pytest.fixture(scope="package")
def client() -> Iterator[httpx.Client]:
    """Return a client that keeps its connections, as browsers do."""
    with httpx.Client(timeout=30) as made:
        yield made


@pytest.fixture
def site(world: World, client: httpx.Client) -> Site:
    """Return an application that nobody else uses."""
    return Site(world, client)


@pytest.fixture
def docs(site: Site) -> StorageBackend:
    """Return a storage in memory."""
    return site.add(ObstoreBackend("docs", "memory://"))
