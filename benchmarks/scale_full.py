"""What verify, sweep, migrate and backfill cost per million files: seconds, memory, temporary files; and at a billion.

PostgreSQL (or SQLite) has the rows, a local folder the objects, of a few bytes each: this is the work around the files,
not that of their bytes. One object in a hundred is held by no row. Each run is a process of its own. Memory is the peak
of the resident set above what it was when everything was imported; the limit is 150 MB, whatever the number. Requests
to S3 are counted by `requests_full.py`.

    python benchmarks/scale_full.py [--count 10000 100000 1000000] [--files 100000] [--database postgresql|sqlite]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from holdfast.maintenance import Progress

ROOT = Path(__file__).parents[1]
LIMIT = 150_000_000
MILLION, BILLION = 10**6, 10**9
GARBAGE = 100  # one object in so many
DAYS = 365
CONTENT = b"twelve bytes"
BATCH = 10_000
PROCESSES = (1, 10, 100)
RUNS = {
    "verify": "verify",
    "sweep": "sweep --delete",
    "rename": "migrate, rows only",
    "migrate": "migrate, with files",
    "backfill": "backfill",
    "again": "backfill, nothing to do",
}
"""In this order: each finds what the one before has left."""
TOUCHING = ("migrate", "backfill")  # these open every file


def main() -> int:
    """Measure every count; return 1 if a run is over the limit."""
    arguments = parse()
    if arguments.figure:
        print(json.dumps(measure(*arguments.figure)))
        return 0
    figures = [
        json.loads(line) for path in arguments.tables for line in path.read_text().splitlines() if line[:1] == "{"
    ]
    if not figures:
        figures = list(measured(arguments))
    print_tables(figures)
    return int(any(each.get("memory_mb", 0) * 1e6 > LIMIT for each in figures))


def measured(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield and print the figures of every count."""
    with ExitStack() as stack:
        url = open_database(arguments.database, stack)
        for count in arguments.count:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=arguments.folder, prefix="holdfast-")))
            target = url or f"sqlite:///{folder}/bench.db"
            begun = time.perf_counter()
            make_files(folder, count)
            make_rows(folder, target, partial(row, "docs"))
            print(json.dumps({"figure": "prepare", "count": count, "seconds": since(begun)}), flush=True)
            for name, label in RUNS.items():
                if name in TOUCHING and count > arguments.files:
                    continue
                if name == "backfill":
                    make_rows(folder, target, partial(bare_row, "new"))
                command = [sys.executable, __file__, "--figure", name, target, str(folder)]
                line = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
                figure = {"figure": label, "count": count, "database": arguments.database} | json.loads(line)
                print(json.dumps(figure), flush=True)
                yield figure


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="rows, and objects")
    parser.add_argument("--files", type=int, default=100_000, help="above this, leave out what opens every file")
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--folder", help="where the objects go")
    parser.add_argument("--tables", type=Path, nargs="+", default=[], help="make tables of what earlier runs printed")
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


# --- what is measured


def make_files(folder: Path, count: int) -> None:
    """Write the objects, in no order, over the days of a year, and note their keys."""
    from holdfast.keys import default_key, new_id  # noqa: PLC0415  # each process imports what it needs

    now, made = time.time(), set()
    docs = f"{folder}/docs/"
    with (folder / "keys").open("w") as keys:
        for number in range(count):
            key = default_key(new_id(now - (number * 7919 % DAYS) * 86400 - 60), f"document {number}.pdf")
            day = key.rpartition("/")[0]
            if day not in made:
                Path(docs, day).mkdir(parents=True)
                made.add(day)
            descriptor = os.open(docs + key, os.O_WRONLY | os.O_CREAT)
            os.write(descriptor, CONTENT)
            os.close(descriptor)
            keys.write(f"{key}\n")


def make_rows(folder: Path, url: str, value: Callable[[str], dict[str, Any]]) -> None:
    """Write the rows, and no others."""
    from sqlalchemy import create_engine, text  # noqa: PLC0415

    engine, base = create_engine(url), model()
    base.metadata.drop_all(engine)
    base.metadata.create_all(engine)
    insert = text("INSERT INTO document (file) VALUES (:file)")
    before, after = json.dumps(value("KEY")).split("KEY")
    with engine.begin() as connection, (folder / "keys").open() as keys:
        batch: list[dict[str, Any]] = []
        for number, line in enumerate(keys):
            if number % GARBAGE:
                batch.append({"file": f"{before}{line[:-1]}{after}"})
            if len(batch) == BATCH:
                connection.execute(insert, batch)
                batch.clear()
        if batch:
            connection.execute(insert, batch)
    engine.dispose()


def row(storage: str, key: str) -> dict[str, Any]:
    """Return what a row of ours says."""
    from hashlib import sha256  # noqa: PLC0415

    checksum = f"sha256:{sha256(CONTENT).hexdigest()}"
    facts = {"size": len(CONTENT), "last_modified": 1.0, "checksum": checksum, "etag": "1-12", "version_id": None}
    return bare_row(storage, key) | {"content_type": "application/pdf", "metadata": {}} | facts


def bare_row(storage: str, key: str) -> dict[str, Any]:
    """Return what a row says that somebody wrote by hand."""
    return {"backend": storage, "filename": "document.pdf", "to_filename": key}


def model() -> Any:
    """Return a declarative base with one table."""
    from sqlalchemy import Column, Integer  # noqa: PLC0415
    from sqlalchemy.orm import declarative_base  # noqa: PLC0415

    from holdfast import StoredObject  # noqa: PLC0415

    base = declarative_base()
    columns = {"id": Column(Integer, primary_key=True), "file": Column(StoredObject(backend="docs"))}
    type("Document", (base,), {"__tablename__": "document", **columns})
    return base


