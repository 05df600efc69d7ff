"""Fixtures for every test: real servers, each started at most once per run."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.servers import mariadb as mariadb_servers
from tests.servers import postgres as postgresql
from tests.servers import s3
from tests.servers.proxy import CountingProxy, MariaDBProxy, PostgresProxy
from tests.servers.shared import open_run, start_or_skip

MARKERS = {
    "s3": {"ministack", "rclone_s3"},
    "postgres": {"postgres_server"},
    "mariadb": {"mariadb_server"},
}


def pytest_configure(config: pytest.Config) -> None:
    """Open the test run, in the process that was started by hand."""
    if not hasattr(config, "workerinput"):  # xdist's workers share their parent's
        config.add_cleanup(open_run())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need a server, so that `-m "not s3"` leaves them out.

    A fixture that is asked for by `getfixturevalue` does not show here: mark its param.
    """
    for item in items:
        for marker, fixtures in MARKERS.items():
            if fixtures.intersection(getattr(item, "fixturenames", ())):
                item.add_marker(marker)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio alone: SQLAlchemy's drivers know no other loop."""
    return "asyncio"


@pytest.fixture(scope="session")
def ministack() -> s3.S3Server:
    """An S3 server that verifies signatures, conditions and expiry."""
    return start_or_skip(s3.ministack)


@pytest.fixture(scope="session")
def rclone_s3() -> s3.S3Server:
    """Another author's S3 server: no conditional writes, no versions."""
    return start_or_skip(s3.rclone)


@pytest.fixture
def s3_bucket(ministack: s3.S3Server) -> s3.S3Bucket:
    """A fresh bucket on ministack."""
    return ministack.make_bucket()


@pytest.fixture
def rclone_bucket(rclone_s3: s3.S3Server) -> s3.S3Bucket:
    """A fresh bucket on rclone."""
    return rclone_s3.make_bucket()


@pytest.fixture(
    params=[
        pytest.param("s3_bucket", id="ministack", marks=pytest.mark.s3),
        pytest.param("rclone_bucket", id="rclone", marks=pytest.mark.s3),
    ]
)
def each_s3_bucket(request: pytest.FixtureRequest) -> s3.S3Bucket:
    """A fresh bucket on each S3 server in turn."""
    bucket: s3.S3Bucket = request.getfixturevalue(request.param)
    return bucket


@pytest.fixture
def counting_proxy() -> Iterator[Callable[[str], CountingProxy]]:
    """Make proxies in front of S3 servers, each with `counting_proxy(bucket.server.endpoint)`."""
    with ExitStack() as stack:
        yield lambda endpoint: stack.enter_context(CountingProxy(endpoint))


@pytest.fixture(scope="session")
def postgres_server() -> postgresql.PostgresServer:
    """The PostgreSQL server of the run."""
    return start_or_skip(postgresql.postgres_server)


@pytest.fixture
def postgres(postgres_server: postgresql.PostgresServer) -> Iterator[postgresql.Database]:
    """Lend an empty database: `postgres.url("psycopg")`, `postgres.url("asyncpg")`."""
    with postgres_server.database() as database:
        yield database


@pytest.fixture
def postgres_proxy(postgres: postgresql.Database) -> Iterator[PostgresProxy]:
    """A proxy in front of `postgres` that can cut the connection around a COMMIT."""
    with PostgresProxy(postgres) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def mariadb_server() -> mariadb_servers.MariaDBServer:
    """The MariaDB server of the run."""
    return start_or_skip(mariadb_servers.mariadb_server)


@pytest.fixture
def mariadb(mariadb_server: mariadb_servers.MariaDBServer) -> Iterator[mariadb_servers.Database]:
    """Lend an empty database: `mariadb.url("pymysql")`, `mariadb.url("asyncmy")`."""
    with mariadb_server.database() as database:
        yield database


@pytest.fixture
def mariadb_proxy(mariadb: mariadb_servers.Database) -> Iterator[MariaDBProxy]:
    """A proxy in front of `mariadb` that can cut the connection around a COMMIT."""
    with MariaDBProxy(mariadb) as proxy:
        yield proxy
