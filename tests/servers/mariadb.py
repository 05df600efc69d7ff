"""MariaDB from Debian's packages, on a Unix socket, apart from the system's own."""

import fcntl
import os
import pwd
import secrets
import shlex
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import TYPE_CHECKING, Any

from .shared import ServerFailedError, State, launch, start_once

if TYPE_CHECKING:
    import pymysql

PACKAGES = "mariadb-server-core mariadb-client-core"  # without the service that mariadb-server starts
QUICK = ["innodb-flush-method=nosync", "innodb-flush-log-at-trx-commit=0", "innodb-doublewrite=OFF"]
SMALL = ["innodb-buffer-pool-size=32M", "innodb-log-file-size=16M", "max-connections=200", "default-time-zone=+00:00"]
UTF8 = ["character-set-server=utf8mb4", "collation-server=utf8mb4_general_ci"]
LOCK_WAIT_TIMEOUT = 1205  # ER_LOCK_WAIT_TIMEOUT
NO_SUCH_THREAD = 1094  # ER_NO_SUCH_THREAD
PATIENCE = 30.0  # seconds in which the server has to end a connection
GREETING = 10  # the version of the protocol, in the server's first packet; 255 would be an error


@dataclass(frozen=True)
class Database:
    """One database and how to reach it: by its socket, or through a proxy at a `host` and `port`.

    `<name>_<anything>` are a test's own, for further schemas.
    """

    name: str
    socket: str
    host: str = ""
    port: int = 0

    def url(self, driver: str, dialect: str = "mariadb") -> str:
        """Return SQLAlchemy's URL for a driver; people write `mysql` for the dialect as well."""
        address = f"{self.host}:{self.port}" if self.host else "localhost"
        options = "charset=utf8mb4" if self.host else f"unix_socket={self.socket}&charset=utf8mb4"
        if driver == "pymysql":
            options += "&ssl_disabled=1"  # loading certificates takes 40 ms a connection
        return f"{dialect}+{driver}://root@{address}/{self.name}?{options}"

    def end_others(self) -> None:
        """End all connections to it: the server may not know yet that a client is gone, and keep its locks."""
        with _connect(self.socket) as connection, connection.cursor() as cursor:
            _end_connections(cursor, self.name)


@dataclass(frozen=True)
class MariaDBServer:
    """A server, and empty databases on it."""

    socket: str

    @contextmanager
    def alone(self) -> Iterator[Database]:
        """Lend the only database that is used meanwhile, in all processes that share the server."""
        with Path(self.socket).with_name("alone").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with self.database() as database:
                yield database

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Lend an empty database that nobody else uses meanwhile."""
        # Not kept for the next test as PostgreSQL's are: making one takes 1 ms.
        database = Database(f"test_{secrets.token_hex(8)}", self.socket)
        with _connect(self.socket) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {database.name}")
        try:
            yield database
        finally:
            with _connect(self.socket) as connection, connection.cursor() as cursor:
                _drop(cursor, database.name)


def _connect(path: str) -> "pymysql.Connection[Any]":
    import pymysql

    return pymysql.connect(unix_socket=path, user="root", ssl_disabled=True)


def _drop(cursor: Any, name: str) -> None:
    """Drop a test's databases, after the connections that it left if their locks stop the drop."""
    import pymysql

    # Rarely are there any, and a server that is just closing some needs no KILL for that.
    cursor.execute("SET lock_wait_timeout = 1")
    try:
        _drop_schemas(cursor, name)
    except pymysql.err.OperationalError as error:
        if error.args[0] != LOCK_WAIT_TIMEOUT:
            raise
        _end_connections(cursor, name)
        _drop_schemas(cursor, name)


def _end_connections(cursor: Any, name: str) -> None:
    """End the connections to a test's databases, and wait until none is left."""
    import pymysql

    late = time.monotonic() + PATIENCE
    query = f"SELECT id, SLEEP(0.001) FROM information_schema.processlist WHERE db LIKE '{name}%'"
    while cursor.execute(query):
        for connection, _ in cursor.fetchall():
            try:
                cursor.execute(f"KILL SOFT CONNECTION {connection}")
            except pymysql.err.OperationalError as error:
                if error.args[0] != NO_SUCH_THREAD:  # it has ended since
                    raise
        if time.monotonic() > late:
            raise ServerFailedError(f"MariaDB does not end its connections to {name}")


def _drop_schemas(cursor: Any, name: str) -> None:
    cursor.execute(f"SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE '{name}%'")
    for (schema,) in cursor.fetchall():
        cursor.execute(f"DROP DATABASE `{schema}`")


def mariadb_server(name: str = "mariadb") -> MariaDBServer:
    """Start MariaDB without any of its guards against a power cut."""
    return MariaDBServer(start_once(name, _start)["socket"])


def _start(folder: Path) -> State:
    # A user's PATH may lack the folder that Debian puts servers in.
    path = f"{os.environ['PATH']}:/usr/sbin"
    programs = [shutil.which(name, path=path) for name in ("mariadb-install-db", "my_print_defaults", "mariadbd")]
    install, _, serve = programs
    if None in programs or install is None or serve is None:
        raise ServerFailedError(f"MariaDB is not installed: apt-get install {PACKAGES}")
    user = None
    if os.geteuid() == 0:  # MariaDB refuses to run as root
        user = pwd.getpwnam("nobody").pw_uid
        os.chown(folder, user, user)
    data, listens = f"--datadir={folder / 'data'}", folder / "socket"
    settings = ["--no-defaults", data, *(f"--{setting}" for setting in QUICK + SMALL + UTF8)]
    # "normal": a password, and none at first, where Debian's would ask which user the client is.
    create = [install, *settings, "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
    run = [serve, *settings, "--skip-networking", f"--socket={listens}", f"--pid-file={folder / 'pid'}"]
    # One command, so that the guard and the log have both.
    command = ["sh", "-c", f"{shlex.join(create)} && exec {shlex.join(run)}"]
    # SIGKILL: nothing of it is kept.
    launch(folder, command, ready=lambda: _answers(listens), stop=SIGKILL, user=user)
    return {"socket": str(listens)}


def _answers(path: Path) -> bool:
    """Say whether the server lets people in."""
    with socket.socket(socket.AF_UNIX) as client:
        if client.connect_ex(str(path)):
            return False
        packet = client.recv(5)
        return len(packet) == 5 and packet[4] == GREETING
