"""Verify and sweep over many rows and objects: time, objects a second, peak memory, and how they grow.

Rows are made by bulk SQL in PostgreSQL (or SQLite), objects as files of a few bytes in a local folder, spread over
the days of a year; one in a hundred is held by no row. Each run is a process of its own. The limit is a peak of
300 MB, whatever the number.

    python benchmarks/maintenance_full.py [--count 100000 1000000] [--database postgresql|sqlite] [--folder DIR]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

ROOT = Path(__file__).parents[1]
LIMIT = 300_000_000
GARBAGE = 100  # one object in so many
DAYS = 365
CONTENT = b"twelve bytes"
CHECKSUM = "sha256:" + "0" * 64
BATCH = 10_000
RUNS = ("verify", "verify_async", "sweep_dry", "sweep")


def main() -> int:
    """Measure every count; return 1 if a run is over the limit."""
    arguments = parse()
    if arguments.figure:
        print(json.dumps(measure(*arguments.figure)))
        return 0
    worst = 0.0
    seconds: dict[str, dict[int, float]] = {name: {} for name in RUNS}
    with ExitStack() as stack:
        url = open_database(arguments.database, stack)
        for count in arguments.count:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=arguments.folder, prefix="holdfast-")))
            start = time.perf_counter()
            target = url or f"sqlite:///{folder}/bench.db"
            prepare(target, folder / "docs", count)
            print(json.dumps({"figure": "prepare", "count": count, "seconds": since(start)}), flush=True)
            for name in RUNS:
                command = [sys.executable, __file__, "--figure", name, target, str(folder / "docs")]
                line = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
                figure = {"count": count, "database": arguments.database} | json.loads(line)
                print(json.dumps(figure), flush=True)
                worst = max(worst, figure["peak_mb"])
                seconds[name][count] = figure["seconds"]
    for name, by_count in seconds.items():
        if len(by_count) > 1:
            (few, before), *_, (many, after) = sorted(by_count.items())
            growth = {"objects": round(many / few, 1), "seconds": round(after / before, 1)}
            print(json.dumps({"figure": f"growth of {name}", **growth}))
    return int(worst * 1e6 > LIMIT)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, nargs="+", default=[100_000, 1_000_000], help="rows, and objects")
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--folder", help="where the objects go")
    parser.add_argument("--figure", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args()


def open_database(name: str, stack: ExitStack) -> str | None:
    """Start PostgreSQL and return its URL; None for SQLite, which needs a file for each count."""
    if name == "sqlite":
        return None
    sys.path.insert(0, str(ROOT))
    from tests.servers.postgres import postgres_server  # noqa: PLC0415  # not needed by the measuring processes
    from tests.servers.shared import open_run  # noqa: PLC0415

    stack.callback(open_run())
    return stack.enter_context(postgres_server().database()).url("psycopg")


def prepare(url: str, folder: Path, count: int) -> None:
    """Make the rows and the files."""
    from sqlalchemy import text  # noqa: PLC0415

    engine = open_engine(url)
    base = model()
    base.metadata.drop_all(engine)
    base.metadata.create_all(engine)
    insert = text("INSERT INTO document (id, file) VALUES (:id, :file)")
    made: set[Path] = set()
    batch: list[dict[str, Any]] = []
    with engine.begin() as connection:
        for number, key in enumerate(keys(count)):
            path = folder / key
            if path.parent not in made:
                path.parent.mkdir(parents=True)
                made.add(path.parent)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
            os.write(descriptor, CONTENT)
            os.close(descriptor)
            if number % GARBAGE:
                batch.append({"id": number, "file": row(key)})
            if len(batch) == BATCH:
                connection.execute(insert, batch)
                batch.clear()
        if batch:
            connection.execute(insert, batch)
    engine.dispose()


def keys(count: int) -> Iterator[str]:
    """Yield keys of the default scheme, in no order, over the days of the last year."""
    from holdfast.keys import default_key, new_id  # noqa: PLC0415

    now = time.time()
    for number in range(count):
        yield default_key(new_id(now - (number * 7919 % DAYS) * 86400 - 60), f"document {number}.pdf")


def row(key: str) -> str:
    """Return the JSON of a row."""
    fields = {"backend": "docs", "filename": "document.pdf", "to_filename": key, "content_type": "application/pdf"}
    facts = {"size": len(CONTENT), "last_modified": 1.0, "checksum": CHECKSUM, "etag": "1-12", "version_id": None}
    return json.dumps(fields | facts | {"metadata": {}})


def model() -> Any:
    """Return a declarative base with one table."""
    from sqlalchemy import Column, Integer  # noqa: PLC0415
    from sqlalchemy.orm import declarative_base  # noqa: PLC0415

    from holdfast import StoredObject  # noqa: PLC0415

    base = declarative_base()
    columns = {"id": Column(Integer, primary_key=True), "file": Column(StoredObject(backend="docs"))}
    type("Document", (base,), {"__tablename__": "document", **columns})
    return base


def open_engine(url: str) -> Engine:
    """Open a database."""
    from sqlalchemy import create_engine  # noqa: PLC0415

    return create_engine(url)


def measure(name: str, url: str, folder: str) -> dict[str, Any]:
    """Run one command and return its figures."""
    from holdfast import StorageBackend, storages  # noqa: PLC0415
    from holdfast.drivers.local import LocalDriver  # noqa: PLC0415

    storages.register_backend(StorageBackend("docs", LocalDriver(Path(folder))))
    start = time.perf_counter()
    report = asyncio.run(run_async(url)) if name.endswith("_async") else run(name, url)
    seconds = time.perf_counter() - start
    objects = report.counts["objects"]
    garbage = report.counts["unreferenced"]
    if not report.ok or garbage != -(-objects // GARBAGE):
        message = f"{name} found {garbage} unreferenced among {objects}, and {report.errors}"
        raise RuntimeError(message)
    return {
        "figure": name,
        "seconds": round(seconds, 1),
        "objects_per_second": round(objects / seconds),
        "peak_mb": round(peak() / 1e6, 1),
        "unreferenced": garbage,
        "deleted": report.counts["deleted"],
    }


def run(name: str, url: str) -> Any:
    """Run a command in a Session."""
    from sqlalchemy.orm import Session  # noqa: PLC0415

    from holdfast.maintenance import sweep, verify  # noqa: PLC0415

    now = timedelta(0)
    with Session(open_engine(url)) as session:
        if name == "verify":
            return verify(session, model(), grace=now)
        return sweep(session, model(), grace=now, delete=name == "sweep")


async def run_async(url: str) -> Any:
    """Verify in an AsyncSession."""
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine  # noqa: PLC0415

    from holdfast.maintenance import verify_async  # noqa: PLC0415

    engine = create_async_engine(url.replace("+psycopg:", "+asyncpg:").replace("sqlite:", "sqlite+aiosqlite:"))
    async with AsyncSession(engine) as session:
        report = await verify_async(session, model(), grace=timedelta(0))
    await engine.dispose()
    return report


def since(start: float) -> float:
    """Return the seconds that have passed."""
    return round(time.perf_counter() - start, 1)


def peak() -> int:
    """Return the greatest resident set of this process, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise LookupError


if __name__ == "__main__":
    sys.exit(main())
