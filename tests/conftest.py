"""Fixtures for every test: real servers, each started at most once per run."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeVar

import pytest

from tests.servers import postgres as postgresql
from tests.servers import s3
from tests.servers.proxy import CountingProxy, PostgresProxy
from tests.servers.shared import ServerFailedError, open_run

Server = TypeVar("Server")

MARKERS = {
    "s3": {"ministack", "rclone_s3"},
    "postgres": {"postgres_server"},
}


def pytest_configure(config: pytest.Config) -> None:
    """Open the test run, in the process that was started by hand."""
    if not hasattr(config, "workerinput"):  # xdist's workers share their parent's
        config.add_cleanup(open_run())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need a server, so that `-m "not s3"` leaves them out."""
    for item in items:
        for marker, fixtures in MARKERS.items():
            if fixtures.intersection(getattr(item, "fixturenames", ())):
                item.add_marker(marker)


def started(start: Callable[[], Server]) -> Server:
    """Start a server; where that fails, CI fails and a user's machine skips."""
    try:
        return start()
    except ServerFailedError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio alone: SQLAlchemy's drivers know no other loop."""
    return "asyncio"


@pytest.fixture(scope="session")
def ministack() -> s3.S3Server:
    """An S3 server that verifies signatures, conditions and expiry."""
    return started(s3.ministack)


@pytest.fixture(scope="session")
def rclone_s3() -> s3.S3Server:
    """Another author's S3 server: no conditional writes, no versions."""
    return started(s3.rclone)


@pytest.fixture
def s3_bucket(ministack: s3.S3Server) -> s3.S3Bucket:
    """A fresh bucket on ministack."""
    return ministack.make_bucket()


@pytest.fixture
def rclone_bucket(rclone_s3: s3.S3Server) -> s3.S3Bucket:
    """A fresh bucket on rclone."""
    return rclone_s3.make_bucket()


@pytest.fixture
def counting_proxy() -> Iterator[Callable[[str], CountingProxy]]:
    """Make proxies in front of S3 endpoints: `proxy = counting_proxy(endpoint)`."""
    with ExitStack() as stack:
        yield lambda endpoint: stack.enter_context(CountingProxy(endpoint))


@pytest.fixture(scope="session")
def postgres_server() -> postgresql.PostgresServer:
    """The PostgreSQL server of the run."""
    return started(postgresql.postgres_server)


@pytest.fixture
def postgres(postgres_server: postgresql.PostgresServer) -> Iterator[postgresql.Database]:
    """A fresh, empty database: `postgres.url("psycopg")`, `postgres.url("asyncpg")`."""
    with postgres_server.database() as database:
        yield database


@pytest.fixture
def postgres_proxy(postgres: postgresql.Database) -> Iterator[PostgresProxy]:
    """A proxy in front of `postgres` that can cut the connection around a COMMIT."""
    with PostgresProxy(postgres) as proxy:
        yield proxy
