"""How fast `migrate` is next to `rclone copy` on the same pair of stores, with small files and with large ones.

Each way copies the same files from a local folder to an empty place, in turns, and prints one JSON line with the
medians. They do not do the same:

- `migrate` hashes each file with SHA-256 and compares that with the row, writes only where nothing lies, and switches
  the rows, 200 in a transaction. What is larger than 1 MiB is copied by the kernel between two folders, and read back.
- `rclone copy` hashes each file with MD5. S3 gets the MD5 with the upload and is asked for it afterwards. With
  `--checksum` it compares hashes, too, to find what has to be copied: here everything has to.
- `rclone copy`, unchecked, asks for nothing afterwards (`--ignore-checksum --s3-no-head`).

Both do 16 files at once, and neither syncs files to the disk. The S3 server is `rclone serve s3` on this machine, so
that it takes its share of the processors. The start of rclone counts (0.1 s), that of Python does not.

    python benchmarks/migrate.py [--files 1500] [--large 2] [--mib 64] [--rounds 3]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from hashlib import sha256
from itertools import count
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StorageBackend, StoredObject, storages
from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers.local import LocalDriver
from holdfast.keys import default_key, new_id
from holdfast.maintenance import migrate, migrate_async

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.maintenance import MigrateReport
    from holdfast.testing.s3 import S3Server

ROOT = Path(__file__).parents[1]
MIB = 1024 * 1024
DAYS = 30
AT_ONCE = 16
LIMIT = 5.0  # times the seconds of rclone, for small files


class Base(DeclarativeBase):
    """The tables."""


class Document(Base):
    """A row with a file."""

    __tablename__ = "document"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="disk"))


class Database(NamedTuple):
    """A database by the names of its two drivers."""

    name: str
    url: str
    async_url: str


class Files(NamedTuple):
    """Files in a folder, and the rows that hold them."""

    name: str
    folder: Path
    rows: list[dict[str, Any]]
    size: int


Way: TypeAlias = "Callable[[Files, str], float]"
"""Copies files to a place by its name, and returns the seconds."""


def main() -> int:
    """Measure both kinds of files to both places; return 1 if migrating small files takes too long."""
    arguments = parse()
    sys.path.insert(0, str(ROOT))
    from tests.servers.postgres import postgres_server  # noqa: PLC0415  # found by the path of this file
    from tests.servers.s3 import rclone as rclone_server  # noqa: PLC0415
    from tests.servers.shared import open_run  # noqa: PLC0415

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-")))
        stack.callback(open_run())
        postgres = stack.enter_context(postgres_server().database())
        databases = [
            Database("PostgreSQL", postgres.url("psycopg"), postgres.url("asyncpg")),
            Database("SQLite", f"sqlite:///{folder}/rows.sqlite", f"sqlite+aiosqlite:///{folder}/rows.sqlite"),
        ]
        for each in databases:
            Base.metadata.create_all(create_engine(each.url))
        chance = random.Random(6)  # noqa: S311  # the same files each time
        small = [chance.randrange(1024, 16 * 1024) for _ in range(arguments.files)]
        large = [arguments.mib * MIB] * arguments.large
        ratios = []
        for files in (fill(folder / "small", small, chance), fill(folder / "large", large, chance)):
            for place in (Folders(folder / "copies"), Buckets(rclone_server())):
                ways = copies(place) | moves(databases if files.name == "small" else databases[:1])
                ratio = compare(files, place, ways, arguments.rounds)
                ratios += [ratio] if files.name == "small" else []
    return int(max(ratios, default=0) > LIMIT)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1500, help="small files, of 1 to 16 KiB")
    parser.add_argument("--large", type=int, default=2, help="large files")
    parser.add_argument("--mib", type=int, default=64, help="size of a large file")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def fill(folder: Path, sizes: list[int], chance: random.Random) -> Files:
    """Write files under keys of the last days, as Holdfast makes them."""
    rows, now = [], time.time()
    for number, size in enumerate(sizes):
        key = default_key(new_id(now - number % DAYS * 86400), "file.bin")
        content = chance.randbytes(size)
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        checksum = f"sha256:{sha256(content).hexdigest()}"
        facts = {"size": size, "checksum": checksum, "content_type": "application/octet-stream"}
        rows.append({"backend": "disk", "filename": "file.bin", "to_filename": key, "metadata": {}} | facts)
    storages.register_backend(StorageBackend(folder.name, LocalDriver(folder, durable=False)))
    return Files(folder.name, folder, [row | {"backend": folder.name} for row in rows], sum(sizes))


# --- places


class Folders:
    """Empty folders."""

    name = "disk"

    def __init__(self, parent: Path) -> None:
        self._parent, self._numbers = parent, count()
        self.environment: dict[str, str] = {}

    def make(self) -> str:
        """Make one, register it, and return its name."""
        name = f"folder{next(self._numbers)}"
        (self._parent / name).mkdir(parents=True)
        storages.register_backend(StorageBackend(name, LocalDriver(self._parent / name, durable=False)))
        return name

    def address(self, name: str) -> str:
        """Return what rclone calls it."""
        return str(self._parent / name)

    def remove(self, name: str) -> None:
        """Remove it."""
        shutil.rmtree(self._parent / name)


class Buckets:
    """Empty buckets."""

    name = "S3"

    def __init__(self, server: S3Server) -> None:
        self._server = server
        values = {
            "type": "s3",
            "provider": "Rclone",
            "endpoint": server.endpoint,
            "access_key_id": server.access_key,
            "secret_access_key": server.secret_key,
        }
        self.environment = {f"RCLONE_CONFIG_PLACE_{name.upper()}": value for name, value in values.items()}

    def make(self) -> str:
        """Make one, register it, and return its name."""
        bucket = self._server.make_bucket()
        storages.register_backend(ObstoreBackend(bucket.name, bucket.url, **bucket.options))
        return bucket.name

    def address(self, name: str) -> str:
        """Return what rclone calls it."""
        return f"place:{name}"

    def remove(self, name: str) -> None:
        """Remove it."""
        rclone(["delete", self.address(name)], self.environment)


# --- ways


def copies(place: Folders | Buckets) -> dict[str, Way]:
    """Return the ways of rclone."""

    def way(*options: str) -> Way:
        more = ["--transfers", str(AT_ONCE), "--checkers", str(AT_ONCE), "--s3-no-check-bucket", *options]
        return lambda files, name: rclone(["copy", str(files.folder), place.address(name), *more], place.environment)

    unchecked = way("--ignore-checksum", "--s3-no-head")
    return {"rclone copy": way(), "rclone copy --checksum": way("--checksum"), "rclone copy, unchecked": unchecked}


def rclone(arguments: list[str], environment: dict[str, str]) -> float:
    """Run rclone, and return the seconds."""
    program = shutil.which("rclone", path=sysconfig.get_path("scripts")) or "rclone"
    begun = time.perf_counter()
    subprocess.run([program, "--config", os.devnull, *arguments], check=True, env=os.environ | environment)
    return time.perf_counter() - begun


def moves(databases: list[Database]) -> dict[str, Way]:
    """Return the ways of Holdfast."""
    ways: dict[str, Way] = {}
    for each in databases:
        ways[f"migrate, {each.name}"] = partial(move, each)
        ways[f"migrate_async, {each.name}"] = partial(move_async, each)
    return ways


def move(database: Database, files: Files, name: str) -> float:
    """Migrate, and return the seconds."""
    fill_rows(database, files)
    engine = create_engine(database.url)
    with Session(engine) as session:
        report = migrate(session, Base, source=files.name, target=name, keep=True, concurrency=AT_ONCE)
    engine.dispose()
    return seconds_of(report, files)


def move_async(database: Database, files: Files, name: str) -> float:
    """Like `move`."""

    async def run() -> MigrateReport:
        engine = create_async_engine(database.async_url)
        async with AsyncSession(engine) as session:
            report = await migrate_async(session, Base, source=files.name, target=name, keep=True, concurrency=AT_ONCE)
        await engine.dispose()
        return report

    fill_rows(database, files)
    return seconds_of(asyncio.run(run()), files)


def seconds_of(report: MigrateReport, files: Files) -> float:
    """Return how long it took, if it did everything."""
    if not report.ok or report.counts["moved"] != len(files.rows):
        raise RuntimeError(report.to_dict())
    return report.seconds


# --- figures


def compare(files: Files, place: Folders | Buckets, ways: dict[str, Way], rounds: int) -> float:
    """Run all ways in turns, print the medians, and return the worst ratio."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            target = place.make()
            seconds[name].append(way(files, target))
            place.remove(target)
    medians = {name: median(found) for name, found in seconds.items()}
    for name, found in medians.items():
        figures = {
            "seconds": round(found, 2),
            "files_per_second": round(len(files.rows) / found, 1),
            "mb_per_second": round(files.size / found / 1e6, 1),
            "times_rclone_copy": round(found / medians["rclone copy"], 2),
        }
        print(json.dumps({"figure": f"{files.name} files, disk to {place.name}: {name}"} | figures), flush=True)
    return max(found / medians["rclone copy"] for found in medians.values())


def fill_rows(database: Database, files: Files) -> None:
    """Give rows the files where they were."""
    engine = create_engine(database.url)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM document"))
        rows = [{"file": json.dumps(row)} for row in files.rows]
        connection.execute(text("INSERT INTO document (file) VALUES (:file)"), rows)
    engine.dispose()


if __name__ == "__main__":
    sys.exit(main())
