"""Fixtures for every test: real servers, each started at most once per run."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from hypothesis import settings

from holdfast import storages
from holdfast.backends.observing import observers
from holdfast.testing.s3 import S3Bucket, S3Server
from tests.servers import azurite as azurite_servers
from tests.servers import ftp as ftp_servers
from tests.servers import gcs as gcs_servers
from tests.servers import mariadb as mariadb_servers
from tests.servers import postgres as postgresql
from tests.servers import s3
from tests.servers import sshd as sftp_servers
from tests.servers import web as web_servers
from tests.servers import webdav as webdav_servers
from tests.servers.proxy import CountingProxy, MariaDBProxy, PostgresProxy
from tests.servers.shared import open_run, start_or_skip

# A busy machine is no fault of the code: tests are not timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

MARKERS = {
    "s3": {"ministack", "rclone_s3"},
    "azure": {"azurite"},
    "gcs": {"gcs_emulator", "gcs_xml"},
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


@pytest.fixture(autouse=True)
def signed_urls_as_they_were() -> Iterator[None]:
    """Give the next test the signed URLs that this one found: they are one setting of the process."""
    before = storages.signed_urls
    yield
    storages.signed_urls = before


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio alone: SQLAlchemy's drivers know no other loop."""
    return "asyncio"


@pytest.fixture
def unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody observe the storages: OpenTelemetry does as soon as any test has imported it."""
    monkeypatch.delitem(sys.modules, "opentelemetry.trace", raising=False)
    monkeypatch.setattr(observers, "_telemetry", None)


@pytest.fixture(scope="session")
def ministack() -> S3Server:
    """An S3 server that verifies signatures, conditions and expiry."""
    return start_or_skip(s3.ministack)


@pytest.fixture(scope="session")
def rclone_s3() -> S3Server:
    """Another author's S3 server: no conditional writes, no versions."""
    return start_or_skip(s3.rclone)


@pytest.fixture
def s3_bucket(ministack: S3Server) -> S3Bucket:
    """A fresh bucket on ministack."""
    return ministack.make_bucket()


@pytest.fixture
def rclone_bucket(rclone_s3: S3Server) -> S3Bucket:
    """A fresh bucket on rclone."""
    return rclone_s3.make_bucket()


@pytest.fixture(
    params=[
        pytest.param("s3_bucket", id="ministack", marks=pytest.mark.s3),
        pytest.param("rclone_bucket", id="rclone", marks=pytest.mark.s3),
    ]
)
def each_s3_bucket(request: pytest.FixtureRequest) -> S3Bucket:
    """A fresh bucket on each S3 server in turn."""
    bucket: S3Bucket = request.getfixturevalue(request.param)
    return bucket


@pytest.fixture
def counting_proxy() -> Iterator[Callable[[str], CountingProxy]]:
    """Make proxies in front of S3 servers, each with `counting_proxy(bucket.server.endpoint)`."""
    with ExitStack() as stack:
        yield lambda endpoint: stack.enter_context(CountingProxy(endpoint))


@pytest.fixture(scope="session")
def azurite() -> azurite_servers.AzuriteServer:
    """Azure Blob Storage by its maker's emulator: `account`, `key`, `endpoint`, `make_container()`."""
    return start_or_skip(azurite_servers.azurite)


@pytest.fixture
def azure_container(azurite: azurite_servers.AzuriteServer) -> azurite_servers.AzureContainer:
    """A fresh container on Azurite."""
    return azurite.make_container()


@pytest.fixture(scope="session")
def gcs_emulator() -> gcs_servers.GCSServer:
    """Google Cloud Storage for gcsfs and Google's own library."""
    return start_or_skip(gcs_servers.emulator)


@pytest.fixture
def gcs_bucket(gcs_emulator: gcs_servers.GCSServer) -> gcs_servers.GCSBucket:
    """A fresh bucket on `gcs_emulator`."""
    return gcs_emulator.make_bucket()


@pytest.fixture(scope="session")
def gcs_xml() -> gcs_servers.GCSServer:
    """Google Cloud Storage for obstore."""
    return start_or_skip(gcs_servers.xml_api)


@pytest.fixture
def gcs_xml_bucket(gcs_xml: gcs_servers.GCSServer) -> gcs_servers.GCSBucket:
    """A fresh bucket on `gcs_xml`."""
    return gcs_xml.make_bucket()


@pytest.fixture(scope="session")
def sshd() -> sftp_servers.SFTPServer:
    """OpenSSH's server: `paramiko` and `sshfs` hold the options of the file systems."""
    return start_or_skip(sftp_servers.sshd)


@pytest.fixture(scope="session")
def rclone_sftp() -> sftp_servers.SFTPServer:
    """Another author's SFTP server, with a name and a password."""
    return start_or_skip(sftp_servers.rclone_sftp)


@pytest.fixture(scope="session")
def pyftpdlib() -> ftp_servers.FTPSite:
    """FTP servers, one of them without the commands of this century."""
    return start_or_skip(ftp_servers.pyftpdlib)


@pytest.fixture(scope="session")
def wsgidav() -> webdav_servers.WebDAVServer:
    """A WebDAV server."""
    return start_or_skip(webdav_servers.wsgidav)


@pytest.fixture(scope="session")
def rclone_http() -> web_servers.WebServer:
    """A web server that knows ranges and asks for a password."""
    return start_or_skip(web_servers.rclone_http)


@pytest.fixture(scope="session")
def plain_http() -> web_servers.WebServer:
    """A web server that knows no ranges."""
    return start_or_skip(web_servers.plain_http)


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
def mariadb_alone() -> Iterator[mariadb_servers.Database]:
    """Lend the only database of a second server: sweeps of all databases see the prepared transactions of one."""
    with start_or_skip(lambda: mariadb_servers.mariadb_server("mariadb-alone")).alone() as database:
        yield database


@pytest.fixture
def mariadb_proxy(mariadb: mariadb_servers.Database) -> Iterator[MariaDBProxy]:
    """A proxy in front of `mariadb` that can cut the connection around a COMMIT."""
    with MariaDBProxy(mariadb) as proxy:
        yield proxy