# --- one run


def measure(name: str, url: str, folder: str) -> dict[str, Any]:
    """Run one command, and return its figures."""
    from sqlalchemy import create_engine  # noqa: PLC0415
    from sqlalchemy.orm import Session  # noqa: PLC0415

    from holdfast import StorageBackend, storages  # noqa: PLC0415
    from holdfast.drivers.local import LocalDriver  # noqa: PLC0415

    # "same" is the place of "docs"; "new" is empty until files are moved there.
    for key, part in {"docs": "docs", "same": "docs", "new": "new"}.items():
        storages.register_backend(StorageBackend(key, LocalDriver(Path(folder, part), durable=False)))
    watched = Watched()
    with Session(create_engine(url)) as session:
        before, worked, begun = memory("VmRSS"), time.process_time(), time.perf_counter()
        report = run(name, session, watched)
        seconds, worked = time.perf_counter() - begun, time.process_time() - worked
    if not report.ok:
        raise RuntimeError(report.to_dict())
    counts = report.counts
    files = counts["objects"] if name in {"verify", "sweep"} else counts["rows"]
    return {
        "seconds": round(seconds, 1),
        "processor_seconds": round(worked, 1),
        "files": files,
        "per_second": round(files / seconds),
        "memory_mb": round((memory("VmHWM") - before) / 1e6, 1),
        "temporary_mb": round(watched.most / 1e6, 1),
        "counts": {each: counts[each] for each in ("moved", "filled", "deleted") if counts[each]},
    }


def run(name: str, session: Any, watched: Watched) -> Any:
    """Run one command."""
    from holdfast.maintenance import backfill, migrate, sweep, verify  # noqa: PLC0415

    base, now = model(), timedelta(0)
    calls: dict[str, Callable[[], Any]] = {
        "verify": lambda: verify(session, base, storages=["docs"], grace=now, progress=watched),
        "sweep": lambda: sweep(session, base, storages=["docs"], grace=now, delete=True, progress=watched),
        "rename": lambda: migrate(session, base, source="docs", target="same", progress=watched),
        "migrate": lambda: migrate(session, base, source="same", target="new", progress=watched),
        "backfill": lambda: backfill(session, base, progress=watched),
        "again": lambda: backfill(session, base, progress=watched),
    }
    return calls[name]()


class Watched:
    """Looks at temporary files as a run makes progress: they have no names.

    Attributes:
        most: Their greatest size, in bytes.
    """

    def __init__(self) -> None:
        self.most, self._last = 0, 0.0

    def __call__(self, _: Progress) -> None:
        """Look, five times a second."""
        if time.monotonic() - self._last < 0.2:  # noqa: PLR2004  # seconds
            return
        self._last = time.monotonic()
        self.most = max(self.most, sum(self._sizes()))

    @staticmethod
    def _sizes() -> Iterator[int]:
        for each in Path("/proc/self/fd").iterdir():
            try:
                found = each.stat()
            except OSError:  # it has just been closed
                continue
            if not found.st_nlink:
                yield found.st_size


def memory(what: str) -> int:
    """Return a figure of this process's memory, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1]) * 1024
    raise LookupError(what)


def since(begun: float) -> float:
    """Return the seconds that have passed."""
    return round(time.perf_counter() - begun, 1)


# --- tables


def print_tables(figures: list[dict[str, Any]]) -> None:
    """Print what was measured, and what that is at a billion, as Markdown."""
    found = {name: {each["count"]: each for each in figures if each["figure"] == name} for name in RUNS.values()}
    found = {name: by_count for name, by_count in found.items() if by_count}
    counts = sorted({count for by_count in found.values() for count in by_count})
    heads = [f"of {count:,}" for count in counts]
    print_table(
        ["seconds (of a processor) for a million files", *heads],
        {name: [seconds(by_count.get(count)) for count in counts] for name, by_count in found.items()},
    )
    print_table(
        ["memory, temporary files", *heads],
        {name: [space(by_count.get(count)) for count in counts] for name, by_count in found.items()},
    )
    print_table(
        ["1,000,000,000 files", "temporary files", *(f"{number} process(es)" for number in PROCESSES)],
        {name: billion(by_count[max(by_count)]) for name, by_count in found.items()},
    )


def print_table(head: list[str], rows: dict[str, list[str]]) -> None:
    """Print a table."""
    print(f"\n| {' | '.join(head)} |")
    print("|---" * len(head) + "|")
    for name, cells in rows.items():
        print(f"| {name} | {' | '.join(cells)} |")


def seconds(figure: dict[str, Any] | None) -> str:
    """Return the seconds that a million files take."""
    if figure is None:
        return "-"
    whole, worked = (figure[each] / figure["files"] * MILLION for each in ("seconds", "processor_seconds"))
    return f"{whole:,.0f} ({worked:,.0f})"


def space(figure: dict[str, Any] | None) -> str:
    """Return what a run took of memory and of the disk."""
    return "-" if figure is None else f"{figure['memory_mb']:.0f} MB, {figure['temporary_mb']:.0f} MB"


def billion(figure: dict[str, Any]) -> list[str]:
    """Return what a billion files take: the disk, and the time between that of a processor and that by the clock."""
    times = BILLION / figure["files"]
    spans = (
        [figure[name] * times / 3600 / number for name in ("processor_seconds", "seconds")] for number in PROCESSES
    )
    disk = f"{figure['temporary_mb'] * times / 1e3:.0f} GB"
    return [disk, *(f"{duration(least)} to {duration(most)}" for least, most in spans)]


def duration(hours: float) -> str:
    """Return hours, or days."""
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} h"  # noqa: PLR2004  # two days


if __name__ == "__main__":
    sys.exit(main())
